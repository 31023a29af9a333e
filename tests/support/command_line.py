"""Commands as they are typed, run in this process beside a daemon, which is much quicker than in one of their own."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from daemon_process import RunningDaemon

from evd.cli import main


class Done(NamedTuple):
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self
        return json.loads(self.out)


Evd = Callable[..., Done]


def typed(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str, stdin: str
) -> Done:
    """`evd ARGUMENTS` in the directory, to its end."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8"))
    monkeypatch.setenv("EVD_DIR", str(directory))
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    shown = capsys.readouterr()
    return Done(int(ended.value.code or 0), shown.out, shown.err)


def send(daemon: RunningDaemon, vehicle: str, payload: str, *, ago_s: int = 0, **more: Any) -> None:
    """A callback of Sigfox's that is taken."""
    document = {"device": vehicle, "time": int(time.time()) - ago_s, "data": payload, **more}
    answer = httpx.post(f"{daemon.url}/sigfox/uplink", json=document, headers={"x-api-key": daemon.keys["sigfox"]})
    assert answer.status_code == 201, answer.text


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """The exit code of a command that needs no daemon, and its lines on stderr."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0), capsys.readouterr().err.splitlines()
