"""The drill: a backup under load, a restore elsewhere, and everything that was acknowledged before it is there."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import httpx
from builders import rows
from daemon_process import RunningDaemon, run_evd, running_daemon

STATUSES = "SELECT id FROM ring"


class Load(threading.Thread):
    """Callbacks, one after the other, until it is stopped; `acknowledged` has (when, id)."""

    def __init__(self, daemon: RunningDaemon) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[tuple[float, str]] = []
        self.slowest_s = 0.0
        self._url, self._key, self._ended = daemon.url, daemon.keys["sigfox"], threading.Event()

    def run(self) -> None:
        with httpx.Client(base_url=self._url, headers={"x-api-key": self._key}) as client:
            number = 0
            while not self._ended.is_set():
                number += 1
                body = {
                    "device": f"{number % 50:X}",
                    "time": 1_700_000_000 + number,
                    "data": "00",
                    "seqNumber": number % 4096,
                }
                begun = time.monotonic()
                answer = client.post("/sigfox/uplink", json=body)
                assert answer.status_code == 201, answer.text
                self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
                self.acknowledged.append((time.monotonic(), answer.headers["x-status-id"]))

    def wait_for(self, count: int) -> None:
        end = time.monotonic() + 30
        while len(self.acknowledged) < count:
            assert self.is_alive() and time.monotonic() < end
            time.sleep(0.01)

    def stop(self) -> None:
        self._ended.set()
        self.join(30)


def test_a_backup_under_load_restores_all_that_was_acknowledged_before_it(tmp_path: Path) -> None:
    file, place = tmp_path / "evd.tar.gz", tmp_path / "restored"
    with running_daemon(tmp_path / "evd") as daemon:
        load = Load(daemon)
        load.start()
        load.wait_for(300)
        begun = time.monotonic()
        made = run_evd("backup", file, "--dir", daemon.directory, "--json")
        load.wait_for(len(load.acknowledged) + 1)
        load.stop()
        assert made.returncode == 0, made.stderr
        assert load.slowest_s < 8, "Sigfox waits for 10 s"
        busy = run_evd("restore", file, "--replace", "--yes", "--dir", daemon.directory)
        assert busy.returncode != 0
        assert "stop it first" in busy.stderr
        keys = daemon.keys
    before = {status for at, status in load.acknowledged if at < begun}
    restored = run_evd("restore", file, "--dir", place, "--json")
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["rows"] == json.loads(made.stdout)["rows"]
    with running_daemon(place, keys=keys) as daemon:
        found = {status for (status,) in rows(daemon.database, STATUSES)}
        assert before <= found <= {status for _, status in load.acknowledged}
        answer = httpx.get(f"{daemon.url}/api/v1/vehicles/1/last", headers={"x-api-key": keys["admin"]})
        assert answer.status_code == 200
    again = run_evd("restore", file, "--replace", "--yes", "--dir", place)
    assert again.returncode == 0, again.stderr
    assert {status for (status,) in rows(place / "evd.db", STATUSES)} <= found


def test_rotation_by_the_command(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        for old in ("20200101T000000", "20200102T000000"):
            (tmp_path / "kept").mkdir(exist_ok=True)
            (tmp_path / "kept" / f"evd-{old}Z.tar.gz").touch()
        done = run_evd("backup", "--keep", "2", tmp_path / "kept", "--dir", daemon.directory, "--json")
    said = json.loads(done.stdout)
    assert [Path(path).name for path in said["removed"]] == ["evd-20200101T000000Z.tar.gz"]
    assert run_evd("restore", "--check", said["file"]).stdout.startswith(
        f"{said['file']} is right: 0 vehicles, 0 statuses"
    )
