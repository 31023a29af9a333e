"""The history of a running evd: it begins with the daemon, has each measure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import ROOMY, new_store
from chain import fake_fcm
from daemon_process import READY_S, RunningDaemon, init, running_daemon

from evd.clock import now_ms
from evd.model.operations import Register
from evd.model.self_history import MEASURES


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RunningDaemon]:
    """A1 has a phone."""
    keys = init(tmp_path / "evd")
    with closing(new_store(tmp_path / "evd/evd.db", capacity=1000, limits=ROOMY)) as store:
        store.write([Register("A1", "A1", "goodphone:one", "anna", now_ms())])
    with fake_fcm(tmp_path) as fcm:
        settings = f'[push]\ncredentials = "{fcm.credentials}"\nendpoint = "{fcm.url}"\n'
        with running_daemon(tmp_path / "evd", keys=keys, settings=settings) as one:
            yield one


def history_once(daemon: RunningDaemon, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        answer = httpx.get(f"{daemon.url}/api/v1/system/history", headers={"x-api-key": daemon.keys["admin"]})
        found: dict[str, Any] = answer.json()
        if holds(found):
            return found
        time.sleep(0.05)
    raise AssertionError("the history does not say so")


def test_it_sees_what_evd_does(daemon: RunningDaemon) -> None:
    body = {"device": "A1", "time": int(time.time()), "data": "130a4c0f594e427e4bb45088", "seqNumber": 1}
    headers = {"x-api-key": daemon.keys["sigfox"]}
    assert httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers=headers).status_code == 201
    found = history_once(daemon, lambda found: sum(found["measures"]["callbacks_per_s"]) > 0)
    assert found["step_s"] == 10 and found["measures"].keys() == MEASURES.keys()
    last = {name: values[-1] for name, values in found["measures"].items()}
    assert last["memory_bytes"] > 10_000_000 and last["database_bytes"] > 0
    assert last["wal_bytes"] is not None and last["disk_free_bytes"] > 0
    assert (
        0 < max(filter(None, found["measures"]["commit_ms"])) <= max(filter(None, found["measures"]["commit_worst_ms"]))
    )
