"""A vehicle as `/api/v1` shows it: who it is, how long it has been silent, and its last status, also in words."""

from __future__ import annotations

from typing import Any

import orjson

from evd.api.status_rows import json_of_row
from evd.api.times import shown_time
from evd.model.measures import MEASURES
from evd.store.vehicle_records import FleetRow
from evd.transfer.columns import CHANNELS, status_row

FLEET = tuple(name for name, measure in MEASURES.items() if "fleet" in measure.views)
"""The measures that a list of vehicles shows beside each one."""


def vehicle_row(row: FleetRow, now: int, *, is_coarse: bool) -> dict[str, Any]:
    """`last` is the last status, as /last gives it; `age_s` the seconds since. `now` is epoch ms."""
    last = row.last.coarse() if row.last and is_coarse else row.last
    values = last.values() if last else {}
    return {
        "vehicle": row.vehicle,
        "name": row.name,
        "regNumber": row.reg_number,
        "type": row.type,
        "relation": row.relation,
        "staleness": row.staleness,
        **shown_time("last_time", last.time if last else None),
        "age_s": (now - last.time) // 1000 if last else None,
        "channel": CHANNELS.get(last.connectivity) if last else None,
        **{name: _worded(name, values.get(name)) for name in FLEET},
        "kept": row.kept,
        "keep": row.keep,
        "too_old": row.too_old,
        "status_id": last.status_id if last else None,
        "modem_battery_v": row.modem_battery_v,
        "modem_temperature_c": row.modem_temperature_c,
        "last": orjson.Fragment(json_of_row(status_row(last))) if last else None,
    }


def _worded(name: str, value: Any) -> Any:
    words = MEASURES[name].words
    return words[value] if type(value) is int and 0 <= value < len(words) else value
