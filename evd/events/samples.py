"""What the rules of events look at, and what they find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Sample(NamedTuple):
    """A status, as far as the rules need it. `time` is epoch ms."""

    time: int
    fields: Mapping[str, Any]
    received: int = 0
    """When evd had it, epoch ms; 0: as it was measured."""
    status_id: str = ""

    @property
    def heard(self) -> int:
        return self.received or self.time


class Event(NamedTuple):
    """Something happened. `details` are the numbers and names that its sentence needs."""

    kind: str
    time: int
    details: dict[str, Any]
    key: str = ""
    """Of several things that a rule watches, the one."""
    samples: Sequence[dict[str, Any] | None] = ()
    """The two that were compared, the earlier one first; None: it is not known."""


class Reading(NamedTuple):
    """A sample as the rules see it: numbers within their bounds, None where it says nothing of the kind."""

    time: int
    received: int
    state: int | None
    charge: float | None
    target: float | None
    fields: Mapping[str, Any]
    charge_before: float | None = None
    """Of the sample before, as the next one."""
    target_before: float | None = None
