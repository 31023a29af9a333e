"""Events that an app tells its user itself, from the statuses that it is pushed: evd must not tell them once more.

The original's app shows a notification where current_charge equals target_charge (reference original-system.md, The
push). A charge that went beyond its target it does not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from evd.events.samples import Event
from evd.model.event_settings import TARGET_REACHED

Shows = Callable[[Mapping[str, Any], bool], bool]


def _equal(details: Mapping[str, Any], whole_numbers: bool) -> bool:
    """As the app is given the two numbers."""
    charge, target = details["charge"], details["target"]
    return int(charge) == int(target) if whole_numbers else bool(charge == target)


#: Kind → whether the status that showed it, by the event's details, has the app tell it.
SHOWS: Mapping[str, Shows] = {TARGET_REACHED: _equal}


Client = TypeVar("Client", bound=str)


def clients(event: Event, self_told: Mapping[Client, Sequence[str]], *, whole_numbers: bool) -> tuple[Client, ...]:
    """Whose apps tell the event themselves; `self_told` is by client (`original`, `v1`) the kinds that it may tell."""
    shows = SHOWS.get(event.kind)
    if shows is None or not shows(event.details, whole_numbers):
        return ()
    return tuple(client for client, kinds in self_told.items() if event.kind in kinds)
