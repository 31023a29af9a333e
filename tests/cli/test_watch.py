"""evd watch: a stream that breaks off is resumed where it ended; one that cannot begin is an error."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from evd.cli import watch
from evd.config.data_dir import DataDirectory
from evd.errors import ControlError, NoDaemon
from evd.net.client.control_socket import DaemonNotRunning


def event(number: int) -> list[str]:
    return [f"id: {number}", f'data: {{"number": {number}}}', ""]


class Streams:
    """Streams of a daemon, one after the other: lines, then how it breaks off."""

    def __init__(self, *streams: tuple[list[str], Exception | None]) -> None:
        self.left = list(streams)
        self.asked: list[tuple[str, str]] = []
        self.slept: list[float] = []

    def lines(self, socket: Path, path: str, headers: dict[str, str]) -> Iterator[str]:
        self.asked.append((path, headers["Last-Event-ID"]))
        lines, error = self.left.pop(0)
        yield from lines
        if error is not None:
            raise error


def statuses(
    streams: Streams, monkeypatch: pytest.MonkeyPatch, *vehicles: str, only_new: bool = False
) -> Iterator[dict[str, Any]]:
    monkeypatch.setattr(watch.control_socket, "lines", streams.lines)
    monkeypatch.setattr(watch.time, "sleep", streams.slept.append)
    return watch._statuses(DataDirectory(Path("/x")), vehicles, only_new)


def test_a_stream_is_resumed_after_the_last_status_however_it_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    streams = Streams(
        ([*event(1), *event(2)], None),
        (event(3), ControlError("it stops")),
        ([], DaemonNotRunning("x")),
        (event(4), None),
    )
    found = islice(statuses(streams, monkeypatch, "A1", "tag:b c"), 4)
    assert [document["number"] for document in found] == [1, 2, 3, 4]
    assert [last for _, last in streams.asked] == ["", "2", "3", "3"]
    assert {path for path, _ in streams.asked} == {"/stream?vehicle=A1&vehicle=tag%3Ab+c"}
    assert streams.slept == [watch.AGAIN_S] * 3
    assert capsys.readouterr().err == "evd: it stops\n"


def test_statuses_of_before_are_left_out_of_the_first_stream_only(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = Streams((event(1), None), (event(2), None))
    list(islice(statuses(streams, monkeypatch, only_new=True), 2))
    assert [path for path, _ in streams.asked] == ["/stream?replay=0", "/stream?"]


@pytest.mark.parametrize(
    ("error", "raised"), [(DaemonNotRunning("x"), NoDaemon), (ControlError("vehicle A1 is unknown"), ControlError)]
)
def test_a_stream_that_cannot_begin_is_an_error(
    error: Exception, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = Streams(([], error))
    with pytest.raises(raised):
        next(statuses(streams, monkeypatch))
    assert streams.slept == []
