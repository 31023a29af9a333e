"""evd stats, the command: of a running evd, and of a database without one."""

from __future__ import annotations

import json
from pathlib import Path

from daemon_process import run_evd, running_daemon
from daemon_statuses import post


def test_statistics_say_whether_evd_runs(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        assert post(daemon, 1).status_code == 201
        running = json.loads(run_evd("stats", "--dir", daemon.directory, "--json").stdout)
        assert (running["running"], running["ready"]) == (True, True)
    stopped = run_evd("stats", "--dir", tmp_path / "evd")
    assert stopped.stdout.startswith("evd is not running.")
    assert "stored.statuses                  1" in stopped.stdout
    assert "ready" not in stopped.stdout
    found = json.loads(run_evd("stats", "--dir", tmp_path / "evd", "--json").stdout)
    assert (found["running"], found["ready"], found["stored"]["statuses"]) == (False, False, 1)
