"""What a commit brought, sorted by who is to hear of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from evd.store import NEWEST, Arrive, Operation, RemoveOwner
from evd.store.network import Several
from evd.store.outward import RecordEvents, Register, SetPreferences, Unregister


class Commit(NamedTuple):
    """`newest`: statuses that became their vehicles' last ones, in their order."""

    newest: list[Arrive]
    registered: list[str]
    """Vehicles that somebody registered for."""
    registrations_changed: bool
    events_recorded: bool


_LESS = {Unregister, RemoveOwner, SetPreferences}


def read(operations: Sequence[Operation], results: Sequence[Any]) -> Commit:
    newest: list[Arrive] = []
    others: list[Operation] = []
    _sort(operations, results, newest, others)
    if not others:
        return Commit(newest, [], False, False)
    registered = [one.vehicle for one in others if isinstance(one, Register)]
    changed = bool(registered) or any(type(one) in _LESS for one in others)
    return Commit(newest, registered, changed, any(type(one) is RecordEvents for one in others))


def _sort(operations: Any, results: Sequence[Any], newest: list[Arrive], others: list[Operation]) -> None:
    for operation, result in zip(operations, results, strict=True):
        if result is NEWEST:
            newest.append(operation)
        elif type(operation) is Several:
            if type(result) is list:
                _sort(operation.operations, result, newest, others)
        elif type(operation) is not Arrive:
            others.append(operation)
