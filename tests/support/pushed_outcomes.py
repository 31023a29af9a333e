"""Phones, a status, and what became of pushes to them."""

from __future__ import annotations

from typing import Any

from builders import NOW, arrival
from registered_phones import phone

from evd.model.operations import Arrive, Outcome, Outcomes
from evd.model.units import HOUR_MS

GOOD, OTHER, UNSEEN = "goodphone:one", "otherphone:two", "unseenphone:three"


A, B = arrival(), arrival(time=NOW + 60_000, seq=1, now=NOW + 61_000)


def outcome(status: Arrive, verdict: Any, words: str, *, at: int = NOW + 900, **others: Any) -> Outcomes:
    given: dict[str, Any] = {"registration": 1, "outbox": 0, "vehicle": status.vehicle, "token": GOOD, "kind": "token"}
    given |= {"what": "state", "status_id": status.status_id, "committed": NOW + 7, "sent": at - 30, "at": at}
    return Outcomes((Outcome(verdict=verdict, said=words, **given | others),))


REGISTER = phone("386625", GOOD, NOW - HOUR_MS)
