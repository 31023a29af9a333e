"""The README's examples: its SQL in Debian's own shell, its commands, its callback body, on a database of evd's."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from daemon_process import RunningDaemon, run_evd, running_daemon
from folders import ROOT

README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.S | re.M)
    return [text for name, text in found if name == language]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("readme") / "evd") as one:
        yield one


def test_the_callback_body_of_the_readme_is_taken(daemon: RunningDaemon) -> None:
    (template,) = blocks("json")
    body = template
    for variable, value in (("device", "386625"), ("time", "1639400000"), ("data", "130a4c0f594e427e4bb45088")):
        body = body.replace(f"{{{variable}}}", value)
    body = body.replace("{seqNumber}", "118")
    headers = {"x-api-key": daemon.keys["sigfox"], "content-type": "application/json"}
    assert httpx.post(f"{daemon.url}/sigfox/uplink", content=body, headers=headers).status_code == 201
    assert httpx.post(f"{daemon.url}/sigfox/uplink", content=b"{}", headers=headers).status_code == 400


def test_the_calls_of_the_readme_have_its_answers(daemon: RunningDaemon) -> None:
    test_the_callback_body_of_the_readme_is_taken(daemon)
    (calls,) = blocks("sh")
    asked = [call.splitlines() for call in calls.strip().split("\n\n")]
    assert len(asked) == 3
    for command, answer in asked:
        curl, *options, url = shlex.split(command)
        given = dict(zip(options[::2], options[1::2], strict=True))
        assert curl == "curl" and given["-H"] == "x-api-key: $KEY"
        response = httpx.request(
            given.get("-X", "GET"),
            url.replace("http://127.0.0.1:8080", daemon.url),
            headers={"x-api-key": daemon.keys["admin"]},
            content=given.get("-d"),
        )
        assert (response.status_code, response.text) == (200, answer), command


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="the package sqlite3 is not installed; .ci/run installs it")
def test_the_sql_of_the_readme_runs_in_debians_shell(daemon: RunningDaemon) -> None:
    test_the_callback_body_of_the_readme_is_taken(daemon)
    (sql,) = blocks("sql")
    first, *statements = sql.strip().splitlines()
    command = shlex.split(first.removeprefix("-- "))[:-1]
    assert command[:2] == ["sqlite3", "-readonly"]
    answers = []
    for statement in statements:
        ended = subprocess.run([*command, str(daemon.database), statement], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, ""), statement
        answers.append(ended.stdout)
    fleet, history, _, rejections, days, document = answers
    assert "386625" in fleet and "2021-12-13T12:53:20Z" in fleet
    assert "130a4c0f594e427e4bb45088" in history and "36.25" in history
    assert "Missing basic attributes" in rejections
    assert "2021-12-13" in days and "100.0" in days
    assert '"seqNumber": 118' in document


def test_the_commands_of_the_readme_exist(daemon: RunningDaemon) -> None:
    lines = [line.partition("#")[0] for block in blocks("") for line in block.splitlines() if ".venv/bin/evd" in line]
    assert len(lines) >= 7
    for line in lines:
        _, *arguments = shlex.split(line.partition("<")[0])
        if arguments[0] == "decode" or arguments[:2] == ["format", "check"]:
            assert run_evd(*arguments).returncode == 0, line
        else:
            words = [word for word in arguments if not word.startswith("-")][:2]
            command = words[:1] if words[0] in ("init", "serve") else words
            usage = run_evd(*command, "--help")
            assert usage.returncode == 0, line
            assert all(flag in usage.stdout for flag in arguments if flag.startswith("--")), line


def test_decode_of_the_readme_prints_its_fields() -> None:
    assert json.loads(run_evd("decode", "--format", "load::uint:8", "2a").stdout) == {"load": 42}


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).exists(), target
