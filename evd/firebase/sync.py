"""The sync: what the app registers in Firestore holds here, too. It reads all users' documents, again and again.

Only what changed in a document since it was read or written last changes something here (`SyncUser`), so an owner whom
an administrator removed stays removed, and one whom the sync did not make stays one. A document that is gone counts as
empty, but only after all users were read, and if there were any: a wrong project must take nobody's vehicle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import trio

from evd.clock import Clock
from evd.errors import FirebaseError, Unavailable
from evd.firebase.documents import PAGE_MAX, ListedVehicle, UserDocument, read_user
from evd.log.logger import log
from evd.model.operations import Several, Synced, SyncUser
from evd.store.queries import FirestoreQueries
from evd.store.writer import Writer

WRITTEN_AT_ONCE = 200
"""Users and vehicles of documents that changed, in one transaction: some 10 ms, for which callbacks wait."""


class Users(Protocol):
    """Firestore, from the loop."""

    async def page(self, after: str, limit: int) -> list[UserDocument]:
        """Raises FirebaseError."""


class FirestoreSync:
    """`resolve` gives the vehicle that a merged id stands for; `turn` keeps the mirror away meanwhile."""

    def __init__(
        self,
        users: Users,
        writer: Writer,
        resolve: Callable[[str], str],
        turn: trio.Lock,
        *,
        every_s: float,
        owned: bool,
        users_max: int,
        clock: Clock,
    ) -> None:
        self._users = users
        self._writer = writer
        self._resolve = resolve
        self._turn = turn
        self._every_s = every_s
        self._owned = owned
        self._users_max = users_max
        self._clock = clock
        self._applied: dict[str, int] = {}
        """User → hash of what the document said, where nothing is left to do; `users_max` at most."""

    async def run(self, queries: FirestoreQueries) -> None:
        """Sync for ever. Cancelling is safe."""
        while True:
            try:
                await self.look(queries)
            except FirebaseError as error:
                log.warning("Firestore was not read", reason=str(error))
            except Unavailable as error:
                log.warning("what Firestore says was not written", reason=str(error))
            await trio.sleep(self._every_s)

    async def look(self, queries: FirestoreQueries) -> None:
        """Sync once. Raises FirebaseError, Unavailable."""
        totals = _Totals()
        seen: set[str] = set()
        after = ""
        while True:
            async with self._turn:
                documents = await self._users.page(after, PAGE_MAX)
                await self._apply(documents, totals)
            seen |= {document.uid for document in documents}
            if len(documents) < PAGE_MAX:
                break
            if len(seen) >= self._users_max:
                log.warning("Firestore has more users than firebase.users_max: the others are not read", read=len(seen))
                return
            after = documents[-1].uid
        if seen:
            async with self._turn:
                await self._forget(queries, seen, totals)
        totals.say(len(seen))

    async def _apply(self, documents: list[UserDocument], totals: _Totals) -> None:
        changed: list[tuple[int, SyncUser]] = []
        for document in documents:
            await trio.lowlevel.checkpoint()  # one that is as large as can be takes 30 ms
            read = read_user(document)
            totals.unread += len(read.unread)
            if not read.vehicles and not read.whole:
                continue
            said = hash(tuple([_hashable(one) for one in read.vehicles.values()]))
            if self._applied.get(document.uid) != said:
                vehicles = {self._resolve(one.vehicle): one.profile for one in read.vehicles.values()}
                changed.append((said, SyncUser(document.uid, vehicles, self._clock(), self._owned, read.whole)))
        await self._write(changed, totals)

    async def _write(self, changed: list[tuple[int, SyncUser]], totals: _Totals) -> None:
        for some in _groups(changed):
            results = await self._writer.write(Several(tuple([user for _, user in some])))
            for (said, user), result in zip(some, results, strict=True):
                totals.add(user, result)
                if isinstance(result, Synced) and not result.refused and len(self._applied) < self._users_max:
                    self._applied[user.uid] = said
                else:
                    self._applied.pop(user.uid, None)

    async def _forget(self, queries: FirestoreQueries, seen: set[str], totals: _Totals) -> None:
        """Users whose documents are gone."""
        after = ""
        while users := await queries.firestore_users(after, limit=PAGE_MAX):
            gone = [(0, SyncUser(uid, {}, self._clock())) for uid in users if uid not in seen]
            await self._write(gone, totals)
            after = users[-1]
        for uid in self._applied.keys() - seen:
            del self._applied[uid]


def _groups(changed: list[tuple[int, SyncUser]]) -> Iterator[list[tuple[int, SyncUser]]]:
    group: list[tuple[int, SyncUser]] = []
    rows = 0
    for one in changed:
        if group and rows + one[1].rows > WRITTEN_AT_ONCE:
            yield group
            group, rows = [], 0
        group.append(one)
        rows += one[1].rows
    if group:
        yield group


def _hashable(one: ListedVehicle) -> Any:
    return one.vehicle, tuple(one.profile.items())


class _Totals:
    """What came of one sync."""

    def __init__(self) -> None:
        self.unread = 0
        self._counts: dict[str, int] = {}
        self._refused: tuple[str, str, str] | None = None
        self._refusals = 0

    def add(self, user: SyncUser, result: Any) -> None:
        if not isinstance(result, Synced):
            log.warning("what Firestore says of a user was not written", uid=user.uid, reason=str(result))
            return
        for name, count in result.counts.items():
            self._counts[name] = self._counts.get(name, 0) + count
        for vehicle, why in result.refused.items():
            self._refusals += 1
            self._refused = self._refused or (user.uid, vehicle, why)

    def say(self, users: int) -> None:
        if self._counts:
            log.info("Firestore's changes are taken over", users=users, **self._counts)
        else:
            log.debug("Firestore was read", users=users, unread=self.unread)
        if self._refused:
            uid, vehicle, why = self._refused
            log.warning(
                "users do not get vehicles of their documents",
                count=self._refusals,
                uid=uid,
                vehicle=vehicle,
                reason=why,
            )
