"""Convert a row of `ring`, `last` or `statuses` to a Status; the one place that names the columns and their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evd.model.kept_status import KeptStatus
from evd.model.status import Status

COLUMNS = "id, time, nullif(seq, -1), connectivity, payload, CAST(fields AS BLOB), received, flags"
"""Columns of a Status, after its vehicle."""

OF_TABLE = "s.id, s.time, nullif(s.seq, -1), s.connectivity, s.payload, CAST(s.fields AS BLOB), s.received, s.flags"
"""The same if `statuses` is named s."""

KEPT_OF_TABLE = f"{OF_TABLE}, CAST(s.document AS BLOB), s.radio"
KEPT = f"{COLUMNS}, CAST(document AS BLOB), radio"
"""Columns of a KeptStatus, after its vehicle."""


def status_of(vehicle: str, row: Sequence[Any]) -> Status:
    return Status(vehicle, *row)


def kept_status_of(vehicle: str, row: Sequence[Any]) -> KeptStatus:
    return KeptStatus(vehicle, *row)
