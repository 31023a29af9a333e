"""The live stream's beginning: with what was there, or with `replay=0` without."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import count

import httpx
import pytest
from daemon_process import RunningDaemon, running_daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("stream") / "evd") as one:
        yield one


SEQUENCE = count(1)


def send(daemon: RunningDaemon) -> int:
    sequence = next(SEQUENCE)
    body = {"device": "386625", "time": int(time.time()), "data": "130a4c0f594e427e4bb45088", "seqNumber": sequence}
    headers = {"x-api-key": daemon.keys["sigfox"]}
    assert httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers=headers).status_code == 201
    return sequence


@pytest.mark.parametrize(("query", "replays"), [("", True), ("?replay=0", False), ("?vehicle=386625&replay=0", False)])
def test_a_stream_begins_with_what_was_there_unless_it_should_not(
    daemon: RunningDaemon, query: str, replays: bool
) -> None:
    send(daemon)
    headers = {"x-api-key": daemon.keys["admin"]}
    with httpx.stream("GET", f"{daemon.url}/api/v1/stream{query}", headers=headers, timeout=10) as stream:
        lines = stream.iter_lines()
        before = [line for line in iter(lambda: next(lines), "retry: 2000") if line.startswith("data:")]
        assert bool(before) == replays
        sequence = send(daemon)
        data = next(line for line in lines if line.startswith("data:"))
        assert json.loads(data.removeprefix("data:"))["seqNumber"] == sequence
