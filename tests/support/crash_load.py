"""A load of callbacks that remembers what evd acknowledged, also when evd is killed meanwhile."""

from __future__ import annotations

import random
import selectors
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

LINES = 24
"""Connections, each with one callback at a time."""

SILENCE_S = 30.0
PER_BATCH = 1000

TARGET = 80
"""%: where charging is to end."""
_EMPTY, _FULL, _TALKERS_STEP, _LEAVERS_STEP = 50, 99, 5, 10


def talker(number: int) -> str:
    """A vehicle whose charge passes the target again and again."""
    return f"{0xA00000 + number:X}"


def leaver(number: int) -> str:
    """A vehicle whose charge passes the target once."""
    return f"{0xB00000 + number:X}"


def charge(vehicle: str, number: int) -> int:
    """%, in the vehicle's status of that number."""
    if vehicle < leaver(0):
        return _EMPTY + number * _TALKERS_STEP % _EMPTY
    return min(_EMPTY + number * _LEAVERS_STEP, _FULL)


class Line:
    """One connection, and whose status was sent on it last: the vehicle and the time (epoch s)."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SILENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.said: tuple[str, int] = "", 0
        self._answer = b""

    def ask(self, vehicle: str, moment: int, request: bytes) -> None:
        self.said, self._answer = (vehicle, moment), b""
        self.socket.sendall(request)

    def read(self) -> int | None:
        """The answer's status, once the answer is whole. Raises ConnectionError at the connection's end."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            return None
        return int(head.split()[1])


@dataclass
class Load:
    """`newest` maps a vehicle to the time (epoch s) of the newest of its statuses that was acknowledged."""

    keys: dict[str, str]
    chance: random.Random
    newest: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    unanswered: int = 0
    _first: int = field(default_factory=lambda: int(time.time()) - 10_000_000)
    _said: Counter[str] = field(default_factory=Counter)

    def introduce(self, url: str, vehicles: Sequence[str]) -> None:
        """The first status of each vehicle, in batches."""
        headers = {"x-api-key": self.keys["sigfox"], "content-type": "text/plain"}
        for at in range(0, len(vehicles), PER_BATCH):
            lines = []
            for vehicle in vehicles[at : at + PER_BATCH]:
                moment, payload, seq = self._next_of(vehicle)
                lines.append(f"{vehicle};{moment};{payload};{seq};")
                self.newest[vehicle] = moment
            answer = httpx.post(f"{url}/sigfox/batch", content="\n".join(lines), headers=headers)
            assert answer.status_code == 201, answer.text
            self.acknowledged += len(lines)

    def run(self, url: str, vehicles: Sequence[str], seconds: float) -> list[Line]:
        """As many callbacks as are answered, for so long; at its end each line waits for an answer."""
        lines = [Line(int(url.rpartition(":")[2])) for _ in range(LINES)]
        with selectors.DefaultSelector() as selector:
            for line in lines:
                selector.register(line.socket, selectors.EVENT_READ, line)
                self._ask(line, vehicles)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for ready, _ in selector.select(0.01):
                    if self._heard(ready.data):
                        self._ask(ready.data, vehicles)
        return lines

    def hear_out(self, lines: Sequence[Line]) -> None:
        """What is still to be answered; where evd was killed, what it had answered before."""
        for line in lines:
            try:
                while not self._heard(line):
                    pass
            except ConnectionError:
                self.unanswered += 1
            line.socket.close()

    def _ask(self, line: Line, vehicles: Sequence[str]) -> None:
        vehicle = self.chance.choice(vehicles)
        moment, payload, seq = self._next_of(vehicle)
        body = f'{{"device":"{vehicle}","time":{moment},"data":"{payload}","seqNumber":{seq}}}'
        head = f"POST /sigfox/uplink HTTP/1.1\r\nHost: evd\r\nx-api-key: {self.keys['sigfox']}\r\nContent-Length: "
        line.ask(vehicle, moment, f"{head}{len(body)}\r\n\r\n{body}".encode())

    def _next_of(self, vehicle: str) -> tuple[int, str, int]:
        """Time (epoch s), payload in hex and sequence number of the vehicle's next status."""
        number = self._said[vehicle]
        self._said[vehicle] += 1
        payload = charge(vehicle, number) << 22 | TARGET << 15 | 0x4C0F  # state 0, as the default format has it
        return self._first + number, f"{payload:08x}", number % 4096

    def _heard(self, line: Line) -> bool:
        """Whether the answer was whole."""
        status = line.read()
        if status is None:
            return False
        assert status == 201, status
        vehicle, moment = line.said
        self.newest[vehicle] = max(self.newest[vehicle], moment)
        self.acknowledged += 1
        return True
