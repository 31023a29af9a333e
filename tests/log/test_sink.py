"""The sink of the log: what cannot be written is dropped and counted, and nobody waits."""

from __future__ import annotations

import os
import time
from pathlib import Path

from small_pipe import small_pipe

from evd.log.sink import LogSink


def test_a_reader_who_pauses_costs_lines_and_no_time_and_hears_how_many() -> None:
    end, start = small_pipe()
    with os.fdopen(start, "w") as stream, os.fdopen(end, "rb", 0) as reader:
        sink = LogSink(stream, missing=lambda count: f"missing {count}\n", queue_bytes_max=10_000)
        begun = time.monotonic()
        for number in range(1_000):
            sink.write(f"{number:099d}\n")
        assert time.monotonic() - begun < 5
        assert 0 < sink.dropped < 1_000
        assert not sink.drain(0.01)
        got = b""
        while b"missing" not in got or not sink.drain(0.01):
            got += reader.read(65_536)
        sink.close()
    lines = got.decode().splitlines()
    told = [line for line in lines if line.startswith("missing ")]
    assert sum(int(line.split()[1]) for line in told) == sink.dropped
    assert [int(line) for line in lines if line not in told][:50] == list(range(50))


def test_a_line_that_broke_off_spoils_no_other(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        sink = LogSink(stream)
    sink.write("half a li")
    assert sink.drain()
    sink._broken_off = True  # as where a disk takes a part of a line
    sink.write("a whole one\n")
    assert sink.drain()
    assert (tmp_path / "log").read_text() == "half a li\na whole one\n"
    sink.close()
