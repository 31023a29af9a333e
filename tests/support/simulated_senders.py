"""Sigfox in virtual time: callbacks to evd's way in, sent again until they get 201, and a ledger of that."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from functools import partial

import trio
from ledger import Entries, Message

from evd.errors import RequestError
from evd.ingest.service import Ingest
from evd.request.http import Reply, Request
from evd.store.writer import Writer

ANSWER_S = 8.0
LATE_S = 1.0
"""How much later than its limit evd may answer: it looks four times a second."""

AGAIN_S = (2.0, 30.0)
"""Until a message without 201 is sent again. Sigfox waits for minutes; here time is short."""

BURST, LAST_WORDS = 40, 4


class Way:
    """How one life of evd is reached."""

    def __init__(self, ingest: Ingest, writer: Writer, key: str) -> None:
        self.ingest = ingest
        self.writer = writer
        self.headers = {b"x-api-key": key.encode(), b"content-type": b"application/json"}


class Senders:
    """What was sent, and what was acknowledged. `epoch` is the wall clock (s) when virtual time is 0."""

    def __init__(self, chance: random.Random, epoch: int) -> None:
        self.way: Way | None = None
        """None while nobody listens."""
        self.sent: set[Message] = set()
        self.acknowledged: set[Message] = set()
        self.faults: list[str] = []
        """What evd answered wrongly, in sentences."""
        self.answers: Counter[int] = Counter()
        self._chance = chance
        self._epoch = epoch
        self._number = 0
        self._open: dict[int, tuple[float, Message]] = {}
        self._again: defaultdict[str, list[tuple[float, Message]]] = defaultdict(list)
        self._ids: dict[tuple[str, int, int], str] = {}

    @property
    def busy(self) -> bool:
        """Whether something has no 201 yet."""
        return bool(self._open) or any(self._again.values())

    async def speak(self, vehicle: str, until: float) -> None:
        """One vehicle's messages: some late, some again, some many at once. Ends when all have their 201."""
        chance = self._chance
        past: list[Message] = []
        while (now := trio.current_time()) < until:
            await trio.sleep(chance.expovariate(1.5))
            for _ in range(BURST if chance.random() < 0.02 else 1):
                if past and chance.random() < 0.05:
                    self._send(chance.choice(past))
                else:
                    self._send_new(vehicle, past, late=chance.random() < 0.07)
            self._send_again(vehicle, now)
        await trio.sleep(chance.uniform(0.0, 5.0))
        for _ in range(LAST_WORDS):  # nothing comes after these that could make up for them
            self._send_new(vehicle, past, late=False)
            await trio.sleep(chance.uniform(0.0, 0.3))
        while self._again[vehicle] or any(message.vehicle == vehicle for _, message in self._open.values()):
            await trio.sleep(1.0)
            self._send_again(vehicle, trio.current_time())

    def find_overdue(self, now: float) -> None:
        for begun, message in self._open.values():
            if now - begun > ANSWER_S + LATE_S:
                self.faults.append(f"{message} has no answer after {ANSWER_S + LATE_S:g} s")

    def cut_off(self) -> None:
        """evd is gone: what was under way is not answered any more."""
        self.way = None
        lost, self._open = self._open, {}
        for _, message in lost.values():
            self._keep(message)

    def entries(self) -> Entries:
        return Entries(frozenset(self.sent), frozenset(self.acknowledged))

    def _send_new(self, vehicle: str, past: list[Message], *, late: bool) -> None:
        newest = max((message.time for message in past), default=0)
        moment = max(newest + 1, self._epoch + int(trio.current_time()))
        late_s = self._chance.randrange(100_000, 200_000) if late else 0
        payload = f"{self._chance.randrange(101) << 22 | 0x284C0F:08x}"  # the charge, as the default format has it
        message = Message(vehicle, moment - late_s, len(past) % 4096, payload)
        past.append(message)
        self._send(message)

    def _send_again(self, vehicle: str, now: float) -> None:
        due = [message for at, message in self._again[vehicle] if at <= now]
        self._again[vehicle] = [(at, message) for at, message in self._again[vehicle] if at > now]
        for message in due:
            self._send(message)

    def _keep(self, message: Message) -> None:
        self._again[message.vehicle].append((trio.current_time() + self._chance.uniform(*AGAIN_S), message))

    def _send(self, message: Message) -> None:
        way = self.way
        if way is None:
            self._keep(message)
            return
        vehicle, moment, seq, payload = message
        body = f'{{"device":"{vehicle}","time":{moment},"data":"{payload}","seqNumber":{seq}}}'.encode()
        request = Request("POST", "/sigfox/uplink", b"", way.headers, body, "192.0.2.1")
        number = self._number = self._number + 1
        self.sent.add(message)
        self._open[number] = trio.current_time(), message
        try:
            way.ingest.take(request, partial(self._answered, way, number, message))
        except RequestError as refusal:
            self._ended(number, message, refusal.status)
        if self._chance.random() < 0.5:
            way.writer.linger()  # as the edge does at the end of a turn

    def _answered(self, way: Way, number: int, message: Message, reply: Reply) -> None:
        if self.way is not way:
            return  # the process is gone
        if self._open.get(number, (0.0, None))[1] is not message:
            self.faults.append(f"{message} was answered twice")
            return
        if reply.status == 201:
            given = dict(reply.headers)[b"x-status-id"].decode()
            if self._ids.setdefault(message.name, given) != given:
                self.faults.append(f"{message} was acknowledged as {self._ids[message.name]} and as {given}")
            self.acknowledged.add(message)
        self._ended(number, message, reply.status)

    def _ended(self, number: int, message: Message, status: int) -> None:
        del self._open[number]
        self.answers[status] += 1
        if status == 503:
            self._keep(message)
        elif status != 201:
            self.faults.append(f"{message} was answered {status}")
