"""The queue of downlinks in SQLite: what waits for a vehicle to ask, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.store import Operation
from evd.store.registry import Registry

HANDLERS: dict[type[Operation], Callable[[Registry, Any], Any]] = {}
