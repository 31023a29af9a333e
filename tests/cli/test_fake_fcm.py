"""`evd fake-fcm` as a process, and the service account that it makes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import trio
from click.testing import CliRunner
from fcm_message import http_client

import evd
from evd.cli.fake_fcm import fake_fcm
from evd.dev.fake_fcm.behaviours import BEHAVIOURS, MOODS
from evd.dev.fake_fcm.server import make_service_account
from evd.push.providers.fcm.credentials import ServiceAccount, load_service_account


def test_a_made_service_account_is_one_and_its_key_is_new(tmp_path: Path) -> None:
    first, second = (make_service_account("evd-demo", "http://127.0.0.1:1/token") for _ in range(2))
    path = tmp_path / "account.json"
    path.write_text(json.dumps(first))
    assert load_service_account(path).project_id == "evd-demo"
    assert first["private_key"] != second["private_key"]


class Command(NamedTuple):
    process: subprocess.Popen[str]
    url: str
    said: str  # on stderr, until it listened or ended


@contextmanager
def running(*arguments: str) -> Iterator[Command]:
    """`evd fake-fcm`, from when it listens."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from evd.cli.fake_fcm import fake_fcm; fake_fcm()", *arguments],
        cwd=Path(evd.__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said, url = "", ""
        while not url and (line := process.stderr.readline()):
            said += line
            url = line.split()[5] if "listens on" in line else ""
        yield Command(process, url, said)
    finally:
        process.kill()
        process.communicate()


async def fetched(account: ServiceAccount) -> tuple[str, float]:
    async with http_client() as client:
        return await account.fetch_token(client)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal_and_ends_well(number: signal.Signals, tmp_path: Path) -> None:
    account = tmp_path / "account.json"
    with running("--bind", "127.0.0.1:0", "--record", "-", "--credentials", str(account)) as command:
        assert account.stat().st_mode & 0o777 == 0o600
        assert load_service_account(account).token_uri == f"{command.url}/token"
        token, lifetime_s = trio.run(fetched, load_service_account(account))
        assert token and lifetime_s > 3000
        command.process.send_signal(number)
        output, errors = command.process.communicate(timeout=5)
    assert command.process.returncode == 0
    assert [json.loads(line)["kind"] for line in output.splitlines()] == ["token"]
    assert "Traceback" not in errors


def test_for_programs_it_says_where_it_is_in_one_line(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "evd", "fake-fcm", "--json", "--bind", "127.0.0.1:0", "--dir", str(tmp_path)],
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = json.loads(process.stderr.readline())
    assert said["url"].startswith("http://127.0.0.1:") and said["credentials"] == str(tmp_path / "fcm.json")
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_an_address_in_use_is_one_sentence() -> None:
    with running("--bind", "127.0.0.1:0") as first, running("--bind", first.url.removeprefix("http://")) as second:
        assert second.process.wait(timeout=5) == 1
    assert second.said.count("\n") == 1
    assert f"Error: The fake FCM on {first.url.removeprefix('http://')} stops: " in second.said
    assert "already in use" in second.said


def test_a_real_service_account_is_never_overwritten(tmp_path: Path) -> None:
    account = tmp_path / "account.json"
    account.write_text('{"type": "service_account", "client_email": "x@y.iam.gserviceaccount.com"}')
    before = account.read_text()
    with running("--bind", "127.0.0.1:0", "--credentials", str(account)) as command:
        assert command.process.wait(timeout=5) == 1
    assert "is not a fake service account; name another file" in command.said
    assert account.read_text() == before


def test_an_older_fake_account_is_replaced_and_made_private(tmp_path: Path) -> None:
    account = tmp_path / "account.json"
    account.write_text(json.dumps(make_service_account("evd-demo", "http://127.0.0.1:1/token")))
    account.chmod(0o644)
    with running("--bind", "127.0.0.1:0", "--credentials", str(account)) as command:
        assert json.loads(account.read_text())["token_uri"] == command.url + "/token"
        assert account.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--bind", "nowhere"], "'nowhere' is not HOST:PORT"),
        (["--bind", "127.0.0.1:70000"], "is not HOST:PORT"),
        (["--bind", "127.0.0.1:0", "--record", "/nonexistent/x"], "/nonexistent/x: No such file or directory."),
        (["--tls-cert", __file__], "belong together"),
        (["--tls-cert", __file__, "--tls-key", __file__], "are not a certificate and its key"),
    ],
)
def test_a_wrong_argument_is_one_sentence(arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(fake_fcm, arguments)
    assert result.exit_code in (1, 2)
    assert says in result.output
    assert "Traceback" not in result.output


def test_the_help_shows_every_behaviour() -> None:
    text = CliRunner().invoke(fake_fcm, ["--help"]).output
    assert all(f"{row.prefix}…" in text and row.does in text for row in BEHAVIOURS)
    assert all(name in text and does in text for name, (does, _) in MOODS.items())
