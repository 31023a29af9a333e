"""What is derived of a vehicle, as the tables and its ring have it together."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from builders import rows

from evd.derived.activities import VehicleActivity
from evd.derived.fold import Fold, derive, read_fold
from evd.derived.rollups import Rollup, read_rollup
from evd.derived.samples import Rank, StatusSample, read_sample
from evd.store.sqlite.derivation import OPEN_FOLD


class Found(NamedTuple):
    """Parts by their start, activities by the status that ended them, and the open one."""

    parts: dict[int, Rollup]
    ended: dict[tuple[Rank, int], VehicleActivity]
    open: VehicleActivity | None


def expected(samples: list[StatusSample], zone: str = "UTC") -> Found:
    """Of these statuses, once and in order."""
    whole = derive(samples, zone)
    ended = {(one.by.rank, one.activity.kind): one.activity for one in whole.ended}
    return Found({part.start: part for part in whole.parts}, ended, whole.open)


def found(path: Path, vehicle: str = "386625", zone: str = "UTC") -> Found:
    ((number,),) = rows(path, "SELECT number FROM vehicles WHERE vehicle = ?", vehicle)
    fold, parts, ended = Fold(zone), {}, {}
    state = rows(path, OPEN_FOLD, number)
    if state:
        fold = read_fold(zone, *state[0])
    for start, day, data in rows(path, "SELECT start, day, data FROM hour_parts WHERE vehicle = ?", number):
        parts[start] = read_rollup(start, day, data)
    for _, time, seq, status_id, kind, *values in rows(path, "SELECT * FROM activities WHERE vehicle = ?", number):
        ended[(time, seq, status_id), kind] = activity(kind, *values)
    for sample in since(path, vehicle, fold.last):
        completed = fold.take(sample)
        if completed.part:
            parts[completed.part.start] = completed.part
        ended |= {(one.by.rank, one.activity.kind): one.activity for one in completed.ended}
    if fold.rollup is not None:
        parts[fold.rollup.start] = fold.rollup
    return Found(parts, ended, fold.open)


def since(path: Path, vehicle: str, last: StatusSample | None) -> list[StatusSample]:
    sql = "SELECT time, seq, id, fields FROM ring WHERE vehicle = ? AND timely = 1 ORDER BY time, seq, id"
    samples = [read_sample(*row) for row in rows(path, sql, vehicle)]
    return [one for one in samples if last is None or one.rank > last.rank]


def activity(kind: int, start: int, end: int, *values: Any) -> VehicleActivity:
    *numbers, inferred = values
    return VehicleActivity(kind, start, end, *numbers, inferred=bool(inferred))
