"""The machine room of the API: versions, spans of history, and settings with their origins, for administrators."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from daemon_process import RunningDaemon, running_daemon

from evd import VERSION


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    directory = tmp_path_factory.mktemp("system") / "evd"
    with running_daemon(directory, settings="[web]\nhistory_hours = 2\n") as one:
        yield one


def ask(daemon: RunningDaemon, path: str, key: str = "admin") -> httpx.Response:
    return httpx.get(f"{daemon.url}/api/v1/system{path}", headers={"x-api-key": daemon.keys[key]})


def test_versions_and_settings_are_shown_with_their_origin(daemon: RunningDaemon) -> None:
    about = ask(daemon, "").json()
    assert about["versions"]["evd"] == VERSION and about["versions"]["database"].startswith("sqlite 3.")
    assert about["history_hours"] == 2
    settings = {row["path"]: row for row in ask(daemon, "/settings").json()}
    hours = settings["web.history_hours"]
    assert (hours["value"], hours["default"], hours["origin"]) == (2, 24, "file")
    assert hours["at"].endswith("evd.toml, line 2") and hours["unit"] == "hours"
    assert settings["server.bind"]["origin"] == "flag"


def test_a_span_is_refused_that_nobody_keeps(daemon: RunningDaemon) -> None:
    assert ask(daemon, "/history?span_s=5").status_code == 400
    assert ask(daemon, "/history?span_s=1209600").status_code == 400
    assert ask(daemon, "/history?span_s=7200").json()["step_s"] == 60
