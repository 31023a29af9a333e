"""The commands for targets that an administrator registers, by those of webhooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from daemon_process import RunningDaemon, run_evd
from webhook_daemon import webhook_daemon

from evd.net.client.signature import Signer
from evd.push.providers.webhook.traits import SETTING


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with webhook_daemon(tmp_path_factory.mktemp("webhook") / "evd") as one:
        yield one


def test_the_command_adds_lists_and_removes(daemon: RunningDaemon) -> None:
    def webhook(*arguments: str) -> Any:
        return run_evd("webhook", *arguments, "--dir", daemon.directory)

    made = webhook("add", "F1", "https://hooks.example/a?key=TOPSECRET")
    assert (made.stdout, made.returncode) == ("https://hooks.example/a receives the pushes of vehicle F1\n", 0)
    listed = webhook("list")
    assert "https://hooks.example/a" in listed.stdout
    assert "TOPSECRET" not in listed.stdout
    (row,) = json.loads(webhook("list", "F1", "--json").stdout)
    assert (row["vehicle"], row["url"], row["pushed"], row["attempts"]) == ("F1", "https://hooks.example/a", None, 0)
    gone = webhook("remove", "F1", "https://hooks.example/a", "--yes")
    assert gone.stdout == "https://hooks.example/a receives nothing of vehicle F1 any more\n"
    assert webhook("list").stdout == "There are none: `evd webhook add VEHICLE URL` adds one.\n"
    refused = webhook("add", "F1", "http://hooks.example/")
    assert refused.returncode == 1
    assert refused.stderr.startswith("evd: a webhook's address begins with https://")


def test_a_secret_is_printed_alone_on_stdout(tmp_path: Any) -> None:
    made = run_evd("webhook", "secret", "--dir", tmp_path)
    Signer(made.stdout.strip(), setting=SETTING)
    assert "evd.toml" in made.stderr
    assert made.stdout.strip() not in made.stderr
    Signer(json.loads(run_evd("webhook", "secret", "--json").stdout)["secret"], setting=SETTING)
    assert list(tmp_path.iterdir()) == []
