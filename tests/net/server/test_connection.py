"""A connection of the edge without the edge: its phases and deadlines, moved on by hand over a pair of sockets."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import structlog
from net_limits import admission, edge_limits

from evd.net.server.connection import REQUESTS_AT_ONCE, Answer, Connection, Reception
from evd.net.server.phases import ANSWERING, GONE, IN_BODY, IN_HEAD, LINGERING, RESTING, Phase
from evd.net.socket import PlainSocket
from evd.request.http import Reply, Request

LIMITS = edge_limits(head_s=1.0, body_s=2.0, answer_s=3.0, idle_s=4.0, linger_s=5.0)
HEAD = b"POST /sigfox/uplink HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
ELSEWHERE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CREATED = Reply(201)


class Here(Reception):
    """Notes what a connection asks of its edge."""

    def __init__(self) -> None:
        super().__init__(
            take=self._take,
            is_ingest=lambda method, path: path.startswith("/sigfox/"),
            allow=None,
            limits=LIMITS,
            log=structlog.get_logger(),
            admission=admission(8),
            proxies=None,
            counters=None,
        )
        self.time = 100.0
        self.at_once = False
        self.due: list[Answer] = []
        self.bodies: list[bytes] = []
        self.turns = 0
        self.given = b""

    def _take(self, request: Request, answer: Answer) -> None:
        self.bodies.append(request.body)
        if self.at_once:
            answer(CREATED)
        else:
            self.due.append(answer)

    def give_away(self, connection: Connection, unread: bytes) -> None:
        self.given = unread

    def unfinished(self, connection: Connection) -> None:
        self.turns += 1

    def ended(self, connection: Connection) -> None:
        self.admission.leave(connection.permit)


@dataclass
class Talk:
    """A client, and the connection that serves it."""

    client: socket.socket
    connection: Connection
    here: Here = field(default_factory=Here)

    def say(self, data: bytes) -> None:
        self.client.sendall(data)
        self.connection.on_ready(select.EPOLLIN | select.EPOLLOUT)

    def heard(self) -> bytes:
        """All that was sent to the client so far."""
        try:
            return self.client.recv(65536)
        except BlockingIOError:
            return b""

    @property
    def waits(self) -> tuple[Phase, float]:
        """What for, and how long from now."""
        return self.connection.phase, self.connection.deadline - self.here.time


@pytest.fixture
def talk() -> Iterator[Talk]:
    ours, client = socket.socketpair()
    client.setblocking(False)
    here = Here()
    permit = here.admission.enter("192.0.2.1")
    assert permit is not None
    with ours, client:
        yield Talk(client, Connection(here, PlainSocket(ours), "192.0.2.1", permit), here)


def test_each_phase_has_its_own_deadline_counted_from_its_beginning(talk: Talk) -> None:
    assert talk.waits == (RESTING, LIMITS.head_s), "a fresh connection has something to say"
    talk.say(HEAD[:9])
    assert talk.waits == (IN_HEAD, LIMITS.head_s)
    talk.here.time += 0.5
    talk.say(HEAD[9:20])
    assert talk.waits == (IN_HEAD, LIMITS.head_s - 0.5), "further bytes of a head win it no time"
    talk.say(HEAD[20:])
    assert talk.waits == (IN_BODY, LIMITS.body_s)
    talk.here.time += 0.5
    talk.say(b"a")
    assert talk.waits == (IN_BODY, LIMITS.body_s - 0.5)
    talk.say(b"b")
    assert talk.waits == (ANSWERING, LIMITS.answer_s)
    talk.here.due.pop()(CREATED)
    assert talk.waits == (RESTING, LIMITS.idle_s)
    assert talk.here.bodies == [b"ab"]


def test_an_answer_after_its_deadline_is_ignored(talk: Talk) -> None:
    talk.say(HEAD + b"ab")
    talk.connection.on_timeout()
    assert talk.heard().startswith(b"HTTP/1.1 503 ")
    talk.here.due.pop()(CREATED)
    assert talk.waits == (LINGERING, LIMITS.linger_s)
    assert talk.heard() == b""


def test_bytes_that_come_while_an_answer_is_due_are_read_after_it(talk: Talk) -> None:
    talk.say(HEAD + b"ab")
    talk.say(HEAD + b"cd")
    assert talk.here.bodies == [b"ab"]
    talk.here.due.pop()(CREATED)
    assert talk.here.bodies == [b"ab", b"cd"]
    assert talk.connection.phase is ANSWERING


@pytest.mark.parametrize("count", [REQUESTS_AT_ONCE - 1, 2 * REQUESTS_AT_ONCE + 1])
def test_a_turn_ends_after_some_requests_and_the_next_one_goes_on(talk: Talk, count: int) -> None:
    talk.here.at_once = True
    talk.say(count * (HEAD + b"ab"))
    assert len(talk.here.bodies) == min(count, REQUESTS_AT_ONCE)
    while talk.here.turns:
        assert talk.here.turns == 1, "a turn is asked for once"
        talk.here.turns = 0
        talk.connection.on_ready(select.EPOLLOUT)
    assert len(talk.here.bodies) == count
    assert talk.heard().count(b"HTTP/1.1 201 ") == count


def test_the_end_after_a_request_is_found_once_that_is_answered(talk: Talk) -> None:
    talk.client.sendall(HEAD + b"ab")
    talk.client.shutdown(socket.SHUT_WR)
    talk.connection.on_ready(select.EPOLLIN | select.EPOLLRDHUP)
    assert talk.connection.phase is ANSWERING
    talk.here.due.pop()(CREATED)
    assert talk.heard().startswith(b"HTTP/1.1 201 ")
    assert talk.connection.phase is GONE


def test_a_connection_that_was_given_away_is_touched_no_more(talk: Talk) -> None:
    talk.say(ELSEWHERE[:9])
    talk.say(ELSEWHERE[9:])
    assert talk.here.given == ELSEWHERE
    talk.connection.let_go()  # the admission still knows the bytes of its head
    talk.connection.give_way()
    assert talk.connection.phase is GONE
    assert talk.connection.wire.socket.fileno() >= 0
    assert talk.heard() == b""
