"""Webhooks as a provider of a daemon: set up by a secret, bounded in flight, from a status to its receiver."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, run_evd
from receivers import WAIT_S, hangs, receiver, says, wait_for
from standardwebhooks import Webhook, WebhookVerificationError
from webhook_daemon import SECRET, ask, webhook_daemon

from evd.clock import now_ms
from evd.config.settings import PushSettings
from evd.push.providers.webhook.shares import PATIENCE_S
from evd.push.providers.webhook.traits import TRAITS


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with webhook_daemon(tmp_path_factory.mktemp("webhook") / "evd") as one:
        yield one


@pytest.mark.parametrize(("requests", "in_flight", "expected"), [(8, 512, 16), (8, 10, 10)])
def test_few_pushes_wait_for_a_request_and_the_others_in_the_tables(
    requests: int, in_flight: int, expected: int
) -> None:
    settings = PushSettings(webhook_threads_max=requests, in_flight_max=in_flight)
    assert TRAITS.in_flight_max(settings) == expected


def say(daemon: RunningDaemon, vehicle: str, time_ms: int) -> str:
    """The vehicle says something; the status id."""
    document = {"vehicleId": vehicle, "timestamp": time_ms, "state": 1, "encoded": False}
    answer = httpx.post(f"{daemon.url}/wlan", json=document, headers={"x-api-key": daemon.keys["device"]})
    assert answer.status_code == 201
    return answer.headers["x-status-id"]


def test_a_new_status_reaches_its_vehicles_webhook_signed(daemon: RunningDaemon) -> None:
    with receiver(says("200 OK")) as one, receiver(says("200 OK")) as of_another:
        assert ask(daemon, "POST", {"vehicle": "00e1", "url": f"{one.url}?key=k"}).status_code == 201
        assert ask(daemon, "POST", {"vehicle": "E2", "url": of_another.url}).status_code == 201
        identity = say(daemon, "E1", now_ms())
        wait_for(one, 1)
        assert of_another.requests == []
        (request,) = one.requests
        assert Webhook(SECRET).verify(request.body, request.headers)["data"]["vehicle"] == "00e1"
        assert json.loads(request.body)["data"]["status"]["id"] == identity
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(request.body + b" ", request.headers)
        for vehicle, url in (("E1", one.url), ("E2", of_another.url)):
            assert ask(daemon, "DELETE", {"vehicle": vehicle, "url": url}).status_code == 200
    assert "key=k" not in str(daemon.logs)


def test_a_receiver_that_hangs_keeps_no_other_waiting(daemon: RunningDaemon) -> None:
    """Not even where far more waits for it than may be in flight."""
    with receiver(hangs) as dead, receiver(says("200 OK")) as well:
        vehicles = [f"D{number:02X}" for number in range(24)]
        for vehicle in vehicles:
            ask(daemon, "POST", {"vehicle": vehicle, "url": dead.url})
        ask(daemon, "POST", {"vehicle": "D99", "url": well.url})
        for vehicle in vehicles:
            say(daemon, vehicle, now_ms())
        wait_for(dead, 4)
        began = time.monotonic()
        say(daemon, "D99", now_ms())
        wait_for(well, 1)
        assert time.monotonic() - began < 2 * PATIENCE_S, "a send to the other takes ten seconds"
        assert len(dead.requests) == 4, "half of the threads"
        for vehicle, url in [("D99", well.url), *((vehicle, dead.url) for vehicle in vehicles)]:
            assert ask(daemon, "DELETE", {"vehicle": vehicle, "url": url}).status_code == 200


def test_a_receiver_that_wants_no_more_is_removed(daemon: RunningDaemon) -> None:
    with receiver(says("410 Gone")) as one:
        ask(daemon, "POST", {"vehicle": "E3", "url": f"{one.url}?TOPSECRET"})
        say(daemon, "E3", now_ms())
        assert daemon.logs.wait_for("registration dropped", WAIT_S) is not None
        until = time.monotonic() + WAIT_S
        while ask(daemon, "GET", query="?vehicle=E3").json():  # its answer is written with the next group
            assert time.monotonic() < until
    assert "TOPSECRET" not in str(daemon.logs)


def test_without_a_secret_none_is_added_and_with_a_bad_one_nothing_starts(tmp_path: Any) -> None:
    directory = tmp_path / "evd"
    assert run_evd("init", "--dir", directory).returncode == 0
    refused = run_evd("webhook", "add", "F1", "https://hooks.example/", "--dir", directory)
    assert refused.returncode == 1
    assert "webhooks are signed: set push.webhook_secret" in refused.stderr
    refused = run_evd("serve", "--dir", directory, env={"EVD_PUSH__WEBHOOK_SECRET": "TOPSECRET"})
    assert refused.returncode == 2
    assert "push.webhook_secret is no secret" in refused.stderr
    assert "TOPSECRET" not in refused.stderr
