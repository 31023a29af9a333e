"""The mirror: profiles that change and last statuses are written into Firestore, soon and never in the way.

A commit only notes its vehicles in `waiting`, which is bounded and holds each once: the newest status counts, since
what is written is read from the store when its turn comes. What Firestore has is in the store, too, so after a restart,
or if too many vehicles wait, all are compared. A document is written once in `every_s` at most.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple, Protocol

import orjson
import trio

from evd.clock import Clock
from evd.errors import FirebaseConflict, FirebaseError, FirebaseInvalid, Unavailable
from evd.firebase.documents import MEMBERS, UserDocument, UserWrites, read_user, written_as
from evd.log.logger import log
from evd.model.commits import CommitSummary
from evd.model.listeners import Listeners
from evd.model.operations import Mirrored, NoteMirrored
from evd.model.operations.firestore import Said
from evd.model.place_privacy import PlacePrivacy
from evd.model.status import Status
from evd.model.units import MINUTE_MS
from evd.net.client.retry_delay import delay_s
from evd.store.queries import Queries, VehicleQueries
from evd.store.records import FirestoreRow
from evd.store.vehicle_records import FleetSearch
from evd.store.writer import Writer

ROWS_MAX = 200
"""Users' vehicles that are compared at once: some ms of the database."""

LISTED_MS = 10 * MINUTE_MS
"""So long evd believes that a user's document has the same vehicles: a read of it costs as much as a write."""

LISTED_MAX = 10_000
"""Users of whom it remembers that, a KiB each."""


class Documents(Protocol):
    """Firestore, from the loop. Raises FirebaseError."""

    async def read(self, uids: Collection[str]) -> dict[str, UserDocument]:
        """Those of these users that have a document."""

    async def write(self, writes: UserWrites) -> None:
        """See `evd.firebase.firestore.Firestore.write`."""


class MirrorRules(NamedTuple):
    every_s: float
    waiting_max: int
    at_once: int
    """Users whose documents are written at the same time."""
    whole_numbers: bool
    """Statuses as `Status.for_app` gives them."""
    places: PlacePrivacy = PlacePrivacy()
    """Whose places are coarse for owners, too: only theirs is mirrored."""


class Due(NamedTuple):
    """A user's vehicle that Firestore has otherwise."""

    row: FirestoreRow
    status: Status | None
    """To be written; None: it has the last one."""
    profile: Mapping[str, Said]
    """Members to be written."""


class FirestoreMirror:
    """Observes commits; one long task, `run`. `turn` keeps the sync away from what is being written."""

    def __init__(
        self,
        documents: Documents,
        writer: Writer,
        resolve: Callable[[str], str],
        turn: trio.Lock,
        rules: MirrorRules,
        *,
        clock: Clock,
    ) -> None:
        self.waiting: dict[str, None] = {}
        """Vehicles that may differ."""
        self.compare_all = True
        self._documents = documents
        self._writer = writer
        self._resolve = resolve
        self._turn = turn
        self._rules = rules
        self._clock = clock
        self._owned = Listeners()
        self._listed: dict[str, tuple[int, dict[str, str]]] = {}
        """User → until when it is believed, and vehicle → its key in the user's document."""
        self._news = trio.Event()

    def committed(self, summary: CommitSummary) -> None:
        for status in self._owned.of(summary.newest):
            self._note(status.vehicle)
        for vehicle in summary.attended:
            self._owned.add(vehicle)
            self._note(vehicle)
        for vehicle in summary.profiles_set:
            self._note(vehicle)
        for removed in summary.owners_removed:
            self._note(removed.vehicle)

    def _note(self, vehicle: str) -> None:
        if vehicle not in self.waiting and len(self.waiting) >= self._rules.waiting_max:
            self.waiting.clear()
            self.compare_all = True
        if not self.compare_all:
            self.waiting[vehicle] = None
        self._news.set()

    async def run(self, queries: Queries) -> None:
        """Write for ever. Cancelling is safe: what was not noted as written is compared again."""
        failures = 0
        while True:
            if not (self.waiting or self.compare_all):
                self._news = trio.Event()
                await self._news.wait()
            try:
                await self.round(queries)
                if failures:
                    log.info("Firestore takes what evd writes again")
                failures = 0
                await trio.sleep(self._rules.every_s)
            except (FirebaseError, Unavailable) as error:
                log.warning("Firestore is behind: it is tried again", reason=str(error), failures=failures + 1)
                await trio.sleep(delay_s(failures, self._rules.every_s, 0.0))
                failures += 1

    async def round(self, queries: Queries) -> None:
        """Write what waits now. Raises FirebaseError, Unavailable; what was not written waits on."""
        wanted, everything = self.waiting, self.compare_all
        self.waiting, self.compare_all = {}, False
        try:
            if everything:
                await self._compare(queries, None)
            names = list(wanted)
            for first in range(0, len(names), ROWS_MAX):
                await self._compare(queries, names[first : first + ROWS_MAX])
        except (FirebaseError, Unavailable):
            for vehicle in wanted:
                self._note(vehicle)
            self.compare_all |= everything
            raise

    async def _compare(self, queries: Queries, vehicles: Collection[str] | None) -> None:
        after: tuple[Any, ...] | None = ("", "")
        while after is not None:
            page = await queries.firestore_rows(vehicles, after, limit=ROWS_MAX)
            named = frozenset(row["vehicle"] for row in page.rows)
            for vehicle in named:
                self._owned.add(vehicle)
            last = await _last_of(queries, named)
            due = [one for row in page.rows if (one := _due(row, last.get(row["vehicle"]))) is not None]
            if due:
                async with self._turn:
                    await self._write(due)
            after = page.following

    async def _write(self, due: Sequence[Due]) -> None:
        """Each user's vehicles in one commit. The first failure of Firestore is raised after the others ended."""
        by_user = [(uid, list(some)) for uid, some in groupby(due, lambda one: one.row["uid"])]
        asked = [uid for uid, some in by_user if self._must_read(uid, some)]
        fresh = await self._documents.read(asked) if asked else {}
        for uid in asked:
            await trio.lowlevel.checkpoint()  # a document that is as large as can be takes 30 ms
            self._remember(uid, fresh.get(uid))
        done: list[Mirrored] = []
        failed: list[FirebaseError] = []
        slots = trio.Semaphore(self._rules.at_once)

        async def one_user(uid: str, some: list[Due]) -> None:
            async with slots:
                if not failed:
                    try:
                        done.extend(await self._write_user(fresh.get(uid) or UserDocument(uid, None), some))
                    except FirebaseError as error:
                        failed.append(error)

        async with trio.open_nursery() as nursery:
            for uid, some in by_user:
                nursery.start_soon(one_user, uid, some)
        if done:
            await self._writer.write(NoteMirrored(tuple(done)))
        if failed:
            raise failed[0]

    def _must_read(self, uid: str, some: Sequence[Due]) -> bool:
        """A profile is written into a document only as it was read now; else a recent reading is enough."""
        known = self._listed.get(uid)
        if known is None or known[0] < self._clock():
            return any(one.row["owns"] for one in some)
        return any(one.profile and one.row["vehicle"] in known[1] for one in some)

    def _remember(self, uid: str, document: UserDocument | None) -> None:
        listed = {} if document is None else read_user(document).vehicles
        while len(self._listed) >= LISTED_MAX:
            del self._listed[next(iter(self._listed))]
        keys = {self._resolve(one.vehicle): one.key for one in listed.values()}
        self._listed.pop(uid, None)
        self._listed[uid] = self._clock() + LISTED_MS, keys

    async def _write_user(self, user: UserDocument, some: Sequence[Due]) -> list[Mirrored]:
        """What was written; also what Firestore can never keep. Raises FirebaseError."""
        keys = self._listed[user.uid][1] if user.uid in self._listed else {}
        profiles: dict[str, dict[str, Any]] = {}
        statuses: dict[str, Mapping[str, Any]] = {}
        gone: list[str] = []
        done: list[Mirrored] = []
        for one in some:
            row = one.row
            vehicle, key = row["vehicle"], keys.get(row["vehicle"])
            if key is None or not row["owns"]:
                if row["status"] is not None:
                    gone.append(vehicle)
                    done.append(Mirrored(user.uid, vehicle, None))
                continue
            if one.profile:
                profiles[key] = {member: written_as(member, said) for member, said in one.profile.items()}
                done.append(Mirrored(user.uid, vehicle, profile=one.profile))
            if one.status is not None:
                is_coarse = self._rules.places.is_coarse(vehicle, viewer=False)
                status = one.status.coarse() if is_coarse else one.status
                statuses[vehicle] = status.for_app(key, whole_numbers=self._rules.whole_numbers)
                done.append(Mirrored(user.uid, vehicle, one.status.status_id))
        if not done:
            return []
        try:
            await self._documents.write(UserWrites(user, profiles, statuses, gone))
        except FirebaseConflict:
            for one in some:
                self._note(one.row["vehicle"])
            return []
        except FirebaseInvalid as error:
            if len(some) > 1:
                return [one for due in some for one in await self._write_user(user, [due])]
            vehicle = some[0].row["vehicle"]
            log.warning("Firestore cannot keep this status: it is left out", vehicle=vehicle, reason=str(error))
        return done


async def _last_of(queries: VehicleQueries, vehicles: frozenset[str]) -> dict[str, Status | None]:
    found: dict[str, Status | None] = {}
    after: tuple[Any, ...] | None = None
    while vehicles:
        page = await queries.fleet(FleetSearch(vehicles=vehicles), after, limit=ROWS_MAX)
        found |= {one.vehicle: one.last for one in page.rows}
        after = page.following
        if after is None:
            break
    return found


def _due(row: FirestoreRow, last: Status | None) -> Due | None:
    if not row["owns"]:
        return Due(row, None, {})
    known: dict[str, Said] = orjson.loads(row["known"]) if row["known"] else {}
    said: dict[str, Said] = {member: row[member] for member in MEMBERS}  # type: ignore[literal-required]
    profile = {member: value for member, value in said.items() if known.get(member) != value}
    status = last if last is not None and last.status_id != row["status"] else None
    return Due(row, status, profile) if profile or status is not None else None
