"""A mixed load for hours: callbacks at a steady pace, and phases that each add one kind of trouble."""

from __future__ import annotations

import http.client
import random
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ledger import Ledger, Message

VEHICLES = [f"D00{number:03X}" for number in range(60)]
PER_S = 40.0
"""Callbacks of the steady sender: a fleet of 24,000 vehicles that speak every ten minutes."""
BATCH_LINES = 50
READS_EVERY_S = 0.5
ANSWER_S = 15.0
REST = "rest"
"""The phase without any load and without connections."""


class Peer(NamedTuple):
    """Where evd listens; `keys` maps a role to its key."""

    port: int
    keys: Mapping[str, str]
    tls: ssl.SSLContext

    def connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=ANSWER_S, context=self.tls)


class SoakLoad:
    """One steady sender, one reader, and one trouble-maker, each a thread. `phase` names what is added now."""

    def __init__(self, peer: Peer, ledger: Ledger, chance: random.Random) -> None:
        self.phase = ""
        self.answers: Counter[int] = Counter()
        """Of callbacks; 0: there was none."""
        self.troubles: Counter[str] = Counter()
        self.faults: list[str] = []
        self._peer = peer
        self._ledger = ledger
        self._chance = chance
        self._ended = threading.Event()
        self._past: list[Message] = []
        self._moment = int(time.time()) - 50_000_000
        self._threads = [threading.Thread(target=one) for one in (self._send, self._read, self._trouble)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        connection = self._peer.connect()
        due = time.monotonic()
        while not self._ended.is_set():
            if self.phase == REST:
                connection.close()
                self._ended.wait(READS_EVERY_S)
                continue
            batch = self._chance.random() < 0.01
            messages = [self._next() for _ in range(BATCH_LINES if batch else 1)]
            self._ledger.sending(messages)
            path, body = _request(messages)
            status = 0
            try:
                connection.request("POST", path, body, {"x-api-key": self._peer.keys["sigfox"]})
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                connection.close()
            self.answers[status] += 1
            if status == 201:
                self._ledger.acknowledged(messages)
            due = max(due + 1 / PER_S, time.monotonic() - 1.0)
            self._ended.wait(max(0.0, due - time.monotonic()))
        connection.close()

    def _next(self) -> Message:
        if self._past and self._chance.random() < (0.8 if self.phase == "duplicates" else 0.05):
            return self._chance.choice(self._past)
        self._moment += 1
        payload = f"{self._chance.randrange(101) << 22 | 0x284C0F:08x}"
        message = Message(self._chance.choice(VEHICLES), self._moment, self._moment % 4096, payload)
        self._past = [*self._past[-199:], message]
        return message

    def _read(self) -> None:
        """As the console does."""
        connection = self._peer.connect()
        headers = {"x-api-key": self._peer.keys["admin"]}
        while not self._ended.wait(READS_EVERY_S):
            if self.phase == REST:
                connection.close()
                continue
            for path in ("/api/v1/vehicles", f"/api/v1/vehicles/{VEHICLES[0]}/statuses?limit=50"):
                try:
                    connection.request("GET", path, headers=headers)
                    answer = connection.getresponse()
                    answer.read()
                except (OSError, http.client.HTTPException):
                    connection.close()
                else:
                    self.troubles[f"reads answered {answer.status}"] += 1
        connection.close()

    def _trouble(self) -> None:
        makers: dict[str, Callable[[], None]] = {"garbage": self._garbage, "new connections": self._connections}
        while not self._ended.wait(0.02):
            make = makers.get(self.phase)
            if make is not None:
                with suppress(OSError, http.client.HTTPException):
                    make()

    def _garbage(self) -> None:
        """No TLS, half a hello, and well-formed requests with bodies that are not."""
        kind = self._chance.randrange(4)
        self.troubles["garbage"] += 1
        if kind < 2:
            with socket.create_connection(("127.0.0.1", self._peer.port), timeout=ANSWER_S) as raw:
                hello = b"\x16\x03\x01\x02\x00" if kind else b""
                raw.sendall(hello + self._chance.randbytes(self._chance.randrange(1, 600)))
            return
        connection = self._peer.connect()
        key = self._peer.keys["sigfox"] if kind == 2 else "wrong"
        connection.request("POST", "/sigfox/uplink", self._chance.randbytes(200), {"x-api-key": key})
        status = connection.getresponse().status
        connection.close()
        if status not in (400, 401, 429):
            self.faults.append(f"garbage was answered {status}")

    def _connections(self) -> None:
        self.troubles["new connections"] += 1
        connection = self._peer.connect()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        connection.close()


def _request(messages: Sequence[Message]) -> tuple[str, str]:
    if len(messages) == 1:
        vehicle, moment, seq, payload = messages[0]
        return "/sigfox/uplink", f'{{"device":"{vehicle}","time":{moment},"data":"{payload}","seqNumber":{seq}}}'
    return "/sigfox/batch", "\n".join(f"{one.vehicle};{one.time};{one.payload};{one.seq};" for one in messages)


class Sample(NamedTuple):
    """`at` is s since the load began."""

    at: float
    rss_mib: float
    descriptors: int
    threads: int
    phase: str


def sample(process: int, at: float, phase: str) -> Sample:
    status = dict(
        line.split(":\t") for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":\t" in line
    )
    descriptors = len(list(Path(f"/proc/{process}/fd").iterdir()))
    return Sample(at, int(status["VmRSS"].split()[0]) / 1024, descriptors, int(status["Threads"]), phase)


def slope_mib_h(samples: Sequence[Sample]) -> float:
    """Of the line that fits best (least squares)."""
    mean_at = sum(one.at for one in samples) / len(samples)
    mean_rss = sum(one.rss_mib for one in samples) / len(samples)
    above = sum((one.at - mean_at) * (one.rss_mib - mean_rss) for one in samples)
    return 3600 * above / sum((one.at - mean_at) ** 2 for one in samples)
