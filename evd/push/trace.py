"""Trace one status to the phones: which got it and when, which wait for it, and which never will and why.

Pure: takes records of evd.store, returns the document that a person reads. Times are epoch ms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from evd.model.units import DAY_MS

TOKEN_SHOWN = 8
"""Characters of a token that are shown: enough to distinguish phones, too few to send to one."""


Row = Mapping[str, Any]


class TraceRules(NamedTuple):
    """The settings and facts that decide whether a state is pushed at all."""

    now: int
    stale_ms: int
    """A phone that has not renewed its registration for this long is sent nothing, unless it is the original's app."""
    give_up_ms: int
    """How long a state is worth pushing after it was received."""
    paused_since: int
    """0 if pushes are not paused."""
    log_from: int
    """The time since which all finished pushes are known."""
    enabled: bool = True
    """Whether this evd sends pushes."""


class TracedDelivery(NamedTuple):
    """A status and a phone of its vehicle for which no finished push is known."""

    status: Row
    phone: Row
    rules: TraceRules

    @property
    def newest(self) -> bool:
        return bool(self.status["timely"]) and self.status["newer"] is None

    @property
    def came_late(self) -> bool:
        return not self.newest and bool(self.status["timely"]) and self.status["newer_received"] < self.received

    @property
    def received(self) -> int:
        received: int = self.status["received"]
        return received

    @property
    def was_given(self) -> bool:
        return bool(self.phone["given"] == self.status["id"])

    @property
    def was_stale(self) -> bool:
        when = self.rules.now if self.newest else self.received
        return bool(self.phone["goes_stale"] and self.phone["renewed"] < when - self.rules.stale_ms)

    @property
    def unseen_days(self) -> int:
        return int((self.rules.now - self.phone["renewed"]) // DAY_MS)


class Fate(NamedTuple):
    """The outcome of a state for one phone, if the push log does not have it."""

    state: str
    """`waiting`, `replaced`, `given up`, `never` (not pushed at all, or not to this phone), `taken`, `unknown`."""
    holds: Callable[[TracedDelivery], bool]
    said: Callable[[TracedDelivery], str]


#: The first row that applies counts. A new reason is a new row.
FATES: tuple[Fate, ...] = (
    Fate("never", lambda c: not c.status["timely"], lambda c: "its time lay more than 24 h ahead of the server's"),
    Fate("never", lambda c: c.came_late, lambda c: f"a newer status, {c.status['newer']}, was there before it"),
    Fate("never", lambda c: c.phone["created"] > c.received, lambda c: "the phone was registered after it came"),
    Fate("given up", lambda c: c.was_given and c.phone["outcome"] != "", lambda c: str(c.phone["outcome"])),
    Fate("taken", lambda c: c.was_given and c.phone["given_at"] is not None, lambda c: "the log holds it no more"),
    Fate("never", lambda c: c.was_given, lambda c: "it was the last one already when the phone was registered"),
    Fate("never", lambda c: c.was_stale, lambda c: f"stale: its registration was not renewed for {c.unseen_days} days"),
    Fate("unknown", lambda c: c.received < c.rules.log_from, lambda c: "older than the log of pushes"),
    Fate(
        "replaced",
        lambda c: not c.newest,
        lambda c: f"replaced by a newer status, {c.status['newer']}, before it was sent",
    ),
    Fate(
        "given up",
        lambda c: c.rules.now - c.received >= c.rules.give_up_ms,
        lambda c: str(c.phone["outcome"]) or "not sent within push.give_up_after_s",
    ),
    Fate("waiting", lambda c: not c.rules.enabled, lambda c: "this evd pushes nothing: push.credentials is not set"),
    Fate("waiting", lambda c: c.rules.paused_since > 0, lambda c: "pushes are paused (see `evd push resume`)"),
    Fate("waiting", lambda c: True, lambda c: str(c.phone["outcome"])),
)


def short(token: str) -> str:
    """A token, shortened for people."""
    return token[:TOKEN_SHOWN] + "…"


def trace(
    *,
    vehicle: str,
    status_id: str,
    status: Row | None,
    phones: Sequence[Row],
    pushed: Sequence[Row],
    events: Sequence[Row],
    rules: TraceRules,
) -> dict[str, Any]:
    """The complete trace as a JSON document. `status` is None if only the push log still has the status.

    `pushed` and `events` are the finished and the waiting pushes of the status, `phones` the registrations.
    """
    received = status["received"] if status else None
    living = {phone["token"] for phone in phones}
    pushes = [_finished(row, received, row["token"] in living) for row in reversed(pushed)]
    given = {row["token"] for row in pushed if row["what"] == "state"}
    if status:
        pushes += [_unfinished(TracedDelivery(status, phone, rules)) for phone in phones if phone["token"] not in given]
    pushes += [_waiting_event(row) for row in events]
    return {
        "status_id": status_id,
        "vehicle": vehicle,
        "measured": status["time"] if status else None,
        "received": received,
        "committed": min((row["committed"] for row in pushed if row["committed"] is not None), default=None),
        "newer": status["newer"] if status else None,
        "registered": len(phones),
        "taken": len({row["token"] for row in pushed if row["taken"]}),
        "paused_since": rules.paused_since,
        "pushes": pushes,
    }


def finished(row: Row) -> dict[str, Any]:
    """A finished push, for a list."""
    return {
        **_head(row),
        "state": "taken" if row["taken"] else "given up",
        "sent": row["sent"],
        "answered": row["finished"],
        "said": row["outcome"],
    }


def waiting(row: Row) -> dict[str, Any]:
    """A waiting push, for a list; `due` is None if nothing delays it."""
    return {
        **_head(row),
        "state": "waiting",
        "since": row["since"],
        "attempts": row["attempts"],
        "due": row["due"],
        "said": row["outcome"],
    }


def _head(row: Row) -> dict[str, Any]:
    return {
        "vehicle": row["vehicle"],
        "status_id": row["status_id"],
        "what": row["what"],
        "kind": row["kind"],
        "phone": short(row["token"]),
    }


def _finished(row: Row, received: int | None, registered: bool) -> dict[str, Any]:
    after = row["finished"] - received if received is not None and row["what"] == "state" else None
    return {**finished(row), "after_ms": after, "registered": registered}


def _waiting_event(row: Row) -> dict[str, Any]:
    return {**waiting(row), "registered": True}


def _unfinished(case: TracedDelivery) -> dict[str, Any]:
    fate = next(fate for fate in FATES if fate.holds(case))
    phone = case.phone
    head = {"vehicle": case.status["vehicle"], "status_id": case.status["id"], "what": "state", "kind": phone["kind"]}
    tries = {"attempts": phone["attempts"], "due": phone["due"]} if fate.state == "waiting" else {}
    sent = {"answered": phone["given_at"]} if fate.state == "taken" else {}
    return {
        **head,
        "phone": short(phone["token"]),
        "state": fate.state,
        **sent,
        **tries,
        "said": fate.said(case),
        "registered": True,
    }
