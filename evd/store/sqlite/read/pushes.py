"""What the operator asks of pushes, in SQL: what was pushed, what waits, and the way of one status.

Rows are dicts with whole tokens, which must leave the process only as `evd.push.trace.short` shows them; times are
epoch ms.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import trio

from evd.errors import NotFound
from evd.store.sqlite.read import by_id as finding
from evd.store.sqlite.read.by_id import FoundStatus
from evd.store.sqlite.read.statuses import NUMBER_MAX, Queries
from evd.store.sqlite.tables.base import PERSONAL_KINDS, STALE_KINDS

Turn = tuple[int, int]
"""When what waits is tried next, and which of those that are tried then: rows have it as `at` and `place`."""

FIRST: Turn = (-NUMBER_MAX, 0)

PHONES_MAX = 1000
"""Of one vehicle, in a trace: more than `app.registrations_per_vehicle` is by default, and a bound whatever it is."""

TRACED_PUSHES_MAX = 1000
"""Of one status."""

SEARCH_TIMEOUT_S = 20.0
"""For a status whose vehicle no push knows; the command waits 30 s for all."""

WRITTEN = re.compile("[0-9a-f]{16}")
"""How the id of a status is written (evd.model.status.identity)."""

_searching = trio.CapacityLimiter(1)
"""One search at a time: it reads all that evd keeps."""

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

# A page of registrations, and of these the phones that were not given their vehicle's last status though a provider
# took a push for them lately and refused none since.
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

# The first push of all has number 1: a log that begins with another one has lost what was before.
_LOG_FROM = """
SELECT CASE WHEN oldest > 1 THEN finished ELSE 0 END AS since
FROM (SELECT min(number) AS oldest, finished FROM pushed)"""

# A status that ranks above it: of these, the one that came first.
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

# The written shape of a ring is at most seven statuses old, which is near enough here.
_HEARD = """
SELECT 1 FROM vehicles AS v JOIN statuses AS s ON s.place = v.number * 1048576 + v.newest
WHERE v.newest >= 0 AND s.timely = 1 AND s.time > ? LIMIT 1"""


async def finished(
    queries: Queries,
    *,
    vehicle: str | None = None,
    status_id: str | None = None,
    before: int = NUMBER_MAX,
    limit: int,
) -> list[dict[str, Any]]:
    """Pushes that were taken or given up, the newest first."""
    asked = {"number < ?": before, "vehicle = ?": vehicle, "status_id = ?": status_id}
    return await _narrowed(queries, _PUSHED, (), asked, "number DESC", limit)


async def states_waiting(
    queries: Queries,
    *,
    unseen_since: int,
    received_after: int,
    vehicle: str | None = None,
    after: Turn = FIRST,
    limit: int,
) -> list[dict[str, Any]]:
    """Last statuses that phones were not given yet, those first that are tried next.

    Of targets that are not stale (renewed since `unseen_since`, of a kind that never is, or the original app's), and
    statuses received after `received_after`: no others are pushed.
    """
    # Both are named: the view `last` then looks at one vehicle only.
    asked = {"r.vehicle = ?": vehicle, "l.vehicle = ?": vehicle}
    sql_values = (unseen_since, received_after, *after)
    return await _narrowed(queries, _STATES_WAITING + _BEHIND, sql_values, asked, "at, place", limit)


async def count_states_waiting(queries: Queries, *, unseen_since: int, received_after: int) -> int:
    """How many those are: a look at each registration, 0.3 s for 100,000."""
    (row,) = await queries.rows(_COUNT_STATES_WAITING, (unseen_since, received_after))
    waiting: int = row["waiting"]
    return waiting


async def events_waiting(
    queries: Queries,
    *,
    vehicle: str | None = None,
    status_id: str | None = None,
    after: Turn = FIRST,
    limit: int,
) -> list[dict[str, Any]]:
    """Events that phones are still to hear of, those first that are tried next."""
    asked = {"e.vehicle = ?": vehicle, "e.status_id = ?": status_id}
    return await _narrowed(queries, _EVENTS_WAITING, after, asked, "o.due, o.number", limit)


async def _narrowed(
    queries: Queries, sql: str, values: tuple[Any, ...], asked: dict[str, Any], order: str, limit: int
) -> list[dict[str, Any]]:
    given = {condition: value for condition, value in asked.items() if value is not None}
    return await queries.rows(
        " AND ".join([sql, *given]) + " ORDER BY " + order + " LIMIT ?", (*values, *given.values(), limit)
    )


async def registrations_of(queries: Queries, vehicle: str) -> list[dict[str, Any]]:
    """The vehicle's registrations, and how far the deliveries to each are."""
    return await queries.rows(_PHONES, (vehicle, PHONES_MAX))


async def pushing(queries: Queries, unseen_since: int) -> dict[str, Any]:
    """Since when the operator paused pushes (0: he did not), registrations, and stale ones."""
    (row,) = await queries.rows(_PUSHING, (unseen_since,))
    return row


class PushedLately(NamedTuple):
    """Of which phones that stopped it is asked; times are epoch ms."""

    since: int
    """A provider took a push later."""
    unseen_since: int
    """Those that were not renewed since are stale, unless they are the original app's."""
    received_after: int
    """Others were missed that were not given a status of this time or later,"""
    received_before: int
    """which is worth no push any more."""


async def stopped_after(queries: Queries, number: int, limit: int, lately: PushedLately) -> dict[str, Any]:
    """Of the next `limit` registrations after this number: `registered`, `last`; `stale` and `missed` stopped."""
    (row,) = await queries.rows(_STOPPED, (number, limit, *lately))
    return row


async def log_from(queries: Queries) -> int:
    """From when on all finished pushes are known; 0: from the first one on."""
    (row,) = await queries.rows(_LOG_FROM, ())
    since: int = row["since"]
    return since


async def status(queries: Queries, vehicle: str, status_id: str) -> dict[str, Any] | None:
    """A status of the vehicle's ring; `newer` is the one that came first of those that rank above it, or None."""
    rows = await queries.rows(_STATUS, (vehicle, status_id))
    return rows[0] if rows else None


async def vehicle_of(queries: Queries, status_id: str) -> str | None:
    """Whose status it is; of one that nobody was told of all rings are looked through, beside the other questions.

    Raises NotFound where they could not all be looked through in time.
    """
    if spoken_of := await queries.rows(_SPOKEN_OF, (status_id,)):
        return str(spoken_of[0]["vehicle"])
    if WRITTEN.fullmatch(status_id) is None:
        return None
    found = FoundStatus(None, complete=False)
    with trio.move_on_after(SEARCH_TIMEOUT_S):
        found = await trio.to_thread.run_sync(
            finding.vehicle_of, queries.path, status_id, SEARCH_TIMEOUT_S, abandon_on_cancel=True, limiter=_searching
        )
    if not found.complete:
        raise NotFound(
            f"status {status_id} was not found among those that could be looked through in {SEARCH_TIMEOUT_S:.0f} s: "
            "name its vehicle with --vehicle"
        )
    return found.vehicle


async def heard_after(queries: Queries, time: int) -> bool:
    """Whether a vehicle's last status says a time after this one: vehicles and networks have clocks of their own."""
    return bool(await queries.rows(_HEARD, (time,)))
