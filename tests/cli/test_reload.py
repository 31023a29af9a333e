"""evd reload: what changed, what needs a restart, and that nothing did; what it does to a daemon: tests/daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import Evd

from evd.cli import reload as command
from evd.model.units import DAY_S

NOTHING = {"changed": [], "needs_restart": [], "certificate_renewed": False, "certificate_ends_s": None}


@pytest.mark.parametrize(
    ("done", "lines"),
    [
        ({}, ["Nothing has changed."]),
        ({"changed": ["log.level: 'info' → 'debug'"]}, ["Changed: log.level: 'info' → 'debug'"]),
        (
            {"changed": ["a"], "needs_restart": ["b", "c"]},
            ["Changed: a", "Needs a restart: b", "Needs a restart: c"],
        ),
        (
            {"certificate_renewed": True, "certificate_ends_s": 1000 + 30 * DAY_S},
            ["Renewed: the certificate; it ends in 30 days."],
        ),
        ({"certificate_ends_s": 1e9}, ["Nothing has changed."]),
    ],
)
def test_what_a_reload_did_is_a_line_each(
    done: dict[str, Any], lines: list[str], evd: Evd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command.control_socket, "call", lambda *given: {**NOTHING, **done})
    monkeypatch.setattr(command.time, "time", lambda: 1000.0)
    assert evd("reload").out.splitlines() == lines
    assert evd("reload", "--json").json == {**NOTHING, **done}


def test_where_no_evd_runs_there_is_nothing_to_reload(tmp_path: Path, evd: Evd) -> None:
    (tmp_path / "evd.db").touch()
    done = evd("reload", "--dir", str(tmp_path))
    assert (done.code, "no evd runs in" in done.err) == (4, True), done
