"""Callbacks as Sigfox sends them, without end and from several connections, whatever happens to evd meanwhile.

Single ones and batches, some late, some again; one that got no 201 is sent again, as Sigfox does. The ledger knows all.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger import Ledger, Message

SEED = int(os.environ.get("SEED", random.randrange(1_000_000)))
"""Of the moments, vehicles and contents; `SEED=…` takes those of an earlier run again."""

CONNECTIONS = 6
SILENCE_S = 15.0
"""Longer than evd's own limit for an answer (8 s)."""
PAUSE_S = 0.01
"""Before a connection is tried again."""
BATCH_LINES = 20
REPEATS_MAX = 1000
"""Messages of the past to choose repeats from, and messages that wait to be sent again."""

BATCH, REPEAT, LATE = 0.1, 0.05, 0.05
"""Shares of requests that are batches, and of messages that are sent again or are older than the vehicle's newest."""


class Answer(NamedTuple):
    """`status` is 0 where the connection ended before an answer; times are monotonic, s."""

    begun: float
    ended: float
    status: int
    refused: bool
    """Nobody listened."""

    @property
    def seconds(self) -> float:
        return self.ended - self.begun


@dataclass
class _Vehicles:
    """The messages of these vehicles, which no other connection speaks for."""

    names: Sequence[str]
    chance: random.Random
    moment: int
    """Epoch s of the newest message."""
    past: deque[Message] = field(default_factory=lambda: deque(maxlen=REPEATS_MAX))
    again: deque[Message] = field(default_factory=lambda: deque(maxlen=REPEATS_MAX))
    """They got no 201."""
    _seqs: Counter[str] = field(default_factory=Counter)

    def next(self) -> Message:
        kind = self.chance.random()
        if self.again and kind < 0.3:
            return self.again.popleft()
        if self.past and kind > 1 - REPEAT:
            return self.chance.choice(self.past)
        vehicle = self.chance.choice(self.names)
        self.moment += 1
        self._seqs[vehicle] += 1
        late_s = self.chance.randrange(10_000_000, 20_000_000) if kind > 1 - REPEAT - LATE else 0
        # A late one has a time of its own, since `moment` never comes back.
        payload = f"{self.chance.randrange(101) << 22 | 0x284C0F:08x}"  # the charge, as the default format has it
        message = Message(vehicle, self.moment - late_s, self._seqs[vehicle] % 4096, payload)
        self.past.append(message)
        return message


class Load:
    """Threads that send to `port` while it is set; `keys` are evd's."""

    def __init__(self, ledger: Ledger, keys: Mapping[str, str], *, vehicles: int = 30, seed: int = SEED) -> None:
        self.ledger = ledger
        self.answers: deque[Answer] = deque(maxlen=1_000_000)
        self._key = keys["sigfox"]
        self._port = 0
        self._aimed = threading.Event()
        self._ended = threading.Event()
        self._resting = threading.Semaphore(0)
        chance = random.Random(seed)
        first = int(time.time()) - 100_000_000
        self._threads = [
            threading.Thread(target=self._speak, args=(_Vehicles(names, random.Random(chance.random()), first),))
            for number in range(CONNECTIONS)
            if (names := [f"{0xC00000 + number + CONNECTIONS * at:X}" for at in range(vehicles // CONNECTIONS)])
        ]

    def aim(self, url: str) -> None:
        """Send there from now on."""
        self._port = int(url.rpartition(":")[2])
        self._aimed.set()

    def rest(self) -> None:
        """Returns when nothing is under way; `aim` goes on."""
        self._aimed.clear()
        for _ in self._threads:
            self._resting.acquire()

    def count(self, *statuses: int) -> int:
        return sum(answer.status in statuses for answer in list(self.answers))

    def wait_for_acks(self, count: int, within_s: float = 30.0) -> None:
        """Wait until so many more are acknowledged."""
        goal, end = self.count(201) + count, time.monotonic() + within_s
        while self.count(201) < goal:
            assert time.monotonic() < end, f"{goal - self.count(201)} of {count} are missing after {within_s:g} s"
            time.sleep(0.01)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ended.set()
        self._aimed.set()
        for thread in self._threads:
            thread.join()

    def _speak(self, vehicles: _Vehicles) -> None:
        connection: socket.socket | None = None
        while not self._ended.is_set():
            if not self._aimed.is_set():
                if connection is not None:
                    connection.close()
                    connection = None
                self._resting.release()
                self._aimed.wait()
                continue
            batch = vehicles.chance.random() < BATCH
            messages = [vehicles.next() for _ in range(BATCH_LINES if batch else 1)]
            self.ledger.sending(messages)
            begun, status, refused = time.monotonic(), 0, False
            try:
                if connection is None:
                    connection = socket.create_connection(("127.0.0.1", self._port), timeout=SILENCE_S)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.sendall(self._request(messages))
                status, stays = _read(connection)
            except OSError as error:
                stays, refused = False, isinstance(error, ConnectionRefusedError)
            if not stays and connection is not None:
                connection.close()
                connection = None
            if status == 201:
                self.ledger.acknowledged(messages)
            else:
                vehicles.again.extend(messages)
            self.answers.append(Answer(begun, time.monotonic(), status, refused))
            if status == 0:
                self._ended.wait(PAUSE_S)
        if connection is not None:
            connection.close()

    def _request(self, messages: Sequence[Message]) -> bytes:
        if len(messages) == 1:
            vehicle, moment, seq, payload = messages[0]
            path, body = "uplink", f'{{"device":"{vehicle}","time":{moment},"data":"{payload}","seqNumber":{seq}}}'
        else:
            path, body = "batch", "\n".join(f"{one.vehicle};{one.time};{one.payload};{one.seq};" for one in messages)
        head = f"POST /sigfox/{path} HTTP/1.1\r\nHost: evd\r\nx-api-key: {self._key}\r\nContent-Length: {len(body)}"
        return f"{head}\r\n\r\n{body}".encode()


@contextmanager
def load_of(ledger: Ledger, keys: Mapping[str, str], *, vehicles: int = 30, seed: int = SEED) -> Iterator[Load]:
    load = Load(ledger, keys, vehicles=vehicles, seed=seed)
    print(f"SEED={seed}")
    load.start()
    try:
        yield load
    finally:
        load.end()


def _read(connection: socket.socket) -> tuple[int, bool]:
    """An answer's status, and whether the connection stays open. Raises OSError where there is no whole answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    lowered = head.lower()
    length = int(lowered.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
    while len(body) < length:
        body += _some(connection)
    return int(head.split()[1]), b"connection: close" not in lowered


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError
    return data
