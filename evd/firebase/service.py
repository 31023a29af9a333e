"""Firestore beside the daemon's other work: its client in threads, the sync and the mirror as one long task."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import trio

from evd.clock import Clock
from evd.config.settings import Config
from evd.firebase.access import FirebaseAccess
from evd.firebase.documents import UserDocument, UserWrites
from evd.firebase.firestore import Firestore
from evd.firebase.mirror import FirestoreMirror, MirrorRules
from evd.firebase.sync import FirestoreSync
from evd.log.logger import log
from evd.model.commits import CommitSummary
from evd.model.place_privacy import PlacePrivacy
from evd.store.queries import Queries
from evd.store.writer import Writer


class ThreadedFirestore:
    """`Firestore` for the loop. A cancelled call is abandoned: its thread ends with its timeout."""

    def __init__(self, access: FirebaseAccess, *, threads_max: int) -> None:
        self._firestore = Firestore(access)
        self._threads = trio.CapacityLimiter(threads_max)

    async def page(self, after: str, limit: int) -> list[UserDocument]:
        found: list[UserDocument] = await self._call(partial(self._firestore.page, after, limit))
        return found

    async def read(self, uids: Collection[str]) -> dict[str, UserDocument]:
        found: dict[str, UserDocument] = await self._call(partial(self._firestore.read, uids))
        return found

    async def write(self, writes: UserWrites) -> None:
        await self._call(partial(self._firestore.write, writes))

    def close(self) -> None:
        self._firestore.close()

    async def _call(self, work: Callable[[], Any]) -> Any:
        return await trio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._threads)


class FirebaseService:
    """Observes commits; one long task, `run`."""

    def __init__(
        self,
        access: FirebaseAccess,
        config: Config,
        writer: Writer,
        resolve: Callable[[str], str],
        places: PlacePrivacy,
        *,
        clock: Clock,
    ) -> None:
        settings, turn = config.firebase, trio.Lock()
        self.sync: FirestoreSync | None = None
        self.mirror: FirestoreMirror | None = None
        self._project = access.project
        self._firestore = firestore = ThreadedFirestore(access, threads_max=settings.threads_max)
        if settings.sync_seconds:
            self.sync = FirestoreSync(
                *(firestore, writer, resolve, turn),
                every_s=settings.sync_seconds,
                owned=settings.sync_owned,
                users_max=settings.users_max,
                clock=clock,
            )
        if settings.mirror:
            at_once, whole = settings.threads_max, config.app.whole_numbers
            rules = MirrorRules(settings.mirror_seconds, settings.mirror_waiting_max, at_once, whole, places)
            self.mirror = FirestoreMirror(firestore, writer, resolve, turn, rules, clock=clock)

    def committed(self, summary: CommitSummary) -> None:
        if self.mirror:
            self.mirror.committed(summary)

    async def run(self, queries: Queries) -> None:
        log.info("Firestore", project=self._project, sync=self.sync is not None, mirror=self.mirror is not None)
        try:
            async with trio.open_nursery() as nursery:
                if self.sync:
                    nursery.start_soon(self.sync.run, queries)
                if self.mirror:
                    nursery.start_soon(self.mirror.run, queries)
        finally:
            self._firestore.close()
