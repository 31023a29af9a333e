"""FCM in the same process and in virtual time: it speaks HTTP/1.1 over socket pairs, and is scripted by a seed.

A message is taken when it has arrived whole; what FCM says of it, and when, is another matter.
"""

from __future__ import annotations

import random
import socket
from typing import Any, NamedTuple

import orjson
import trio

HANG_S = 60.0
"""Longer than evd waits for an answer (10 s)."""


class Mood(NamedTuple):
    """Shares of the messages; the rest is taken, and answered within a third of a second."""

    unavailable: float = 0.0
    """503, some with Retry-After."""
    quota: float = 0.0
    """429."""
    lost: float = 0.0
    """Taken, and the connection ends without an answer."""
    silent: float = 0.0
    """Taken, and never answered."""
    deaf: float = 0.0
    """Not taken, and the connection ends."""
    garbage: float = 0.0
    """Taken, and answered by something that is no HTTP."""
    refuses: bool = False
    """No connection is accepted."""


FINE = Mood()
MOODS = (
    *[FINE] * 3,
    Mood(unavailable=1.0),
    Mood(silent=1.0),
    Mood(quota=0.5),
    Mood(unavailable=0.2, quota=0.02, lost=0.1, silent=0.1, deaf=0.1, garbage=0.05),
    Mood(refuses=True),
)


class Taken(NamedTuple):
    """A message that a phone got; `at` is virtual time (s), `run` counts the lives of evd."""

    at: float
    run: int
    token: str
    event_id: str
    time: int
    is_event: bool


class SimulatedFcm:
    """`connect` is what `PushPool` opens connections with. `dead` are tokens of apps that are gone."""

    def __init__(self, chance: random.Random, nursery: trio.Nursery, dead: frozenset[str]) -> None:
        self.mood = FINE
        self.run = 0
        self.taken: list[Taken] = []
        self.faults: list[str] = []
        """What evd did against FCM's rules, in sentences."""
        self.excused: set[tuple[str, str]] = set()
        """(token, event id) of what was taken without evd knowing, so that it must come again."""
        self.in_flight = self.in_flight_most = 0
        self._chance = chance
        self._nursery = nursery
        self._dead = dead
        self._not_before: dict[tuple[int, str, str], float] = {}
        """(run, token, what) → when it may come again."""

    async def connect(self, host: str, port: int) -> trio.SocketStream:
        await trio.lowlevel.checkpoint()
        if self.mood.refuses:
            raise ConnectionRefusedError(f"{host}:{port} refuses")
        ours, theirs = socket.socketpair()
        self._nursery.start_soon(self._serve, trio.SocketStream(trio.socket.from_stdlib_socket(ours)))
        return trio.SocketStream(trio.socket.from_stdlib_socket(theirs))

    async def _serve(self, stream: trio.SocketStream) -> None:
        received = bytearray()
        try:
            async with stream:
                while (body := await _request(stream, received)) is not None:
                    self.in_flight += 1
                    self.in_flight_most = max(self.in_flight_most, self.in_flight)
                    try:
                        if not await self._answer(stream, orjson.loads(body)["message"]):
                            return
                    finally:
                        self.in_flight -= 1
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # evd gave it up, or was killed

    async def _answer(self, stream: trio.SocketStream, message: dict[str, Any]) -> bool:
        """Whether the connection stays."""
        token, data = message["token"], message["data"]
        key = (self.run, token, "event" if "event" in data else "state")
        now = trio.current_time()
        if now < self._not_before.get(key, 0.0):
            self.faults.append(f"{key} came again {self._not_before[key] - now:.1f} s too early")
        if token in self._dead:
            await stream.send_all(_refusal(404, "UNREGISTERED"))
            return True
        what = self._drawn()
        if what == "deaf":
            return False
        if what in ("unavailable", "quota"):
            asked_s = self._chance.choice((None, 5, 30))
            least_s = max(10.0, asked_s or 0.0) if what == "unavailable" else max(10.0, float(asked_s or 60))
            self._not_before[key] = now + least_s if key[2] == "state" else 0.0
            answer = _refusal(503, "UNAVAILABLE", asked_s)
            await stream.send_all(answer if what == "unavailable" else _refusal(429, "QUOTA_EXCEEDED", asked_s))
            return True
        taken = Taken(now, self.run, token, data["event_id"], int(data["time"]), "event" in data)
        self.taken.append(taken)
        if what == "fine":
            await trio.sleep(self._chance.choice((0.0, self._chance.uniform(0.001, 0.3))))
            name = b'{"name":"projects/evd/messages/%d"}' % len(self.taken)
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name))
            return True
        self.excused.add((token, taken.event_id))
        if what == "silent":
            with trio.move_on_after(HANG_S):
                await stream.receive_some(1)
        elif what == "garbage":
            await stream.send_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        return False

    def _drawn(self) -> str:
        kind = self._chance.random()
        for name in ("unavailable", "quota", "lost", "silent", "deaf", "garbage"):
            kind -= getattr(self.mood, name)
            if kind < 0:
                return name
        return "fine"


async def _request(stream: trio.SocketStream, received: bytearray) -> bytes | None:
    """The next request's body; None at the end."""
    while (end := received.find(b"\r\n\r\n")) < 0:
        if not (more := await stream.receive_some(65_536)):
            return None
        received += more
    length = int(bytes(received[:end]).lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(received) < end + 4 + length:
        if not (more := await stream.receive_some(65_536)):
            return None
        received += more
    body = bytes(received[end + 4 : end + 4 + length])
    del received[: end + 4 + length]
    return body


def _refusal(status: int, code: str, retry_after_s: int | None = None) -> bytes:
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
    body = orjson.dumps({"error": {"code": status, "status": code, "message": code, "details": [detail]}})
    later = f"Retry-After: {retry_after_s}\r\n" if retry_after_s is not None else ""
    return f"HTTP/1.1 {status} X\r\n{later}Content-Length: {len(body)}\r\n\r\n".encode() + body
