"""How the previous run ended: what its process left, and what the next start says of it (S04 of the field's cases)."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from daemon_process import running_daemon
from daemon_statuses import post, stored
from service_manager import NIGHTLY, notified

from evd.daemon.previous_exit import ABORTED, READ_MAX, FaultFile, previous_exit

FROZEN_S = 35.0 if NIGHTLY else 0.0


def test_what_the_watchdog_ends_is_reported_at_the_next_start_and_loses_nothing(tmp_path: Path) -> None:
    with notified(tmp_path):
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"}
        with running_daemon(tmp_path / "evd", env=env, fresh=True) as daemon:
            taken = {post(daemon, number).headers["x-status-id"] for number in range(20)}
            limits = Path(f"/proc/{daemon.process.pid}/limits").read_text()
            assert [line.split()[4] for line in limits.splitlines() if line.startswith("Max core")] == ["0"]
            daemon.process.send_signal(signal.SIGSTOP)
            time.sleep(FROZEN_S)
            daemon.process.send_signal(signal.SIGABRT)  # then SIGCONT: systemd's kill_and_sigcont
            daemon.stop(signal.SIGCONT, exit_code=-signal.SIGABRT)
        with running_daemon(tmp_path / "evd", keys=daemon.keys, env=env) as again:
            told = again.event("systemd's watchdog ended the previous evd, which hung")
            assert "trio" in told["stack"], "where it stood"
            assert taken <= stored(again)
        with running_daemon(tmp_path / "evd", keys=daemon.keys, env=env) as third:
            assert not [line for line in third.logs.lines if "previous evd" in line], "that one ended in order"


@pytest.mark.parametrize(
    ("fault", "left_by", "env", "says"),
    [
        ("", "", {}, None),
        ("", "12", {"WATCHDOG_USEC": "30000000"}, "was killed, or the machine went down"),
        (f"{ABORTED}\n…", "12", {}, "crashed, or was aborted"),
        ("Fatal Python error: Segmentation fault", "12", {"WATCHDOG_USEC": "1"}, "crashed, or was aborted"),
        (f"{ABORTED}\n…", "12", {"WATCHDOG_USEC": "1"}, "systemd's watchdog"),
    ],
)
def test_last_words(fault: str, left_by: str, env: dict[str, str], says: str | None) -> None:
    words = previous_exit(fault, left_by, env)
    assert (words is None) if says is None else (words is not None and says in words.sentence)


def test_what_stood_in_the_fault_file_is_read_once_and_it_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "evd.fault"
    path.write_bytes(b"Fatal Python error: Aborted\n\xff\n")
    for before in ("Fatal Python error: Aborted\n\ufffd", ""):
        fault = FaultFile(path)
        fault.close()
        assert fault.before == before
    path.unlink()
    FaultFile(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_long_fault_is_read_in_part(tmp_path: Path) -> None:
    path = tmp_path / "evd.fault"
    path.write_bytes(b"x" * (READ_MAX + 1))
    fault = FaultFile(path)
    fault.close()
    assert len(fault.before) == READ_MAX
