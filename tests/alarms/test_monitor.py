"""The operator is told: by a signed POST, by e-mail, again and again until it is taken, and in nobody's way."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from alarm_changes import CLEARED, MAIL, NOW, RAISED
from structlog.testing import capture_logs

from evd.alarms.mail import AlarmMail
from evd.alarms.monitor import EVERY_S, AlarmMonitor, InThread, Notifier
from evd.alarms.readings import Readings
from evd.alarms.state import AlarmChange
from evd.config.alarm_settings import AlarmSettings
from evd.errors import AlarmError


class Way:
    """A way to the operator that fails so many times; `tried` are the tries, with their times."""

    name = "way"

    def __init__(self, *failures: BaseException | float) -> None:
        self._failures = list(failures)
        self.tried: list[tuple[float, AlarmChange]] = []
        self.closed = False

    async def send(self, change: AlarmChange, now: int) -> None:
        self.tried.append((trio.current_time(), change))
        failure = self._failures.pop(0) if self._failures else 0.0
        if isinstance(failure, BaseException):
            raise failure
        await trio.sleep(failure)

    async def aclose(self) -> None:
        self.closed = True


async def test_a_way_that_fails_is_tried_again_ever_more_slowly_and_logged_once(autojump_clock: Any) -> None:
    way = Way(*[AlarmError("closed")] * 10)
    teller = Notifier(way, timeout_s=30, chance=lambda: 1.0)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(teller.run)
            teller.offer(RAISED)
            await trio.sleep(7200)
            nursery.cancel_scope.cancel()
    times = [at for at, _ in way.tried]
    gaps = [after - before for before, after in pairwise(times)]
    assert len(times) == 11
    assert not teller.pending
    assert gaps == sorted(gaps)
    assert gaps[0] >= 10
    assert gaps[-1] <= 900
    assert len(logs) == 1
    assert logs[0]["reason"] == "closed"
    assert way.closed


async def test_a_way_that_hangs_or_breaks_is_left_and_tried_again(autojump_clock: Any) -> None:
    way = Way(1e9, RuntimeError("odd"))
    teller = Notifier(way, timeout_s=30)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(teller.run)
            teller.offer(RAISED)
            await trio.sleep(600)
            nursery.cancel_scope.cancel()
    assert [change for _, change in way.tried] == [RAISED] * 3
    assert logs[0]["reason"] == "no answer within 30 s"


async def test_a_newer_change_takes_the_place_of_an_unsent_one_and_others_do_not_wait_for_it(
    autojump_clock: Any,
) -> None:
    other = RAISED._replace(name="silent")
    way = Way(AlarmError("closed"))
    teller = Notifier(way, timeout_s=30)
    with capture_logs():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(teller.run)
            teller.offer(RAISED)
            await trio.sleep(1)
            teller.offer(other)
            teller.offer(CLEARED)
            assert len(teller.pending) == 2
            await trio.sleep(600)
            nursery.cancel_scope.cancel()
    first, *others = [change for _, change in way.tried]
    assert first == RAISED
    assert sorted(others) == sorted([other, CLEARED])


async def test_a_mail_server_that_says_nothing_holds_nothing_up(tmp_path: Path) -> None:
    """Its thread is left behind; the loop goes on, and so does the end."""
    listener = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener[0].socket.getsockname()[1]
    settings = AlarmSettings(**{**MAIL, "timeout_s": 0.2}, smtp=f"127.0.0.1:{port}", smtp_security="none")
    teller = Notifier(InThread(AlarmMail(settings, "vm1")), timeout_s=0.2)
    with capture_logs() as logs, trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(teller.run)
            teller.offer(RAISED)
            while not logs:
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    await listener[0].aclose()
    assert len(teller.pending) == 1


class Machine:
    """Readings that a test changes, and its clock."""

    def __init__(self) -> None:
        self.readings = Readings(now=NOW)

    def read(self, now: int) -> Readings:
        return msgspec.structs.replace(self.readings, now=now)

    @staticmethod
    def clock() -> int:
        return NOW + int(trio.current_time() * 1000)

    def change(self, **readings: Any) -> None:
        self.readings = msgspec.structs.replace(self.readings, **readings)


def watching(machine: Machine, file: Path, *ways: Way) -> AlarmMonitor:
    return AlarmMonitor(AlarmSettings(), machine.read, file, ways, clock=machine.clock)


async def test_a_change_is_logged_sent_by_each_way_and_stands_until_it_is_cleared(
    tmp_path: Path, autojump_clock: Any
) -> None:
    machine, ways = Machine(), (Way(), Way())
    watch = watching(machine, tmp_path / "alarms.json", *ways)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch.run)
            await trio.sleep(1)
            assert watch.standing == []
            machine.change(disk_full=True)
            await trio.sleep(EVERY_S)
            (standing,) = watch.standing
            assert (standing.name, standing.severity) == ("disk_low", "critical")
            assert "free some space" in standing.sentence
            machine.change(disk_full=False, disk_free_bytes=10**12, disk_total_bytes=10**12)
            await trio.sleep(60)
            assert watch.standing == []
            nursery.cancel_scope.cancel()
    assert [(line["log_level"], line["alarm"], line["state"]) for line in logs] == [
        ("error", "disk_low", "raised"),
        ("info", "disk_low", "cleared"),
    ]
    for way in ways:
        assert [change.state for _, change in way.tried] == ["raised", "cleared"]


async def test_what_stands_outlives_the_process(tmp_path: Path, autojump_clock: Any) -> None:
    machine, file = Machine(), tmp_path / "alarms.json"
    machine.change(disk_full=True)
    ways = (Way(), Way())
    with capture_logs():
        for way in ways:
            watch = watching(machine, file, way)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch.run)
                await trio.sleep(30)
                nursery.cancel_scope.cancel()
            assert [one.since for one in watch.standing] == [NOW]
    assert [len(way.tried) for way in ways] == [1, 0], "the second process has nothing new to tell"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"standing": 3}', b"\xff", b"[" * 5000])
async def test_a_file_that_something_else_wrote_is_no_obstacle(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "alarms.json"
    file.write_bytes(content)
    assert watching(Machine(), file).standing == []


async def test_a_file_that_cannot_be_written_is_reported_once_and_stops_nothing(
    tmp_path: Path, autojump_clock: Any
) -> None:
    watch = watching(Machine(), tmp_path / "absent" / "alarms.json")
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch.run)
            await trio.sleep(600)
            nursery.cancel_scope.cancel()
    assert len(logs) == 1
    assert "cannot be written" in logs[0]["event"]


async def test_what_could_not_be_sent_before_a_restart_is_sent_after_it(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    def read(now: int) -> Readings:
        return Readings(now=now, disk_full=True, disk_free_bytes=0, disk_total_bytes=1)

    ways = Way(*[AlarmError("down")] * 1000), Way()
    for way in ways:
        watch = AlarmMonitor(AlarmSettings(), read, tmp_path / "alarms.json", [way])
        with trio.move_on_after(60):
            await watch.run()
    assert [change.name for _, change in ways[1].tried] == ["disk_low"]
