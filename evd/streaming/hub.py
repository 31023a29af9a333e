"""The live stream's hub: who follows which vehicles, and what each is yet to be told.

It observes every commit; where nobody follows, that costs one look. A status is
rendered when the first follower takes it, once for each spelling of its vehicle. Whoever falls too far behind is let
go: he comes back with the id of the last event he got, and the rings hold what he missed.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import orjson

from evd.errors import BadRequest, Unavailable
from evd.model.commits import CommitSummary
from evd.model.operations import Arrive, RevokeKey

RETRY_S = 5
"""When to come again where all places are taken: streams come and go with their dashboards."""


class Subscriber(NamedTuple):
    """Who follows: the user, or the administrator's key; "" is who came by the control socket."""

    key_id: str = ""
    uid: str = ""


class StreamLimits(NamedTuple):
    """Streams in all and of one asker; statuses and bytes that wait for each."""

    streams: int
    streams_per_asker: int
    queue: int
    queue_bytes: int


class StreamPosition(NamedTuple):
    """Where a vehicle's follower is in its ring: the status he was told last. `time` is epoch ms, no seq is -1."""

    time: int
    seq: int
    status_id: str


class StreamedStatus:
    """A status for whoever follows its vehicle; `document` is given the vehicle's spelling, once for each."""

    __slots__ = ("_document", "_shown", "rank", "size_bytes", "vehicle")

    def __init__(
        self, vehicle: str, rank: StreamPosition, document: Callable[[str], Mapping[str, Any]], size_bytes: int
    ) -> None:
        self.vehicle = vehicle
        self.rank = rank
        self.size_bytes = size_bytes
        self._document = document
        self._shown: dict[str, bytes] = {}

    def shown(self, spelling: str) -> bytes:
        """The document as JSON."""
        shown = self._shown.get(spelling)
        if shown is None:
            shown = self._shown[spelling] = orjson.dumps(self._document(spelling))
        return shown


class Follower:
    """Someone who follows: what he is yet to be told, and whether that has an end."""

    def __init__(self, asker: Subscriber, wake: Callable[[], object], bounds: StreamLimits) -> None:
        self.asker = asker
        self.ended = False
        """Nothing more comes: he fell behind, lost a right, or the server stops."""
        self._wake = wake
        self._queue: deque[StreamedStatus] = deque()
        self._bytes = 0
        self._bounds = bounds

    def tell(self, news: StreamedStatus) -> None:
        """Keep it for him; whoever has too much to take already is let go."""
        self._bytes += news.size_bytes
        if self._queue and (len(self._queue) >= self._bounds.queue or self._bytes > self._bounds.queue_bytes):
            self.end()
        elif not self.ended:
            self._queue.append(news)
            self._wake()

    def take(self) -> list[StreamedStatus]:
        """What came since the last time, in the order of its commits."""
        taken = list(self._queue)
        self._queue.clear()
        self._bytes = 0
        return taken

    def end(self) -> None:
        self.ended = True
        self._queue.clear()  # a gap must not be covered by what came after it
        self._wake()


class StreamHub:
    """The hub."""

    def __init__(self, bounds: StreamLimits) -> None:
        self._bounds = bounds
        self._closed = False
        self._streams: Counter[Subscriber] = Counter()
        self._followers: dict[str | None, list[Follower]] = {}
        """By vehicle in normal form; None: of all vehicles."""

    @property
    def streams(self) -> int:
        return self._streams.total()

    def require_place(self, asker: Subscriber) -> None:
        """Raises Unavailable where he cannot have another stream."""
        if self._closed:
            raise Unavailable("evd is stopping: come again", retry_after_s=RETRY_S)
        if self.streams >= self._bounds.streams:
            raise Unavailable(
                f"{self._bounds.streams} streams are open, as many as app.streams_max allows: come again later",
                retry_after_s=RETRY_S,
            )
        if self._streams[asker] >= self._bounds.streams_per_asker:
            raise Unavailable(
                f"{self._bounds.streams_per_asker} streams of yours are open, as many as app.streams_per_user allows",
                retry_after_s=RETRY_S,
            )

    @contextmanager
    def follow(self, asker: Subscriber, vehicles: Sequence[str], wake: Callable[[], object]) -> Iterator[Follower]:
        """Follow these vehicles (normal form; none: all) in the block; `wake` is called when there is something to do.

        Raises Unavailable, as `require_place`.
        """
        self.require_place(asker)
        follower = Follower(asker, wake, self._bounds)
        named = tuple(vehicles) or (None,)
        self._streams[asker] += 1
        for vehicle in named:
            self._followers.setdefault(vehicle, []).append(follower)
        try:
            yield follower
        finally:
            for vehicle in named:
                self._followers[vehicle].remove(follower)
                if not self._followers[vehicle]:
                    del self._followers[vehicle]
            self._streams[asker] -= 1
            if not self._streams[asker]:
                del self._streams[asker]

    def committed(self, summary: CommitSummary) -> None:
        """Hand out what a commit made the newest, and let go who may not follow any more."""
        if not self._followers:
            return
        for status in summary.newest:
            self._tell(status)
        for removed in summary.owners_removed:
            self._end(partial(_lost_vehicle, removed.uid, removed.vehicle))
        for key in summary.keys:
            if isinstance(key, RevokeKey):
                self._end(partial(_lost_key, key.key_id))

    def close(self) -> None:
        """The server stops: let all go, and take nobody more."""
        self._closed = True
        self._end(lambda asker, vehicle: True)

    def _tell(self, status: Arrive) -> None:
        followers = (*self._followers.get(status.vehicle, ()), *self._followers.get(None, ()))
        if followers:
            news = StreamedStatus(status.vehicle, StreamPosition(*status.place), status.for_api, status.size_bytes)
            for follower in followers:
                follower.tell(news)

    def _end(self, concerned: Callable[[Subscriber, str | None], bool]) -> None:
        for vehicle, followers in self._followers.items():
            for follower in followers:
                if concerned(follower.asker, vehicle):
                    follower.end()


def _lost_vehicle(uid: str, vehicle: str, asker: Subscriber, followed: str | None) -> bool:
    return (asker.uid, followed) == (uid, vehicle)


def _lost_key(key_id: str, asker: Subscriber, _: str | None) -> bool:
    return asker.key_id == key_id


NOTHING = StreamPosition(0, -1, "0")
"""Before all of a ring, for there is no time 0."""


class StreamCursor:
    """Where a follower is in each of his vehicles; as text it is the id of an event, to go on from.

    `ranks` are the vehicles' in the order of his query; without them he begins. All of them stand in the id, because
    one vehicle's time says nothing of another's: what comes late from one is no older news.
    """

    def __init__(self, vehicles: Sequence[str], ranks: Sequence[StreamPosition] = ()) -> None:
        self.begins = not ranks
        self.ranks = dict(zip(vehicles, ranks or [NOTHING] * len(vehicles), strict=True))
        self._tied = {vehicle: {rank.status_id} for vehicle, rank in self.ranks.items()}

    @classmethod
    def parsed(cls, vehicles: Sequence[str], text: str) -> StreamCursor:
        """Of a Last-Event-ID; "" is the beginning. Raises BadRequest."""
        ranks = [_rank(part) for part in text.split("_")] if text else []
        if ranks and len(ranks) != len(vehicles):
            raise BadRequest(_LAST_EVENT_ID)
        return cls(vehicles, ranks)

    @property
    def event_id(self) -> str:
        return "_".join([f"{time}.{seq}.{status_id}" for time, seq, status_id in self.ranks.values()])

    def advance(self, vehicle: str, rank: StreamPosition) -> bool:
        """Whether this is news; then he is there. Of equal times and seqNumbers, each id is news once.

        What a vehicle says that is not followed by its name is always news.
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


_LAST_EVENT_ID = "the Last-Event-ID is none of this stream's: leave it out, and begin with the present"


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
