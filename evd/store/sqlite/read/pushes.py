"""Queries for finished and waiting pushes, and for the trace of one status."""

from __future__ import annotations

import re

import trio

from evd.errors import NotFound
from evd.store.records import (
    FIRST_POSITION,
    NUMBER_MAX,
    FinishedPush,
    PushedLately,
    PushFacts,
    QueuePosition,
    StoppedPhones,
    TracedPhone,
    TracedStatus,
    WaitingPush,
)
from evd.store.rules import PHONES_TRACED_MAX
from evd.store.sqlite.read import by_id
from evd.store.sqlite.read.base import Questions, narrowed
from evd.store.sqlite.read.by_id import FoundStatus
from evd.store.sqlite.tables.base import PERSONAL_KINDS, STALE_KINDS

SEARCH_TIMEOUT_S = 20.0
"""For a status whose vehicle no push names; the command waits 30 s in all."""

WRITTEN = re.compile("[0-9a-f]{16}")
"""The form of a status's id (evd.model.status.identity)."""

_searching = trio.CapacityLimiter(1)
"""One search at a time: it reads all statuses."""

_PUSHED = """
SELECT number, vehicle, status_id, what, kind, token, committed, sent, finished, taken, outcome
FROM pushed WHERE true"""

_PHONES = f"""
SELECT r.token, r.kind, r.kind IN {STALE_KINDS} AND r.client <> 'original' AS goes_stale,
       r.created, r.renewed, d.given, d.given_at, d.due, d.attempts, d.outcome
FROM registrations AS r JOIN deliveries AS d ON d.registration = r.number
WHERE r.vehicle = ? ORDER BY r.number LIMIT ?"""  # noqa: S608

_STATES_WAITING = f"""
SELECT r.vehicle, l.id AS status_id, 'state' AS what, r.kind, r.token, d.attempts, d.due, d.outcome,
       l.received AS since, ifnull(d.due, l.received) AS at, d.registration AS place
FROM deliveries AS d
JOIN registrations AS r ON r.number = d.registration
JOIN last AS l ON l.vehicle = r.vehicle
WHERE d.given <> l.id AND (r.renewed >= ? OR r.kind NOT IN {STALE_KINDS} OR r.client = 'original')
  AND l.received > ?"""  # noqa: S608 (constants)

_BEHIND = " AND (ifnull(d.due, l.received), d.registration) > (?, ?)"

_COUNT_STATES_WAITING = f"SELECT count(*) AS waiting FROM ({_STATES_WAITING})"  # noqa: S608 (constants)

_EVENTS_WAITING = """
SELECT r.vehicle, e.status_id, e.kind AS what, r.kind, r.token, o.attempts, o.due, o.outcome, o.created AS since,
       o.due AS at, o.number AS place
FROM outbox AS o
JOIN events AS e ON e.number = o.event
JOIN registrations AS r ON r.number = o.registration
WHERE (o.due, o.number) > (?, ?)"""

# A page of registrations; of these, the phones that were not given their vehicle's last status although a provider took
# a push for them lately and refused none since.
_STOPPED = f"""
WITH page AS MATERIALIZED (
    SELECT r.number, r.vehicle, r.kind, r.client = 'v1' AND r.renewed < ?4 AS stale, d.given, d.given_at, d.outcome
    FROM registrations AS r JOIN deliveries AS d ON d.registration = r.number
    WHERE r.number > ?1 ORDER BY r.number LIMIT ?2)
SELECT (SELECT count(*) FROM page) AS registered, (SELECT max(number) FROM page) AS last,
       count(CASE WHEN p.stale THEN 1 END) AS stale,
       count(CASE WHEN NOT p.stale AND l.received BETWEEN ?5 AND ?6 THEN 1 END) AS missed
FROM page AS p JOIN last AS l ON l.vehicle = p.vehicle
WHERE p.kind IN {PERSONAL_KINDS} AND p.given_at > ?3 AND p.outcome = '' AND p.given <> l.id"""  # noqa: S608

_PUSHING = f"""
SELECT coalesce((SELECT value FROM meta WHERE name = 'pushes_paused'), 0) AS paused_since,
       (SELECT count(*) FROM registrations) AS registrations,
       (SELECT count(*) FROM registrations
        WHERE renewed < ? AND kind IN {STALE_KINDS} AND client <> 'original') AS stale"""  # noqa: S608

# The very first push has number 1: a log that begins with another number has lost earlier ones.
_LOG_FROM = """
SELECT CASE WHEN oldest > 1 THEN finished ELSE 0 END AS since
FROM (SELECT min(number) AS oldest, finished FROM pushed)"""

# The statuses that rank above it; of these, the one that came first.
_STATUS = """
SELECT s.vehicle, s.id, s.time, s.received, s.timely, n.id AS newer, n.received AS newer_received
FROM ring AS s
LEFT JOIN ring AS n ON n.vehicle = ?1 AND n.timely = 1
    AND (n.timely, n.time, n.seq, n.position) > (s.timely, s.time, s.seq, s.position)
WHERE s.vehicle = ?1 AND s.id = ?2
ORDER BY n.received, n.time, n.seq, n.position LIMIT 1"""

_SPOKEN_OF = """
SELECT vehicle FROM pushed WHERE status_id = ?1
UNION ALL SELECT vehicle FROM events WHERE status_id = ?1
LIMIT 1"""

# The written shape of a ring lacks at most seven statuses, which is exact enough here.
_HEARD = """
SELECT 1 FROM vehicles AS v JOIN statuses AS s ON s.place = v.number * 1048576 + v.newest
WHERE v.newest >= 0 AND s.timely = 1 AND s.time > ? LIMIT 1"""


class SqlitePushQueries(Questions):
    """See `evd.store.queries.PushQueries`."""

    async def finished_pushes(
        self, *, vehicle: str | None = None, status_id: str | None = None, before: int = NUMBER_MAX, limit: int
    ) -> list[FinishedPush]:
        asked = {"number < ?": before, "vehicle = ?": vehicle, "status_id = ?": status_id}
        sql, given = narrowed(_PUSHED, asked, " ORDER BY number DESC LIMIT ?")
        return await self.rows(sql, (*given, limit))

    async def states_waiting(
        self,
        *,
        unseen_since: int,
        received_after: int,
        vehicle: str | None = None,
        after: QueuePosition = FIRST_POSITION,
        limit: int,
    ) -> list[WaitingPush]:
        # With both conditions the view `last` reads one vehicle only.
        asked = {"r.vehicle = ?": vehicle, "l.vehicle = ?": vehicle}
        sql, given = narrowed(_STATES_WAITING + _BEHIND, asked, " ORDER BY at, place LIMIT ?")
        return await self.rows(sql, (unseen_since, received_after, *after, *given, limit))

    async def count_states_waiting(self, *, unseen_since: int, received_after: int) -> int:
        """Reads each registration: 0.3 s for 100,000."""
        ((waiting,),) = await self.tuples(_COUNT_STATES_WAITING, (unseen_since, received_after))
        return int(waiting)

    async def events_waiting(
        self,
        *,
        vehicle: str | None = None,
        status_id: str | None = None,
        after: QueuePosition = FIRST_POSITION,
        limit: int,
    ) -> list[WaitingPush]:
        asked = {"e.vehicle = ?": vehicle, "e.status_id = ?": status_id}
        sql, given = narrowed(_EVENTS_WAITING, asked, " ORDER BY o.due, o.number LIMIT ?")
        return await self.rows(sql, (*after, *given, limit))

    async def traced_phones(self, vehicle: str) -> list[TracedPhone]:
        return await self.rows(_PHONES, (vehicle, PHONES_TRACED_MAX))

    async def push_facts(self, unseen_since: int) -> PushFacts:
        facts: PushFacts = (await self.rows(_PUSHING, (unseen_since,)))[0]
        return facts

    async def stopped_after(self, number: int, limit: int, lately: PushedLately) -> StoppedPhones:
        stopped: StoppedPhones = (await self.rows(_STOPPED, (number, limit, *lately)))[0]
        return stopped

    async def push_log_from(self) -> int:
        ((since,),) = await self.tuples(_LOG_FROM, ())
        return int(since)

    async def traced_status(self, vehicle: str, status_id: str) -> TracedStatus | None:
        rows = await self.rows(_STATUS, (vehicle, status_id))
        return rows[0] if rows else None

    async def vehicle_of(self, status_id: str) -> str | None:
        """If no push or event names the status, all rings are searched, beside the other queries."""
        if spoken_of := await self.tuples(_SPOKEN_OF, (status_id,)):
            return str(spoken_of[0][0])
        if WRITTEN.fullmatch(status_id) is None:
            return None
        found = FoundStatus(None, complete=False)
        with trio.move_on_after(SEARCH_TIMEOUT_S):
            found = await trio.to_thread.run_sync(
                by_id.vehicle_of, self._path, status_id, SEARCH_TIMEOUT_S, abandon_on_cancel=True, limiter=_searching
            )
        if not found.complete:
            raise NotFound(
                f"status {status_id} was not found among those that could be looked through in "
                f"{SEARCH_TIMEOUT_S:.0f} s: name its vehicle with --vehicle"
            )
        return found.vehicle

    async def heard_after(self, time: int) -> bool:
        return bool(await self.tuples(_HEARD, (time,)))
