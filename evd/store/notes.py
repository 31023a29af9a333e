"""Vehicles' logs and modems in SQLite: what Sigfox reported of devices beside their messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.store import Operation
from evd.store.registry import Registry

HANDLERS: dict[type[Operation], Callable[[Registry, Any], Any]] = {}
