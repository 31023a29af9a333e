"""How many messages a second go to FCM, over TLS to the fake FCM in another process.

    .venv/bin/pytest bench/bench_push_transport.py

evd's sender, with as many lanes (tasks that send one message after the other) as the dispatcher may have, against
firebase-admin's `send_each` in batches of 500, the most it takes. Owed: 10 ×, with each number of lanes, or it fails.
Each message goes to a phone of its own.
"""

from __future__ import annotations

import ssl
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import firebase_admin
import pytest
import trio
import trustme
from firebase_admin import credentials, messaging
from owed import Owed, require
from servers import Certificate, free_port, running

from evd.push.protocols import STATE, Push
from evd.push.providers.fcm.sender import FcmPusher

PHONES = 10_000
LANES = (64, 256, 512)
WARM_UP = 4
"""Messages a lane sends before the clock starts: connections are opened once, and kept."""

BATCH = 500
BATCHES = 4

DOCUMENT = (
    '{"vehicleId": "386625", "time": "2026-11-23T12:00:00Z", "state": 1, "current_charge": 55, "target_charge": 80, '
    '"current": 7.5, "indoor_temp": 21.5, "outdoor_temp": 3.0, "location": {"latitude": 49.2, "longitude": 18.7}}'
)
"""As long as a status is."""


def pushes() -> list[Push]:
    return [
        Push(
            target_kind="token",
            target=f"phone-{number:06}:APA91b{'x' * 134}",
            what=STATE,
            event_id=f"{number:032x}",
            time_ms=1_700_000_000_000 + number,
            serialized=DOCUMENT,
            ttl_s=60,
            priority="normal",
            package="com.martin.carcharge",
        )
        for number in range(PHONES)
    ]


def make_certificates(directory: Path) -> tuple[Certificate, Path]:
    """For 127.0.0.1, ECDSA P-256, and the authority that both senders verify it by."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    made = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA)
    certificate = Certificate(directory / "chain.pem", directory / "key.pem")
    certificate.chain.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
    certificate.key.write_bytes(made.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(directory / "authority.pem"))
    return certificate, directory / "authority.pem"


@contextmanager
def fake_fcm(directory: Path, certificate: Certificate) -> Iterator[str]:
    """The fake FCM's address; its service account is `directory`/fcm.json."""
    port = free_port()
    argv = [
        *(sys.executable, "-m", "evd", "fake-fcm", "--bind", f"127.0.0.1:{port}"),
        *("--credentials", str(directory / "fcm.json")),
        *("--tls-cert", str(certificate.chain), "--tls-key", str(certificate.key)),
    ]
    with running(argv, port, directory / "fake-fcm.log"):
        while not (directory / "fcm.json").exists():
            time.sleep(0.01)
        yield f"https://127.0.0.1:{port}"


def send(url: str, account: Path, trust: Path, lanes: int) -> float:
    """Messages a second of evd's sender."""

    async def run() -> float:
        context = ssl.create_default_context(cafile=str(trust))
        pusher = FcmPusher.from_file(account, url, connections_max=512, timeout_s=10, ssl_context=context)
        messages = pushes()

        async def through_lanes(some: list[Push]) -> float:
            left = iter(some)

            async def lane() -> None:
                for push in left:
                    await pusher.send(push)

            started = time.perf_counter()
            async with trio.open_nursery() as nursery:
                for _ in range(lanes):
                    nursery.start_soon(lane)
            return len(some) / (time.perf_counter() - started)

        await pusher.send(messages[0])
        await through_lanes(messages[: lanes * WARM_UP])
        rate = await through_lanes(messages)
        await pusher.aclose()
        return rate

    return trio.run(run)


def send_with_firebase_admin(app: firebase_admin.App) -> float:
    """Messages a second of firebase-admin's `send_each`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of tokens, which it takes all the same
        messages = [
            messaging.Message(
                token=push.target,
                data={"serialized": push.serialized, "event_id": push.event_id, "time": str(push.time_ms)},
                android=messaging.AndroidConfig(
                    ttl=push.ttl_s, priority=push.priority, restricted_package_name=push.package
                ),
            )
            for push in pushes()[: BATCH * BATCHES]
        ]
    messaging.send(messages[0], app=app)  # fetches the access token, which otherwise each of the threads would
    started = time.perf_counter()
    for first in range(0, len(messages), BATCH):
        batch = messaging.send_each(messages[first : first + BATCH], app=app)
        assert batch.failure_count == 0, batch.responses[0].exception
    return len(messages) / (time.perf_counter() - started)


@pytest.mark.benchmark(group="push")
def bench_senders(benchmark: Any, tmp_path: Path, tell: Any, turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, authority = make_certificates(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))  # firebase-admin's
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))  # evd's, for its access token
    account = tmp_path / "fcm.json"
    with fake_fcm(tmp_path, certificate) as url:
        # firebase-admin has no setting for it; its senders read this when an app first sends.
        monkeypatch.setattr(messaging._MessagingService, "FCM_URL", url + "/v1/projects/{0}/messages:send")
        app = firebase_admin.initialize_app(credentials.Certificate(str(account)), name="bench")
        senders: dict[str, Callable[[], float]] = {"firebase-admin, send_each": lambda: send_with_firebase_admin(app)}
        for lanes in LANES:
            senders[f"evd, {lanes} lanes"] = lambda lanes=lanes: send(url, account, authority, lanes)
        told: dict[str, list[float]] = {name: [] for name in senders}

        def each_once() -> None:
            for name, sender in senders.items():
                told[name].append(sender())

        benchmark.extra_info["told"] = told
        benchmark.pedantic(each_once, rounds=turns)
        firebase_admin.delete_app(app)
    medians = {name: statistics.median(rates) for name, rates in told.items()}
    theirs = medians["firebase-admin, send_each"]
    for name, rate in medians.items():
        row = {
            "sender": name,
            "messages/s": round(rate),
            "lowest": round(min(told[name])),
            "ratio": round(rate / theirs, 1),
        }
        tell("messages to FCM, over TLS to the fake FCM", row)
    require(*(Owed(f"{name} against send_each", rate / theirs, 10) for name, rate in medians.items() if rate != theirs))
