"""The watch over the server's clock: what a wrong clock caused is made good, by real daemons, too."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
import trio
import trio.testing
from builders import NOW, rows
from daemon_process import RunningDaemon, running_daemon
from structlog.testing import capture_logs
from wall_clock import WallClock
from wall_machine import Machine

from evd.daemon.clock_watch import AGAIN_S, LOOK_EVERY_S, STEP_MAX, make_good, watch_clock
from evd.errors import TimeAhead, Unavailable
from evd.ingest.service import Ingest
from evd.model.operations import MendClock
from evd.model.status import AHEAD_MS
from evd.model.units import DAY_MS
from evd.store.records import NUMBER_MAX

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


# ---- what watches it, where nothing is real but the clock ----


class Waiting:
    """A writer and queries that can do nothing for a while, over some rejections."""

    def __init__(self, *, unavailable: int, numbers: list[int]) -> None:
        self.unavailable = unavailable
        self.numbers = numbers
        self.asked: list[float] = []
        self.written: list[Any] = []

    def _refuse(self) -> None:
        self.asked.append(trio.current_time())
        if self.unavailable:
            self.unavailable -= 1
            raise Unavailable("the disk is full")

    async def write(self, operation: Any) -> None:
        self._refuse()
        self.written.append(operation)

    async def rejected_numbers(self, *, after: int, through: int, limit: int, error: str) -> list[int]:
        self._refuse()
        assert (through, error) == (NUMBER_MAX, TimeAhead.error)
        return [number for number in self.numbers if number > after][:limit]

    async def rejection(self, number: int) -> None:
        """It was removed meanwhile."""
        self._refuse()


async def test_what_lay_ahead_is_judged_again_though_the_disk_was_full(autojump_clock: trio.testing.MockClock) -> None:
    waiting = Waiting(unavailable=3, numbers=list(range(2 * STEP_MAX + 1)))
    began, machine = trio.current_time(), Machine()
    anything: Any = waiting
    await make_good(machine.clock(), cast("Any", None), anything, anything)
    assert trio.current_time() - began == 3 * AGAIN_S
    assert waiting.written == [MendClock(NOW + AHEAD_MS)]
    assert len(waiting.asked) == 3 + 1 + len(waiting.numbers) + 4, "each once, in pages of STEP_MAX and an empty one"


async def test_messages_are_heard_while_the_clock_is_doubted_only(autojump_clock: trio.testing.MockClock) -> None:
    machine = Machine()
    clock, ingest = machine.clock(NOW + 2 * DAY_MS), SimpleNamespace(heard=None)
    waiting: Any = Waiting(unavailable=0, numbers=[])
    seen = []
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch_clock, clock, cast("Ingest", ingest), waiting, waiting)
            for set_forward in (0, 0, 2 * DAY_MS, 0):
                machine.time += set_forward
                await trio.sleep(LOOK_EVERY_S)
                await trio.testing.wait_all_tasks_blocked()
                seen.append(ingest.heard is not None)
            nursery.cancel_scope.cancel()
    assert seen == [True, True, False, False]
    assert [(line["log_level"], line.get("behind_s")) for line in logs] == [("error", 2 * 86_400), ("info", None)]
    assert waiting.written == [], "its own time did not jump"
