"""One daemon for all tests of commands that leave it as usable as they found it; each test has vehicles of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from command_line import Done, Evd, typed
from daemon_process import RunningDaemon, running_daemon


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("commands") / "evd") as daemon:
        yield daemon


@pytest.fixture
def evd(shared: RunningDaemon, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Evd:
    """`evd("vehicle", "list", "--json", stdin="")`: what the command did beside the shared daemon."""

    def run(*arguments: str, stdin: str = "") -> Done:
        return typed(shared.directory, capsys, monkeypatch, *arguments, stdin=stdin)

    return run
