"""evd's time where the server's clock is behind: what evd saw before, and what Sigfox says, against it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import NOW, rows
from daemon_process import RunningDaemon, running_daemon
from wall_clock import WallClock

from evd.daemon.server_clock import AGREE_MS, STEP_BACK_MS, VOTES, ServerClock
from evd.model.units import DAY_MS, HOUR_MS, MINUTE_MS


class Machine:
    """A machine's two clocks; they go on together, and the wall clock can be set."""

    def __init__(self, wall: int = NOW) -> None:
        self.time = wall
        self.since_start = 7 * MINUTE_MS

    def passes(self, ms: int) -> None:
        self.time += ms
        self.since_start += ms

    def clock(self, alive: int | None = None, *, trusted: bool = False) -> ServerClock:
        return ServerClock(alive, trusted=trusted, wall=lambda: self.time, steady=lambda: self.since_start)


@pytest.mark.parametrize(
    ("alive", "behind_ms"),
    [
        pytest.param(None, 0, id="the first start: nothing is known"),
        pytest.param(NOW - DAY_MS, 0, id="evd was away"),
        pytest.param(NOW, 0, id="a restart"),
        pytest.param(NOW + STEP_BACK_MS, 0, id="set back a little"),
        pytest.param(NOW + STEP_BACK_MS + 1, STEP_BACK_MS + 1, id="set back"),
        pytest.param(NOW + 2 * DAY_MS, 2 * DAY_MS, id="two days behind"),
    ],
)
def test_a_start_before_evd_was_last_alive_is_no_time(alive: int | None, behind_ms: int) -> None:
    machine = Machine()
    clock = machine.clock(alive)
    assert (clock(), clock.behind_ms, clock.doubted) == (NOW + behind_ms, behind_ms, behind_ms > 0)
    machine.passes(MINUTE_MS)
    clock.look()
    assert clock() == NOW + behind_ms + MINUTE_MS, "both go on"


def test_who_trusts_the_clock_is_given_its_time() -> None:
    clock = Machine().clock(NOW + 2 * DAY_MS, trusted=True)
    clock.look()
    assert (clock(), clock.doubted) == (NOW, False)


def test_a_clock_that_is_set_back_while_evd_runs_is_not_followed_and_one_that_is_set_right_is() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.time -= 2 * DAY_MS
    clock.look()
    machine.passes(MINUTE_MS)
    assert (clock(), clock.behind_ms) == (NOW + MINUTE_MS, 2 * DAY_MS)
    machine.time += 2 * DAY_MS
    clock.look()
    assert (clock(), clock.doubted, clock.take_jump()) == (NOW + MINUTE_MS, False, False)


def test_a_drift_is_followed_either_way() -> None:
    machine = Machine()
    clock = machine.clock()
    for step in (-50 * MINUTE_MS,) * 10 + (50 * MINUTE_MS,) * 20:
        machine.time += step
        clock.look()
        assert (clock(), clock.take_jump()) == (machine.time, False)


@pytest.mark.parametrize(
    ("alive", "set_forward", "jumps"),
    [
        pytest.param(None, 0, False, id="nothing"),
        pytest.param(None, 30 * MINUTE_MS, False, id="a little"),
        pytest.param(None, 2 * DAY_MS, True, id="while it ran"),
        pytest.param(NOW - HOUR_MS, 0, False, id="a short stop"),
        pytest.param(NOW - 2 * DAY_MS, 0, True, id="before the start, or evd was away"),
    ],
)
def test_a_clock_that_went_forward_by_a_jump_was_wrong_before(alive: int | None, set_forward: int, jumps: bool) -> None:
    machine = Machine()
    clock = machine.clock(alive)
    machine.time += set_forward
    machine.passes(1000)
    clock.look()
    assert [clock.take_jump(), clock.take_jump()] == [jumps, False]


def test_while_the_clock_is_doubted_messages_say_how_late_it_is() -> None:
    """evd was away for three days, and its machine came back without the time."""
    machine = Machine(NOW - 100 * DAY_MS)
    clock = machine.clock(NOW)
    for seconds in range(VOTES):
        assert clock() < NOW + DAY_MS
        clock.heard(NOW + 3 * DAY_MS + seconds * 1000)
    assert abs(clock() - (NOW + 3 * DAY_MS)) < MINUTE_MS
    assert (clock.doubted, clock.take_jump()) == (True, True)
    machine.passes(MINUTE_MS)
    clock.look()
    assert abs(clock() - (NOW + 3 * DAY_MS)) < 2 * MINUTE_MS, "that holds"


def test_where_messages_agree_with_the_wall_clock_it_was_wrong_before() -> None:
    """It was two years ahead once, and that was the last that evd knew."""
    machine = Machine()
    clock = machine.clock(NOW + 700 * DAY_MS)
    for _ in range(VOTES):
        assert clock.doubted
        machine.passes(1000)
        clock.heard(machine.time - MINUTE_MS)
    assert (clock(), clock.doubted) == (machine.time, False)
    clock.look()
    assert clock() == machine.time


@pytest.mark.parametrize(
    "times",
    [
        pytest.param([90 * DAY_MS] * (VOTES - 1), id="too few"),
        pytest.param([90 * DAY_MS, 80 * DAY_MS] * VOTES, id="which disagree"),
        pytest.param([90 * DAY_MS, 90 * DAY_MS, 2 * DAY_MS] * VOTES, id="and one that agrees with evd"),
        pytest.param([-DAY_MS, DAY_MS, DAY_MS + HOUR_MS] * VOTES, id="late ones"),
        pytest.param([2 * DAY_MS + AGREE_MS] * VOTES, id="as evd has it"),
    ],
)
def test_other_messages_move_no_clock(times: list[int]) -> None:
    clock = Machine().clock(NOW + 2 * DAY_MS)
    for later in times:
        clock.heard(NOW + later)
    assert clock.behind_ms == 2 * DAY_MS


def test_messages_move_no_clock_that_is_believed() -> None:
    clock = Machine().clock(NOW - MINUTE_MS)
    for _ in range(2 * VOTES):
        clock.heard(NOW + 90 * DAY_MS)
    assert (clock(), clock.doubted) == (NOW, False)


# A real daemon over real sockets, by a clock that is two days behind.

BEHIND_S = 2 * 86_400
RING = 10
SETTINGS = f"[retention]\nstatuses_per_vehicle = {RING}\n"
VEHICLE = "1D2A"


@pytest.fixture
def wall(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path)


def now_s() -> int:
    return int(time.time())


def say(daemon: RunningDaemon, *times_s: int) -> set[int]:
    """Callbacks of one vehicle, one after the other; the statuses of their answers."""
    with httpx.Client(headers={"x-api-key": daemon.keys["sigfox"]}) as client:
        url = f"{daemon.url}/sigfox/uplink"
        return {
            client.post(url, json={"device": VEHICLE, "time": time_s, "data": f"{time_s % 256:02x}"}).status_code
            for time_s in times_s
        }


def last(daemon: RunningDaemon) -> int | None:
    """The time of the vehicle's last status, epoch s."""
    found = rows(daemon.database, "SELECT time / 1000 FROM last WHERE vehicle = ?", VEHICLE)
    return found[0][0] if found else None


def in_ring(daemon: RunningDaemon) -> list[tuple[int, str]]:
    return rows(daemon.database, "SELECT time / 1000, flags FROM statuses ORDER BY time")


def alarms(daemon: RunningDaemon) -> list[str]:
    """All but the loop's lag: a busy machine is not what is tested here."""
    names = [alarm["name"] for alarm in httpx.get(f"{daemon.url}/readyz").json()["alarms"]]
    return [name for name in names if name != "loop_lag"]


def soon(what: Callable[[], Any], expected: Any, within_s: float = 30) -> None:
    end = time.monotonic() + within_s
    while (seen := what()) != expected:
        assert time.monotonic() < end, f"{seen!r} is not {expected!r}"
        time.sleep(0.05)


def test_a_full_ring_goes_on_by_evds_own_time(tmp_path: Path, wall: WallClock) -> None:
    place = tmp_path / "evd"
    with running_daemon(place, env=wall.env, settings=SETTINGS) as daemon:
        assert say(daemon, *range(now_s() - 100, now_s() - 80)) == {201}
        soon((place / "alive").exists, True)
    wall.set_behind(BEHIND_S)
    with running_daemon(place, env=wall.env, keys=daemon.keys) as daemon:
        said = range(now_s() - RING, now_s())
        for time_s in said:
            assert say(daemon, time_s) == {201}
            assert last(daemon) == time_s
        assert in_ring(daemon) == [(time_s, "") for time_s in said]
        soon(lambda: alarms(daemon), ["clock"])
        wall.set_behind(0)
        soon(lambda: alarms(daemon), [])


def test_what_came_before_evd_could_know_is_right_once_the_clock_is(tmp_path: Path, wall: WallClock) -> None:
    """Fresh: by the first daemon's clock all lies ahead. What finds no room is kept, acknowledged, and told."""
    wall.set_behind(BEHIND_S)
    with running_daemon(tmp_path / "evd", env=wall.env, settings=SETTINGS) as daemon:
        old = range(now_s() - BEHIND_S - 90, now_s() - BEHIND_S - 90 + RING - 3)
        said = range(now_s() - RING, now_s())
        assert say(daemon, *old, *said, *said) == {201}
        assert last(daemon) == old[-1], "it is never a reason to evict, nor the last one"
        assert in_ring(daemon) == [*((time_s, "") for time_s in old), *((time_s, "ahead") for time_s in said[:3])]
        aside = rows(daemon.database, "SELECT error, times FROM rejected")
        assert aside == [("Time ahead", 2)] * (RING - 3)
        soon(lambda: alarms(daemon), ["clock"])
        wall.set_behind(0)
        soon(lambda: in_ring(daemon), [(time_s, "") for time_s in said])
        assert last(daemon) == said[-1]
        soon(lambda: rows(daemon.database, "SELECT count(*) FROM rejected"), [(0,)])


def test_a_restart_with_the_right_time_makes_good_what_the_last_one_did(tmp_path: Path, wall: WallClock) -> None:
    wall.set_behind(BEHIND_S)
    with running_daemon(tmp_path / "evd", env=wall.env) as daemon:
        said = now_s()
        assert say(daemon, said) == {201}
        assert last(daemon) is None
        soon((daemon.directory / "alive").exists, True)
    wall.set_behind(0)
    with running_daemon(daemon.directory, env=wall.env, keys=daemon.keys) as daemon:
        soon(lambda: last(daemon), said)
        assert in_ring(daemon) == [(said, "")]
