"""A vehicle as a search finds it."""

from __future__ import annotations

from typing import Any

import orjson
from builders import NOW

from evd.model.status import Status
from evd.store.vehicle_records import FleetRow


def vehicle(**fields: Any) -> FleetRow:
    """With a last status that has these fields; without any it was never heard of."""
    last = Status("1A", "id", NOW, 7, 2, None, orjson.dumps(fields), NOW, "") if fields else None
    return FleetRow("1A", "owner", "Zoe", None, None, "fresh", 5, 1000, 2, None, None, 3.1, None, last, ())
