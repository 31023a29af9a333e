"""The count of frames: what a gap says, and that a vehicle's days are a matter of its frames, not of their order."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
from builders import NOW, arrival, new_store, rows
from daemon_process import run_evd, running_daemon
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.config.settings import Config
from evd.model.frame_counter import SEQ_MAX, DayTally, Gap, gap
from evd.model.operations import Frame, Operation, UnknownVehicle
from evd.model.retention import Verdict
from evd.model.units import DAY_MS, HOUR_MS, MINUTE_MS
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.frame_counts import DAYS_KEPT, FRAMES_MAX, LOOK_ROWS_MAX

Opener = Callable[..., SqliteDatabase]
VEHICLE = "386625"
CONTRACT = Config().sigfox.daily_budget
MIDNIGHT = NOW // DAY_MS * DAY_MS
DAYS = "SELECT day, received, lost, resets FROM days WHERE vehicle = '386625' ORDER BY day"


@pytest.mark.parametrize(
    ("before", "after", "elapsed_ms", "expected"),
    [
        pytest.param(7, 8, 0, Gap(0, False), id="the next one"),
        pytest.param(7, 7, HOUR_MS, Gap(0, False), id="the same again"),
        pytest.param(7, 10, HOUR_MS, Gap(2, False), id="two between"),
        pytest.param(4095, 0, HOUR_MS, Gap(0, False), id="round the end"),
        pytest.param(4094, 1, HOUR_MS, Gap(2, False), id="a gap round the end"),
        pytest.param(0, 280, 0, Gap(279, False), id="at once, two days' contract at most"),
        pytest.param(0, 281, 0, Gap(0, True), id="at once, more than that"),
        pytest.param(0, 420, DAY_MS, Gap(419, False), id="a day later, three days' contract"),
        pytest.param(0, 421, DAY_MS, Gap(0, True), id="a day later, more than that"),
        pytest.param(0, 3000, 10 * DAY_MS, Gap(2999, False), id="ten days later, 300 for each"),
        pytest.param(0, 3001, 10 * DAY_MS, Gap(0, True), id="ten days later, more than that"),
        pytest.param(900, 0, HOUR_MS, Gap(0, True), id="flashed: from 0 again"),
        pytest.param(1, 0, 14 * DAY_MS, Gap(4094, False), id="so long that every number may have been used"),
    ],
)
def test_a_gap_is_what_the_network_lets_pass_and_a_restart_beyond(
    before: int, after: int, elapsed_ms: int, expected: Gap
) -> None:
    assert gap(before, after, elapsed_ms, CONTRACT) == expected


@pytest.mark.parametrize(
    ("contract", "jump", "elapsed_ms", "expected"),
    [
        pytest.param(2, 4, 0, Gap(3, False), id="a small contract: four at once"),
        pytest.param(2, 5, 0, Gap(0, True), id="a small contract: five are a restart"),
        pytest.param(2, 300, DAY_MS, Gap(299, False), id="a day later 300 pass, whatever the contract"),
        pytest.param(2, 301, DAY_MS, Gap(0, True), id="a day later, more than that"),
        pytest.param(1000, 2000, 0, Gap(1999, False), id="a large contract: two days of it at once"),
        pytest.param(1000, 2001, 0, Gap(0, True), id="a large contract: more than that"),
    ],
)
def test_what_passes_depends_on_the_contract(contract: int, jump: int, elapsed_ms: int, expected: Gap) -> None:
    assert gap(0, jump, elapsed_ms, contract) == expected
    tally = DayTally(NOW - elapsed_ms, 0, 1)
    tally.add(NOW, jump, contract)
    assert (tally.received, tally.lost, tally.resets) == (2, expected.lost, int(expected.reset))


@given(st.integers(0, SEQ_MAX), st.integers(0, SEQ_MAX), st.integers(0, 60 * DAY_MS))
def test_a_gap_loses_less_than_a_whole_round_and_a_restart_loses_nothing(before: int, after: int, elapsed: int) -> None:
    lost, reset = gap(before, after, elapsed, CONTRACT)
    assert 0 <= lost < SEQ_MAX
    assert not (reset and lost)


def test_a_tally_of_nothing_has_no_day_and_begins_with_any_frame() -> None:
    tally = DayTally()
    assert not tally.time < 0 < tally.midnight, "whatever comes belongs to another day"
    tally.turn(NOW, 4000, CONTRACT)
    assert tally.numbers == (NOW, 4000, 1, 0, 0)
    assert tally.midnight == MIDNIGHT + DAY_MS


class Sent(NamedTuple):
    """Something that a vehicle sent: `data` and `status` are counted, `wlan` is not."""

    kind: str
    time: int
    seq: int


def operation(sent: Sent) -> Operation:
    if sent.kind == "status":
        return Frame(VEHICLE, sent.time, sent.seq, NOW)
    if sent.kind == "wlan":
        return arrival(VEHICLE, time=sent.time, seq=None, payload=None, connectivity=2)
    return arrival(VEHICLE, time=sent.time, seq=sent.seq)


def expected_days(everything: set[Sent]) -> list[tuple[str, int, int, int]]:
    """As a person would count: the distinct frames in order, each gap to the day of the frame after it."""
    frames = sorted({(sent.time, sent.seq) for sent in everything if sent.kind != "wlan"})
    days: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for number, (time, seq) in enumerate(frames):
        day = days[time // DAY_MS]
        day[0] += 1
        if number:
            lost, reset = gap(frames[number - 1][1], seq, time - frames[number - 1][0], CONTRACT)
            day[1] += lost
            day[2] += reset
    newest = max(days, default=0)
    kept = {day: counted for day, counted in days.items() if day >= newest - DAYS_KEPT}
    return [(iso_day(day), *counted) for day, counted in sorted(kept.items())]


def iso_day(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


#: Times on a coarse grid, so that there are ties; numbers that mostly rise with the time, so that there are real gaps.
sent = st.one_of(
    st.builds(
        lambda kind, step, jitter: Sent(kind, NOW - 4 * DAY_MS + step * HOUR_MS, (3900 + step * 4 + jitter) % 4096),
        st.sampled_from(["data", "data", "status"]),
        st.integers(0, 96),
        st.integers(0, 3),
    ),
    st.builds(
        Sent, st.sampled_from(["data", "status", "wlan"]), st.integers(0, 5).map(lambda n: NOW - n * DAY_MS),
        st.integers(0, SEQ_MAX),
    ),
    st.builds(lambda n: Sent("data", NOW - n * 20 * DAY_MS, n), st.integers(0, 8)),
)  # fmt: skip
PAUSES = ("go on", "go on", "new group", "new group", "restart", "crash")


@settings(max_examples=120)
@given(st.data())
def test_the_days_hang_on_the_frames_and_not_on_their_order_repeats_groups_restarts_or_crashes(data: Any) -> None:
    everything = data.draw(st.lists(sent, min_size=1, max_size=40, unique_by=lambda one: (one.kind, one.time, one.seq)))
    in_order = data.draw(st.booleans())
    again = data.draw(st.lists(st.sampled_from(everything), max_size=10))
    delivered = sorted(everything, key=lambda one: one.time) if in_order else data.draw(st.permutations(everything))
    delivered = [*delivered, *again] if in_order else data.draw(st.permutations([*delivered, *again]))
    directory = Path(tempfile.mkdtemp())
    path = directory / "evd.db"
    store, group, done = new_store(path, capacity=200), [], []
    try:
        for one in delivered:
            group.append(operation(one))
            done.append(one)
            pause = data.draw(st.sampled_from(PAUSES))
            if pause == "go on":
                continue
            store.write(group)
            group = []
            assert rows(path, DAYS) == expected_days(set(done)), "exact at every moment"
            if pause == "restart":
                store.close()
                store = new_store(path, capacity=200)
            elif pause == "crash":
                store, abandoned = crashed(store, directory, len(done))
                path = store.path
                abandoned.close()
        store.write(group)
        assert rows(path, DAYS) == expected_days(set(done))
    finally:
        store.close()
        shutil.rmtree(directory)


def crashed(store: SqliteDatabase, directory: Path, number: int) -> tuple[SqliteDatabase, SqliteDatabase]:
    """A store over what the disk holds while the first one runs: its file and log, as a crash leaves them."""
    copy = directory / f"after-{number}"
    copy.mkdir()
    for name in (store.path.name, f"{store.path.name}-wal"):
        shutil.copy(store.path.with_name(name), copy / name)
    return new_store(copy / store.path.name, capacity=200), store


@pytest.mark.parametrize("groups", [1, 3, 7, 100])
def test_what_followed_the_written_shape_is_counted_by_readers_and_by_the_next_start(
    open_store: Opener, database: Path, groups: int
) -> None:
    """In order, every second one lost; the shape is written with each eighth."""
    store = open_store(capacity=30)
    said = [arrival(time=MIDNIGHT + number * MINUTE_MS, seq=2 * number) for number in range(50)]
    for first in range(0, len(said), groups):
        store.write(said[first : first + groups])
        so_far = min(first + groups, len(said))
        assert rows(database, DAYS) == [("2023-11-14", so_far, so_far - 1, 0)]
        if first % 3 == 0:
            store.close()
            store = open_store(capacity=30)
    store.write([arrival(time=MIDNIGHT + HOUR_MS, seq=200)])
    assert rows(database, DAYS) == [("2023-11-14", 51, 49 + 101, 0)]


def test_a_gap_over_midnight_belongs_to_the_day_after_it(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([arrival(time=MIDNIGHT - MINUTE_MS, seq=4090), arrival(time=MIDNIGHT, seq=2)])
    assert rows(database, DAYS) == [("2023-11-13", 1, 0, 0), ("2023-11-14", 1, 7, 0)]
    store.write([arrival(time=MIDNIGHT - 1, seq=4092)])
    assert rows(database, DAYS) == [("2023-11-13", 2, 1, 0), ("2023-11-14", 1, 5, 0)]


def test_the_view_shows_the_share_received_and_what_is_used_of_the_budget(open_store: Opener, database: Path) -> None:
    open_store().write([arrival(time=MIDNIGHT, seq=0), arrival(time=MIDNIGHT + 1000, seq=3)])
    assert rows(database, "SELECT * FROM days") == [("386625", "2023-11-14", 2, 2, 0, 50.0, 4)]


def test_a_status_frame_is_no_gap_and_no_status(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([arrival(time=NOW, seq=1), arrival(time=NOW + 2000, seq=3)])
    frame = Frame(VEHICLE, NOW + 1000, 2, NOW)
    assert store.write([frame, frame]) == [None, None]
    assert rows(database, DAYS) == [("2023-11-14", 3, 0, 0)]
    assert rows(database, "SELECT count(*) FROM ring") == [(2,)]


def test_a_frame_of_an_unknown_vehicle_makes_it_known_or_is_refused(open_store: Opener, database: Path) -> None:
    store = open_store(create_unknown=False)
    (refused,) = store.write([Frame(VEHICLE, NOW, 2, NOW)])
    assert isinstance(refused, UnknownVehicle)
    store.close()
    open_store().write([Frame(VEHICLE, NOW, 2, NOW)])
    assert rows(database, "SELECT vehicle, kept FROM fleet") == [(VEHICLE, 0)]
    assert rows(database, DAYS) == [("2023-11-14", 1, 0, 0)]


def test_a_frame_from_the_future_is_not_counted(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([Frame(VEHICLE, NOW + DAY_MS + 1, 9, NOW), arrival(time=NOW + DAY_MS + 1, seq=9), arrival(seq=1)])
    assert rows(database, DAYS) == [("2023-11-14", 1, 0, 0)]


@pytest.mark.parametrize(
    "status",
    [
        arrival(connectivity=2, seq=5),
        arrival(seq=None),
        arrival(seq=4096),
        arrival(seq=2**31),
    ],
    ids=["by WLAN", "without a number", "beyond 12 bits", "far beyond"],
)
def test_what_sigfox_did_not_number_is_not_counted(open_store: Opener, database: Path, status: Any) -> None:
    open_store().write([status])
    assert rows(database, DAYS) == []


def test_a_duplicate_and_one_too_old_for_its_ring_count_nothing(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=2)
    store.write([arrival(time=NOW + number, seq=number) for number in range(3)])
    before = rows(database, DAYS)
    results = store.write([arrival(time=NOW + 2, seq=2), arrival(time=NOW, seq=0)])
    assert [result.verdict for result in results] == [Verdict.DUPLICATE, Verdict.TOO_OLD]
    assert rows(database, DAYS) == before == [("2023-11-14", 3, 0, 0)]


def test_days_end_ninety_before_the_newest(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=200)
    store.write([arrival(time=NOW + number * DAY_MS, seq=number, now=NOW + 200 * DAY_MS) for number in range(120)])
    days = rows(database, DAYS)
    assert len(days) == DAYS_KEPT + 1
    store.write([arrival(time=NOW + 5 * DAY_MS + 1, seq=5, payload=b"late", now=NOW + 200 * DAY_MS)])
    assert rows(database, DAYS) == days


def test_of_other_frames_so_many_are_kept_and_an_older_one_counts_nothing(open_store: Opener, database: Path) -> None:
    store = open_store()
    frames = [Frame(VEHICLE, NOW + number, number, NOW) for number in range(FRAMES_MAX + 5)]
    store.write(frames)
    store.write(frames)
    assert rows(database, "SELECT count(*), min(seq) FROM frames") == [(FRAMES_MAX, 5)]
    assert rows(database, DAYS) == [("2023-11-14", FRAMES_MAX + 5, 0, 0)]


def test_a_late_one_whose_neighbours_are_out_of_sight_is_received_and_takes_back_no_gap(
    open_store: Opener, database: Path
) -> None:
    store = open_store(capacity=2 * LOOK_ROWS_MAX + 10)
    wlan = [
        arrival(time=NOW + 1000 + number, seq=None, connectivity=2, payload=None)
        for number in range(2 * LOOK_ROWS_MAX + 2)
    ]
    store.write([arrival(time=NOW, seq=1), *wlan, arrival(time=NOW + 9000, seq=5)])
    store.write([arrival(time=NOW + 1000 + LOOK_ROWS_MAX + 1, seq=3)])
    assert rows(database, DAYS) == [("2023-11-14", 3, 3, 0)]


def test_a_late_frame_takes_back_no_gap_that_ended_at_a_status_which_fell_out(
    open_store: Opener, database: Path
) -> None:
    store = open_store(capacity=2)
    store.write([Frame(VEHICLE, NOW, 0, NOW)])
    for number in (10, 11, 12, 20):
        store.write([arrival(time=NOW + 1000 * number, seq=number)])
    store.write([Frame(VEHICLE, NOW + 11_500, 5, NOW)])
    # 9 between 0 and 10, 7 between 12 and 20; the gap from 0 to 12 was none.
    assert rows(database, DAYS) == [("2023-11-14", 6, 16, 0)]


def test_a_lowered_and_a_raised_ring_keep_their_count(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=20)
    for number in range(13):
        store.write([arrival(time=NOW + number, seq=2 * number)])
    for capacity in (5, 30):
        store.close()
        store = open_store(capacity=capacity)
        while store.maintain():
            pass
        assert rows(database, DAYS) == [("2023-11-14", 13, 12, 0)]
    store.write([arrival(time=NOW + 100, seq=26)])
    assert rows(database, DAYS) == [("2023-11-14", 14, 13, 0)]


@pytest.mark.parametrize(("contract", "lost", "resets"), [(140, 99, 0), (10, 0, 1)])
@pytest.mark.parametrize("followers", [0, 3])
def test_the_contract_distinguishes_a_gap_from_a_restart_also_for_readers(
    open_store: Opener, database: Path, contract: int, lost: int, resets: int, followers: int
) -> None:
    store = open_store(contract=contract)
    numbers = (0, *range(100, 101 + followers))
    store.write([arrival(time=NOW + number, seq=number) for number in numbers])
    assert rows(database, DAYS) == [("2023-11-14", len(numbers), lost, resets)]


def test_after_a_change_of_the_contract_no_count_falls_below_none(open_store: Opener, database: Path) -> None:
    store = open_store(contract=140)
    store.write([arrival(time=NOW, seq=0), arrival(time=NOW + 100, seq=100)])
    store.close()
    store = open_store(contract=10)
    store.write([arrival(time=NOW + 50, seq=50)])
    ((_, received, lost, resets),) = rows(database, DAYS)
    assert (received, lost, resets) == (3, 99, 1), "what was lost by the contract before stays, the restarts are new"


def test_a_group_that_fails_leaves_the_count_as_it_was(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([arrival(time=NOW, seq=1)])
    good, bad = arrival(time=NOW + 1, seq=3), arrival(time=NOW + 2, seq=5, fields="{}")
    results = store.write([good, bad, arrival(time=NOW + 3, seq=7)])
    assert [hasattr(result, "verdict") for result in results] == [True, False, True]
    assert rows(database, DAYS) == [("2023-11-14", 3, 1 + 3, 0)]


def test_the_days_are_shown_by_command_and_by_the_api(tmp_path: Path) -> None:
    directory = tmp_path / "evd"
    with running_daemon(directory, env={"EVD_SIGFOX__DAILY_BUDGET": "50"}) as daemon:
        sigfox = {"x-api-key": daemon.keys["sigfox"]}
        for time, seq in ((MIDNIGHT, 4095), (MIDNIGHT + HOUR_MS, 1), (MIDNIGHT + DAY_MS, 2)):
            document = {"device": "00386625", "time": time // 1000, "data": "01", "seqNumber": seq}
            answer = httpx.post(f"{daemon.url}/sigfox/uplink", json=document, headers=sigfox)
            assert answer.status_code == 201
        shown = run_evd("vehicle", "days", "0386625", "--json", "--dir", directory)
        assert orjson.loads(shown.stdout) == [
            {"vehicle": VEHICLE, "day": day, "received": received, "lost": lost, "resets": 0, "share": share}
            | {"used": received + lost, "of": 50}
            for day, received, lost, share in (("2023-11-14", 2, 1, 66.7), ("2023-11-15", 1, 0, 100.0))
        ]
        lines = run_evd("vehicle", "days", VEHICLE, "--dir", directory).stdout.splitlines()
        assert lines[0].split("  ")[0] == "DAY (UTC)"
        assert lines[1].split() == ["2023-11-14", "2", "1", "66.7", "0", "3", "50"]
        unknown = run_evd("vehicle", "days", "FFFF", "--dir", directory)
        assert unknown.returncode != 0 and "vehicle FFFF is unknown" in unknown.stderr
        path = f"{daemon.url}/api/v1/vehicles/{VEHICLE}/days"
        assert httpx.get(path, headers={"x-api-key": daemon.keys["app"]}).status_code == 403
        assert len(httpx.get(path, headers={"x-api-key": daemon.keys["admin"]}).json()) == 2
