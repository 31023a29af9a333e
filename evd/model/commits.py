"""What a commit brought, sorted by who is to hear of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from evd.model.operations import (
    NEWEST,
    Arrive,
    Operation,
    RecordEvents,
    Register,
    RemoveOwner,
    Renew,
    SetPreferences,
    Several,
    Unregister,
)


class Commit(NamedTuple):
    """`newest`: statuses that became their vehicles' last ones, in their order."""

    newest: list[Arrive]
    registered: list[str]
    """Vehicles that somebody registered for."""
    registrations_changed: bool
    events_recorded: bool
    renewed: Sequence[str] = ()
    """Vehicles whose phones count as seen again."""
    displaced: int = 0
    """Phones that made room for those who registered, though a provider took a push for them lately."""


_LESS = {Unregister, RemoveOwner, SetPreferences}


def read(operations: Sequence[Operation], results: Sequence[Any]) -> Commit:
    newest: list[Arrive] = []
    others: list[tuple[Operation, Any]] = []
    _sort(operations, results, newest, others)
    if not others:
        return Commit(newest, [], False, False)
    registered = [one.vehicle for one, _ in others if isinstance(one, Register)]
    changed = bool(registered) or any(type(one) in _LESS for one, _ in others)
    recorded = any(type(one) is RecordEvents for one, _ in others)
    renewed = [vehicle for one, result in others if type(one) is Renew and type(result) is list for vehicle in result]
    displaced = sum(result for one, result in others if type(one) is Register and type(result) is int)
    return Commit(newest, registered, changed, recorded, renewed, displaced)


def _sort(operations: Any, results: Sequence[Any], newest: list[Arrive], others: list[tuple[Operation, Any]]) -> None:
    for operation, result in zip(operations, results, strict=True):
        if result is NEWEST:
            newest.append(operation)
        elif type(operation) is Several:
            if type(result) is list:
                _sort(operation.operations, result, newest, others)
        elif type(operation) is not Arrive:
            others.append((operation, result))
