"""What is derived from statuses, through the real store: the same in any order, with repeats, in rings of any size."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from builders import NOW, arrival, new_store, rows
from derived_tables import expected, found
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.derived.fold import merged
from evd.derived.rollups import Rollup
from evd.derived.samples import StatusSample, read_sample
from evd.model.operations import Annotate, Arrive, Redecode, SetProfile, SetVehicle
from evd.model.profile import Profile
from evd.model.retention import Verdict
from evd.model.units import DAY_MS, HOUR_MS, MINUTE_MS
from evd.store.sqlite.database import SqliteDatabase

BEGIN = NOW - NOW % DAY_MS - DAY_MS

FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from([0, 1, 1, 1, 2, 3, 3, 7, None]),
        "current_charge": st.sampled_from([40, 41, 42, 50, 55.5, 80, None]),
        "range": st.sampled_from([80, 100, 160.25, 0]),
        "current": st.sampled_from([16, 32.5, -3]),
        "indoor_temperature": st.sampled_from([-0.1, 21.3, 15.40625]),
        "location": st.sampled_from(["48.1,17.1", "48.2,17.3", "", None]),
    },
)


def status(minutes: float, seq: int | None, fields: dict[str, Any], vehicle: str = "386625") -> Arrive:
    payload = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    return arrival(vehicle, time=BEGIN + round(minutes * MINUTE_MS), seq=seq, payload=payload, fields=payload)


#: Minutes close together, hours and days apart; some statuses with one time and seqNumber.
STATUSES = st.lists(
    st.builds(
        status,
        st.one_of(st.integers(0, 90), st.sampled_from([0, 10, 59, 60, 61, 600]), st.integers(0, 2 * 24 * 60)),
        st.sampled_from([None, 0, 1]),
        FIELDS,
    ),
    max_size=30,
)


def sample_of(message: Arrive) -> StatusSample:
    return read_sample(message.time, -1 if message.seq is None else message.seq, message.status_id, message.fields)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, tuple[Path, SqliteDatabase]]]:
    """By the size of their rings."""
    paths = {ring: tmp_path_factory.mktemp("derived") / "evd.db" for ring in (5, 12, 50)}
    opened = {ring: (path, new_store(path, capacity=ring)) for ring, path in paths.items()}
    yield opened
    for _, store in opened.values():
        store.close()


NUMBERS = count()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), statuses=STATUSES, ring=st.sampled_from([5, 12, 50]), shift_max=st.sampled_from([0, 2, 32]))
def test_any_order_with_repeats_derives_what_once_and_in_order_derives(
    stores: dict[int, tuple[Path, SqliteDatabase]],
    data: st.DataObject,
    statuses: list[Arrive],
    ring: int,
    shift_max: int,
) -> None:
    """Of what the ring kept; where it had room for all, of all.

    A small ring that evicts one of two with one time and seqNumber does not know it when it comes again.
    """
    path, store = stores[ring]
    if ring < len(statuses):
        statuses = list({(one.time, one.seq): one for one in statuses}.values())
    vehicle = f"vehicle {next(NUMBERS)}"
    statuses = [msgspec.structs.replace(one, vehicle=vehicle) for one in statuses]
    again = data.draw(st.lists(st.sampled_from(statuses), max_size=10)) if statuses else []
    order = data.draw(st.permutations(statuses + again))
    sizes = data.draw(st.lists(st.integers(1, 9), min_size=len(order), max_size=len(order)))
    store._rings.shift_max = shift_max
    kept: dict[str, Arrive] = {}
    while order:
        size = sizes.pop()
        group, order = order[:size], order[size:]
        if size == 9:  # as if evd had been killed: memory is gone
            store._rings._heads.clear()
        for message, result in zip(group, store.write(group), strict=True):
            if result.verdict.kept:
                kept[message.status_id] = message
    if statuses:
        assert found(path, vehicle) == expected([sample_of(one) for one in kept.values()])
    if ring > len(statuses):
        assert kept.keys() == {one.status_id for one in statuses}


def derived_alike(path: Path) -> bool:
    """Whether what is derived is what the statuses in the ring say, which has all of them."""
    sql = "SELECT time, seq, id, fields FROM ring WHERE vehicle = '386625'"
    return found(path) == expected([read_sample(*row) for row in rows(path, sql)])


def test_a_late_status_of_an_hour_that_is_caught_up_with_in_its_own_group_counts(tmp_path: Path) -> None:
    """After a start the hour's end is derived again by the group that brings the late one."""
    path = tmp_path / "evd.db"
    store = new_store(path)
    store.write([status(minutes, 1, {"state": 0}) for minutes in (0, 10, 70)])
    store._rings._heads.clear()
    store.write([status(5, 1, {"state": 0})])
    assert derived_alike(path)
    store.close()


CHARGED = [
    (0, {"state": 3, "current_charge": 50, "range": 100}),
    (10, {"state": 1, "current_charge": 50, "range": 100, "current": 16}),
    (20, {"state": 1, "current_charge": 52, "range": 104, "current": 20}),
    (30, {"state": 2, "current_charge": 53, "range": 106}),
    (80, {"state": 2, "current_charge": 53, "range": 106}),
]


@pytest.fixture
def charged(tmp_path: Path) -> Iterator[tuple[Path, SqliteDatabase]]:
    path = tmp_path / "evd.db"
    store = new_store(path)
    store.write([status(minutes, 1, fields) for minutes, fields in CHARGED])
    yield path, store
    store.close()


def test_a_place_that_the_network_says_later_is_the_sessions(charged: tuple[Path, SqliteDatabase]) -> None:
    path, store = charged
    said = {"payload": None, "source": "geoloc", "radio": b"{}", "location": "48.1,17.1", "received": NOW}
    for minutes in (20, 80):
        assert store.write([Annotate(vehicle="386625", time=BEGIN + minutes * MINUTE_MS, seq=1, **said)]) == [True]
    ((place, peak),) = rows(path, "SELECT start_place, peak FROM activities WHERE kind = 1")
    assert (place, peak) == ("48.1,17.1", 20)
    assert derived_alike(path)


def test_a_status_that_is_decoded_anew_is_derived_anew(charged: tuple[Path, SqliteDatabase]) -> None:
    path, store = charged
    for minutes, fields in ((20, b'{"state":3,"current_charge":49}'), (80, b'{"state":1,"current_charge":60}')):
        ((status_id, time),) = rows(path, "SELECT id, time FROM statuses WHERE time = ?", BEGIN + minutes * MINUTE_MS)
        store.write([Redecode("386625", status_id, time, 1, fields, "")])
        assert derived_alike(path)
    store._rings._heads.clear()
    assert derived_alike(path)


def test_the_data_takes_the_place_of_its_advanced_that_came_alone(tmp_path: Path) -> None:
    path = tmp_path / "evd.db"
    store = new_store(path)
    alone = {"payload": None, "flags": "alone"}
    store.write([arrival(seq=1, fields=b"{}", status_id="a" * 16, **alone), arrival(time=NOW + HOUR_MS, seq=2)])
    store.write([arrival(seq=1, fields=b'{"state":1,"current_charge":50}', status_id="b" * 16)])
    assert derived_alike(path)
    store.close()


def test_a_file_from_before_is_derived_from_its_rings_in_steps(tmp_path: Path) -> None:
    path = tmp_path / "evd.db"
    store = new_store(path, capacity=2_000, rollup_days=0)
    for first in range(0, 1200, 100):
        store.write([status(minutes, 1, CHARGED[minutes % 5][1]) for minutes in range(first, first + 100)])
    assert not rows(path, "SELECT vehicle FROM derived UNION ALL SELECT vehicle FROM hour_parts")
    store.close()
    store = new_store(path, capacity=2_000)
    assert store.wants_maintenance
    store.write([status(1300, 1, {"state": 1, "current_charge": 40}), status(601.5, 1, {"state": 0})])
    steps = 0
    while store.maintain():
        steps += 1
    assert 3 <= steps <= 6
    store.write([status(1301, 1, {"state": 0, "current_charge": 41}), status(3.5, 1, {"state": 0})])
    assert derived_alike(path)
    store.close()


@pytest.mark.parametrize("ring", [3, 5])
def test_what_left_a_ring_does_not_count_again_when_that_is_enlarged(tmp_path: Path, ring: int) -> None:
    path = tmp_path / "evd.db"
    store = new_store(path, capacity=5)
    statuses = [status(10 * minutes, 1, CHARGED[minutes % 5][1]) for minutes in range(8)]
    store.write(statuses)
    before = found(path)
    store.write([SetVehicle("386625", NOW, keep=ring)])
    while store.maintain():
        pass
    store.write([SetVehicle("386625", NOW, keep=20)])
    while store.maintain():
        pass
    verdicts = [result.verdict for result in store.write(statuses)]
    assert Verdict.LATE in verdicts  # the ring keeps it: it cannot know that it had it
    assert found(path) == before
    store.write([status(100, 1, {"state": 0})])
    assert sum(part.messages for part in found(path).parts.values()) == 9
    store.close()


SHOWN = ("current", "range", "current_charge")
DAYS = """
SELECT messages, current_min, current_mean, current_max, range_min, range_mean, range_max,
    current_charge_min, current_charge_mean, current_charge_max FROM day_rollups ORDER BY day"""


def day_row(day: Rollup) -> tuple[Any, ...]:
    spreads = [day.measures[name] for name in SHOWN]
    of_each = [(one.least, pytest.approx(one.mean, abs=6e-4), one.greatest) for one in spreads]
    return (day.messages, *chain.from_iterable(of_each))


def test_the_view_of_days_is_their_hours_at_every_moment(tmp_path: Path) -> None:
    """Also after a late status; the hours that are over count."""
    path = tmp_path / "evd.db"
    store = new_store(path, capacity=200)
    for first in range(0, 100, 10):
        store.write([status(37.5 * n, n, CHARGED[n % 5][1] | {"current": n / 8}) for n in range(first, first + 10)])
        store.write([status(37.5 * first - 1, 1, {"state": 0, "range": 77, "current": -first, "current_charge": 50})])
        parts = list(found(path).parts.values())
        newest = max(part.start for part in parts)
        days: dict[int, list[Rollup]] = {}
        for part in parts:
            if part.start < newest:
                days.setdefault(part.day, []).append(part)
        assert rows(path, DAYS) == [day_row(merged(days[day], 0, day)) for day in sorted(days)]
    store.close()


def test_rows_older_than_the_days_that_are_kept_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "evd.db"
    store = new_store(path, capacity=5, rollup_days=2)
    for hour in range(-24 * 5, 24, 3):
        store.write([status(60 * hour, 1, CHARGED[hour // 3 % 5][1])])
    for sql in ("SELECT min(start), max(start) FROM hour_parts", "SELECT min(time), max(time) FROM activities"):
        ((first, last),) = rows(path, sql)
        assert BEGIN - 2 * DAY_MS <= first < BEGIN - DAY_MS
        assert last >= BEGIN
    store.close()


def test_a_zone_that_is_set_counts_from_the_next_hour(tmp_path: Path) -> None:
    path = tmp_path / "evd.db"
    store = new_store(path, capacity=50)
    store.write([status(10, 1, {"state": 0})])
    store.write([SetProfile("386625", Profile(zone="Asia/Kathmandu"))])
    store.write([status(minutes, 1, {"state": 0}) for minutes in (20, 70, 18 * 60 + 10, 18 * 60 + 20)])
    starts = sorted(found(path, zone="Asia/Kathmandu").parts)
    assert [(start - BEGIN) // MINUTE_MS for start in starts] == [0, 60, 18 * 60, 18 * 60 + 15]
    store.close()


def test_a_commit_that_fails_derives_nothing(tmp_path: Path) -> None:
    path = tmp_path / "evd.db"
    store = new_store(path)
    store.write([status(0, 1, CHARGED[1][1])])
    before = found(path)
    list(store.prepare([status(90, 1, CHARGED[3][1]), status(45, 1, CHARGED[2][1])]))
    store._rollback()
    assert found(path) == before
    store.write([status(90, 1, CHARGED[3][1]), status(45, 1, CHARGED[2][1])])
    assert derived_alike(path)
    store.close()
