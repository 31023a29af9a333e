"""The input of the event rules, and their output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Sample(NamedTuple):
    """The part of a status that the rules need. `time` is epoch ms."""

    time: int
    fields: Mapping[str, Any]
    received: int = 0
    """When evd received it, epoch ms; 0: at `time`."""
    status_id: str = ""

    @property
    def heard(self) -> int:
        return self.received or self.time


class Event(NamedTuple):
    """An event. `details` are the numbers and names that its sentence needs."""

    kind: str
    time: int
    details: dict[str, Any]
    key: str = ""
    """Which of the things that the rule watches."""
    samples: Sequence[dict[str, Any] | None] = ()
    """The two samples that were compared, the earlier one first; None: unknown."""


class Reading(NamedTuple):
    """A sample as the rules see it: numbers within their bounds, None for missing or invalid values."""

    time: int
    received: int
    state: int | None
    charge: float | None
    target: float | None
    fields: Mapping[str, Any]
    charge_before: float | None = None
    """The previous sample's charge; below its target."""
    target_before: float | None = None
