"""The whole chain over sockets: a daemon, a fake FCM, and the original's app."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import READY_S, STOP_S, RunningDaemon, clean_env, run_evd, running_daemon, start_logged

SIGFOX_BODY = (
    '{"timestamp":1639400000,"vehicleId":"386625","seqNumber":118,"rawdata":"130a4c0f594e427e4bb45088",'
    '"advanced":false,"connectivity":1,"state":0,"current_charge":76,"target_charge":20,"current":608,'
    '"elapsed_time":3929,"remain_time":2504,"range":638,"elec_consumption":19380,"indoor_temp":20616}'
)


class Fcm:
    """The fake FCM as a process, and what it recorded."""

    def __init__(self, url: str, record: Path, credentials: Path) -> None:
        self.url = url
        self.record = record
        self.credentials = credentials

    def sent(self, count: int) -> list[dict[str, Any]]:
        """The messages FCM took, once there are `count` of them."""
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            lines = self.record.read_text().splitlines() if self.record.exists() else []
            sends = [line for line in map(json.loads, lines) if line["kind"] == "send" and line["status"] == 200]
            if len(sends) >= count:
                return [send["message"] for send in sends]
            time.sleep(0.02)
        raise AssertionError(f"fewer than {count} pushes reached FCM")


@contextmanager
def fake_fcm(directory: Path, port: int = 0) -> Iterator[Fcm]:
    record, credentials = directory / "pushes.jsonl", directory / "fcm.json"
    command = ["-m", "evd", "fake-fcm", "--bind", f"127.0.0.1:{port}", "--record", str(record)]
    said, process = start_logged([*command, "--credentials", str(credentials)], clean_env())
    try:
        line = said.wait_for("listens on", READY_S)
        assert line is not None, str(said)
        yield Fcm(next(word for word in line.split() if word.startswith("http")), record, credentials)
    finally:
        process.terminate()
        code = process.wait(STOP_S)
        said.close()
    assert code == 0, str(said)


@contextmanager
def whole_chain(tmp_path: Path, fcm: Fcm, **options: Any) -> Iterator[RunningDaemon]:
    env = {
        "EVD_APP__TRUST_USER_HEADER": "true",
        "EVD_PUSH__CREDENTIALS": str(fcm.credentials),
        "EVD_PUSH__ENDPOINT": fcm.url,
    }
    with running_daemon(tmp_path / "evd", env=env, **options) as daemon:
        yield daemon


@pytest.fixture
def fcm(tmp_path: Path) -> Iterator[Fcm]:
    with fake_fcm(tmp_path) as fake:
        yield fake


def app(daemon: RunningDaemon, method: str, path: str, **request: Any) -> httpx.Response:
    headers = {"x-api-key": daemon.keys["app"], "userId": "martin"}
    return httpx.request(method, f"{daemon.url}/v3{path}", headers=headers, **request)


def callback(daemon: RunningDaemon, body: str = SIGFOX_BODY, path: str = "/v3/sigfox/uplink") -> httpx.Response:
    headers = {"x-api-key": daemon.keys["sigfox"], "connectivityMethod": "sigfox", "content-type": "application/json"}
    return httpx.post(f"{daemon.url}{path}", content=body, headers=headers)


def register(daemon: RunningDaemon, token: str) -> None:
    assert run_evd("owner", "add", "martin", "386625", "--dir", daemon.directory).returncode == 0
    wish = {"vehicleId": "386625", "fcmToken": token, "register": True}
    assert app(daemon, "POST", "/android/fcm-register?vehicleId=386625", json=wish).status_code == 200
