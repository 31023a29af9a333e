"""`evd user` on a terminal: the password is asked for twice, and never shown."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

from daemon_process import clean_env, init, run_evd

PASSWORD = "correct horse battery"
WAIT_S = 60.0


def typed(command: list[str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """The exit code and the output of a command on a terminal that echoes: to each prompt its answer is typed."""
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        command, stdin=inner, stdout=inner, stderr=inner, env=clean_env({"TERM": "dumb"}), start_new_session=True
    )
    os.close(inner)
    shown, end = "", time.monotonic() + WAIT_S
    try:
        while time.monotonic() < end:
            if answers and answers[0][0] in shown:
                os.write(outer, answers.pop(0)[1].encode() + b"\n")
            if select.select([outer], [], [], 0.2)[0]:
                try:
                    shown += os.read(outer, 65_536).decode()
                except OSError:  # the other side is closed
                    break
        return process.wait(max(1.0, end - time.monotonic())), shown
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(outer)


def test_a_password_is_asked_for_twice_and_not_shown(tmp_path: Path) -> None:
    init(tmp_path / "evd")
    command = [sys.executable, "-m", "evd", "user", "add", "anna", "--dir", str(tmp_path / "evd")]
    prompts = [("Password:", PASSWORD), ("Repeat for confirmation:", PASSWORD)]
    code, shown = typed(command, prompts)
    assert (code, "anna may sign in" in shown) == (0, True), shown
    assert PASSWORD not in shown
    assert '"uid": "anna"' in run_evd("user", "list", "--json", "--dir", tmp_path / "evd").stdout
