"""Events that an app shows by itself, from the statuses that it gets: evd must not push them to that app.

The original's app shows a notification if current_charge equals target_charge (EV-IoT-Kit, the Android app's push
service). It shows none if the charge went beyond the target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from evd.events.samples import Event
from evd.model.event_settings import TARGET_REACHED

Shows = Callable[[Mapping[str, Any], bool], bool]


def _equal(details: Mapping[str, Any], whole_numbers: bool) -> bool:
    """Whether the two numbers are equal as the app gets them."""
    charge, target = details["charge"], details["target"]
    return int(charge) == int(target) if whole_numbers else bool(charge == target)


#: Kind → whether the app shows the event when it gets the status; by the event's details.
SHOWS: Mapping[str, Shows] = {TARGET_REACHED: _equal}


Client = TypeVar("Client", bound=str)


def clients(event: Event, possible: Mapping[Client, Sequence[str]], *, whole_numbers: bool) -> tuple[Client, ...]:
    """The clients whose apps show the event by themselves; `possible`: client (`original`, `v1`) → possible kinds."""
    shows = SHOWS.get(event.kind)
    if shows is None or not shows(event.details, whole_numbers):
        return ()
    return tuple(client for client, kinds in possible.items() if event.kind in kinds)
