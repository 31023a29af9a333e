"""The live stream's hub: which subscriber follows which vehicles, and the statuses that wait for each.

It observes every commit; without followers that costs one look-up. A status is rendered when the first follower takes
it, once for each spelling of its vehicle. A follower that falls too far behind is disconnected: it returns with the id
of the last event that it got, and the rings hold what it missed.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import orjson

from evd.errors import BadRequest, Unavailable
from evd.model.commits import CommitSummary
from evd.model.operations import (
    AddToken,
    Arrive,
    EndSessions,
    OpenSession,
    Operation,
    RemoveUser,
    RevokeKey,
    RevokeToken,
    SetPassword,
)
from evd.model.status import Status
from evd.streaming.newest import NewestStatuses

NEWEST = ""
"""What a stream follows in place of vehicles that reads `StreamHub.newest`; no vehicle is named so."""

RETRY_S = 5
"""When to retry if all places are taken: streams come and go with their dashboards."""


class Subscriber(NamedTuple):
    """Who follows: a user, or an administrator's key; all "" for the control socket."""

    key_id: str = ""
    uid: str = ""
    proof: str = ""
    """The id of the session or of the access token by which the user follows."""
    admin: bool = False
    """Whether it may follow vehicles that it does not own."""

    @property
    def who(self) -> tuple[str, str]:
        """Whose streams are counted: a user has no more of them by another session."""
        return self.key_id, self.uid


class StreamLimits(NamedTuple):
    """The number of streams, of all and of one subscriber; statuses and bytes that wait for one stream."""

    streams: int
    streams_per_subscriber: int
    queue: int
    queue_bytes: int


class StreamPosition(NamedTuple):
    """A follower's position in a ring: the status that it got last. `time` is epoch ms; without a seq it is -1."""

    time: int
    seq: int
    status_id: str


class StreamedStatus:
    """A status for all followers of its vehicle, rendered once for each spelling of the vehicle."""

    __slots__ = ("_shown", "_status", "rank", "size_bytes", "vehicle")

    def __init__(self, vehicle: str, status: Status, size_bytes: int) -> None:
        self.vehicle = vehicle
        self.rank = StreamPosition(*status.sort_key)
        self.size_bytes = size_bytes
        self._status = status
        self._shown: dict[tuple[str, bool], bytes] = {}

    def shown(self, spelling: str, *, is_coarse: bool) -> bytes:
        """The status as JSON; `is_coarse`: with coarse places."""
        shown = self._shown.get((spelling, is_coarse))
        if shown is None:
            status = self._status.coarse() if is_coarse else self._status
            shown = self._shown[spelling, is_coarse] = orjson.dumps(status.for_api(spelling))
        return shown


class Follower:
    """One stream of a subscriber: the statuses that wait for it, and whether it has ended."""

    def __init__(self, subscriber: Subscriber, wake: Callable[[], object], bounds: StreamLimits) -> None:
        self.subscriber = subscriber
        self.ended = False
        """Nothing more comes: it fell behind, a right was revoked, or the server stops."""
        self._wake = wake
        self._queue: deque[StreamedStatus] = deque()
        self._bytes = 0
        self._bounds = bounds

    def offer(self, news: StreamedStatus) -> None:
        """Queue the status; end the stream if too much is queued already."""
        self._bytes += news.size_bytes
        if self._queue and (len(self._queue) >= self._bounds.queue or self._bytes > self._bounds.queue_bytes):
            self.end()
        elif not self.ended:
            self._queue.append(news)
            self._wake()

    def take(self) -> list[StreamedStatus]:
        """What came since the last call, in the order of the commits."""
        taken = list(self._queue)
        self._queue.clear()
        self._bytes = 0
        return taken

    def end(self) -> None:
        self.ended = True
        self._queue.clear()  # what comes after a gap must not be sent
        self._wake()


class StreamHub:
    """The hub."""

    def __init__(self, bounds: StreamLimits) -> None:
        self._bounds = bounds
        self._closed = False
        self._streams: Counter[tuple[str, str]] = Counter()
        self._followers: dict[str | None, list[Follower]] = {}
        """By vehicle in normal form; None: followers of all vehicles."""
        self.newest: NewestStatuses[StreamedStatus] = NewestStatuses()
        """Of all vehicles, while somebody follows NEWEST."""

    @property
    def streams(self) -> int:
        return self._streams.total()

    def require_place(self, subscriber: Subscriber) -> None:
        """Raises Unavailable if the subscriber cannot have another stream."""
        if self._closed:
            raise Unavailable("evd is stopping: connect again later", retry_after_s=RETRY_S)
        if self.streams >= self._bounds.streams:
            raise Unavailable(
                f"{self._bounds.streams} streams are open, as many as app.streams_max allows: connect again later",
                retry_after_s=RETRY_S,
            )
        if self._streams[subscriber.who] >= self._bounds.streams_per_subscriber:
            raise Unavailable(
                f"you have {self._bounds.streams_per_subscriber} open streams, as many as app.streams_per_user allows",
                retry_after_s=RETRY_S,
            )

    @contextmanager
    def follow(
        self, subscriber: Subscriber, vehicles: Sequence[str] | None, wake: Callable[[], object]
    ) -> Iterator[Follower]:
        """Follow these vehicles (normal form; None: all) in the block; `wake` is called when there is something to do.

        Raises Unavailable, as `require_place`.
        """
        self.require_place(subscriber)
        follower = Follower(subscriber, wake, self._bounds)
        named = (None,) if vehicles is None else tuple(vehicles)
        self._streams[subscriber.who] += 1
        for vehicle in named:
            self._followers.setdefault(vehicle, []).append(follower)
        try:
            yield follower
        finally:
            for vehicle in named:
                self._followers[vehicle].remove(follower)
                if not self._followers[vehicle]:
                    del self._followers[vehicle]
            if NEWEST not in self._followers:
                self.newest.clear()
            self._streams[subscriber.who] -= 1
            if not self._streams[subscriber.who]:
                del self._streams[subscriber.who]

    def committed(self, summary: CommitSummary) -> None:
        """Offer the new last statuses of a commit, and end the streams whose right it revoked."""
        if not self._followers:
            return
        for status in summary.newest:
            self._offer(status)
        for removed in summary.owners_removed:
            self._end(partial(_lost_vehicle, removed.uid, removed.vehicle))
        for key in summary.keys:
            if isinstance(key, RevokeKey):
                self._end(partial(_lost_key, key.key_id))
        for operation, result in summary.identities:
            if isinstance(operation, RemoveUser):
                self._end(partial(_lost_account, operation.uid))
            elif lost := _ended_proofs(operation, result):
                self._end(partial(_lost_proof, lost))

    def close(self) -> None:
        """The server stops: end all streams, and accept no more."""
        self._closed = True
        self._end(lambda subscriber, vehicle: True)

    def _offer(self, status: Arrive) -> None:
        followers = (*self._followers.get(status.vehicle, ()), *self._followers.get(None, ()))
        watched = NEWEST in self._followers
        if followers or watched:
            news = StreamedStatus(status.vehicle, status, status.size_bytes)
            if watched:
                self.newest.put(news)
            for follower in followers:
                follower.offer(news)

    def _end(self, concerned: Callable[[Subscriber, str | None], bool]) -> None:
        for vehicle, followers in self._followers.items():
            for follower in followers:
                if concerned(follower.subscriber, vehicle):
                    follower.end()


def _lost_vehicle(uid: str, vehicle: str, subscriber: Subscriber, followed: str | None) -> bool:
    return not subscriber.admin and (subscriber.uid, followed) == (uid, vehicle)


def _lost_key(key_id: str, subscriber: Subscriber, _: str | None) -> bool:
    return subscriber.key_id == key_id


def _lost_account(uid: str, subscriber: Subscriber, _: str | None) -> bool:
    return bool(subscriber.proof) and subscriber.uid == uid


def _lost_proof(proofs: frozenset[str], subscriber: Subscriber, _: str | None) -> bool:
    return subscriber.proof in proofs


def _ended_proofs(operation: Operation, result: Any) -> frozenset[str]:
    """The ids of the sessions or access tokens that an operation ended."""
    if isinstance(operation, RevokeToken):
        return frozenset({operation.token_id})
    return (
        frozenset(result) if isinstance(operation, EndSessions | OpenSession | SetPassword | AddToken) else frozenset()
    )


NOTHING = StreamPosition(0, -1, "0")
"""Before all of a ring, for there is no time 0."""


class StreamCursor:
    """A stream's position in the ring of each of its vehicles; as text it is the id of an event, to resume from.

    `ranks` are in the order of the vehicles of the query; without them the stream begins. The id holds all of them,
    because the time of one vehicle says nothing of another's.
    """

    def __init__(self, vehicles: Sequence[str], ranks: Sequence[StreamPosition] = ()) -> None:
        self.begins = not ranks
        self.ranks = dict(zip(vehicles, ranks or [NOTHING] * len(vehicles), strict=True))
        self._tied = {vehicle: {rank.status_id} for vehicle, rank in self.ranks.items()}

    @classmethod
    def parsed(cls, vehicles: Sequence[str], text: str) -> StreamCursor:
        """The cursor of a Last-Event-ID; "" is the beginning. Raises BadRequest."""
        ranks = [_rank(part) for part in text.split("_")] if text else []
        if ranks and len(ranks) != len(vehicles):
            raise BadRequest(_LAST_EVENT_ID)
        return cls(vehicles, ranks)

    @property
    def event_id(self) -> str:
        return "_".join([f"{time}.{seq}.{status_id}" for time, seq, status_id in self.ranks.values()])

    def advance(self, vehicle: str, rank: StreamPosition) -> bool:
        """Whether this status was not sent yet; if so, move there. Of equal times and seqNumbers, each id is new once.

        For a vehicle that the query does not name, every status is new.
        """
        if vehicle not in self.ranks:
            return True
        now = self.ranks[vehicle]
        if rank[:2] > now[:2]:
            self._tied[vehicle] = {rank.status_id}
        elif rank[:2] == now[:2] and rank.status_id not in self._tied[vehicle]:
            self._tied[vehicle].add(rank.status_id)
        else:
            return False
        self.ranks[vehicle] = rank
        return True


_LAST_EVENT_ID = "the Last-Event-ID is not from this stream: omit it to begin with the present"


def _rank(text: str) -> StreamPosition:
    time, _, rest = text.partition(".")
    seq, _, status_id = rest.partition(".")
    try:
        rank = StreamPosition(int(time), int(seq), status_id)
    except ValueError:
        raise BadRequest(_LAST_EVENT_ID) from None
    if len(text) > 64 or not status_id.isalnum() or max(abs(rank.time), abs(rank.seq)) >= 1 << 63:
        raise BadRequest(_LAST_EVENT_ID)
    return rank
