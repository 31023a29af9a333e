"""The daemon from its start to its end: what it leaves on the disk, in its logs and to other users."""

from __future__ import annotations

import resource
from pathlib import Path

import httpx
from daemon_process import RunningDaemon, running_daemon
from daemon_statuses import post, stored

from evd.store.sqlite.connection import open_reader

LOG_BYTES = 256 * 1024
"""Enough for what the start writes and some callbacks."""


def test_an_io_error_ends_it_with_70_and_nothing_is_acknowledged_after_it(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with running_daemon(tmp_path / "evd") as daemon:
        acknowledged.append(post(daemon, 0).headers["x-status-id"])
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (LOG_BYTES, LOG_BYTES))
        refused = 0
        for count in range(1, 200):
            try:
                answer = post(daemon, count)
            except httpx.TransportError:
                break
            if answer.status_code != 201:
                refused += 1
                assert answer.status_code == 503
            elif refused:
                raise AssertionError("acknowledged after an I/O error")
            else:
                acknowledged.append(answer.headers["x-status-id"])
        assert daemon.process.wait(10) == 70
        daemon.stop(0, exit_code=70)
        assert "evd:" in str(daemon.logs)
    with running_daemon(tmp_path / "evd", keys=daemon.keys) as again:
        assert set(acknowledged) <= stored(again)


def test_the_control_socket_is_its_owners_alone(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        assert (daemon.directory / "evd.sock").stat().st_mode & 0o777 == 0o600
        assert daemon.database.stat().st_mode & 0o777 == 0o600


def test_keys_and_tokens_never_reach_the_logs(tmp_path: Path) -> None:
    secret, token = "not-a-key-but-secret-0123456789", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtYXJ0aW4ifQ.c2lnbmF0dXJl"
    with running_daemon(tmp_path / "evd", env={"EVD_LOG__LEVEL": "debug"}) as daemon:
        for headers in ({"x-api-key": secret}, {"authorization": f"Bearer {token}"}, {"x-api-key": daemon.keys["app"]}):
            httpx.get(f"{daemon.url}/android/last?vehicleId=1", headers={**headers, "userId": "martin"})
            httpx.post(f"{daemon.url}/sigfox/uplink", content=b"{", headers=headers)
        post(daemon, 1)
        daemon.stop()
        logs = str(daemon.logs)
        assert logs
        assert all(one not in logs for one in (secret, token, *daemon.keys.values()))


def test_lowering_and_raising_the_ring_work_at_the_next_start(tmp_path: Path) -> None:
    def kept(daemon: RunningDaemon) -> int:
        reader = open_reader(daemon.database)
        try:
            (count,) = reader.execute("SELECT count(*) FROM history WHERE vehicle = '386625'").fetchone()
            return int(count)
        finally:
            reader.close()

    keys = None
    for capacity, expected in ((6, 6), (2, 2), (4, 4)):
        env = {"EVD_RETENTION__STATUSES_PER_VEHICLE": str(capacity)}
        with running_daemon(tmp_path / "evd", keys=keys, env=env) as daemon:
            assert kept(daemon) <= capacity
            for number in range(0, 7 * 10, 7):
                assert post(daemon, 700 * capacity + number).status_code == 201
            assert kept(daemon) == expected
            keys = daemon.keys
