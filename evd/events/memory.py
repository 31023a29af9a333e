"""What evd remembers of a vehicle so that each event is told once, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from evd.events.samples import Event, Reading
from evd.model.event_settings import VehicleEventSettings
from evd.model.interning import Interner


class Unconfirmed(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event that no second reading has confirmed; times are epoch ms."""

    kind: str
    time: int
    details: dict[str, Any]
    key: str
    """Of several things that a rule watches, the one."""
    samples: list[dict[str, Any] | None]
    noticed: int
    """When evd had the reading."""
    wait_ms: int


class VehicleMemory(msgspec.Struct, omit_defaults=True):
    """What must be known of a vehicle so that nothing is told twice. None: nothing was said of it yet."""

    time: int = 0
    """Of the last sample, epoch ms; it is kept no newer than the rest."""
    target: float | None = None
    """The target that was reached last (%); 0: the charge has been well below its target since."""
    aim: float | None = None
    """The target that the charge was below last (%): a lower one came to the charge, not the charge to it."""
    charging: bool = False
    stopped: float | None = None
    """Where charging stopped early and it was told (%)."""
    low: float | None = None
    """Where the charge was low and it was told (%); 0: it is not low."""
    outside: dict[str, str] = {}
    """Temperature → `below` or `above` where it is out of range, or empty."""
    places: dict[str, bool] = {}
    """Place, with where it is and how large → whether it is there."""
    silent_since: int | None = None
    """When the last status before a silence was received, where the silence was told; epoch ms."""
    learned_ms: int = 0
    """The longest silence that was told and turned out to be usual."""
    pending: list[Unconfirmed] = []
    """What one reading showed, and no second one has confirmed yet."""


class EventRule(NamedTuple):
    """`judge` looks at a sample, changes the memory it is given, and returns what happened.

    What it looks at are the `fields`. `holds` says of something that happened whether it still does after a later
    sample; without it, it needs no confirmation. What was taken back is `forget`ten, where the rule itself does not.
    `opposites` are what a reading that jumps back would tell.
    """

    kinds: tuple[str, ...]
    judge: Callable[[VehicleEventSettings, VehicleMemory, Reading], Sequence[Event]]
    fields: tuple[str, ...] = ()
    holds: Callable[[VehicleMemory, Unconfirmed], bool] | None = None
    forget: Callable[[VehicleMemory], None] | None = None
    opposites: Mapping[str, str] = {}


def remembered(state: bytes | None) -> VehicleMemory:
    """A memory as it is stored; what cannot be read is a new one."""
    if state is None:
        return VehicleMemory()
    try:
        memory = _memory.decode(state)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return VehicleMemory()
    memory.outside = sides.one(memory.outside)
    return memory


def stored(memory: VehicleMemory) -> bytes:
    return msgspec.json.encode(memory)


def worth_keeping(before: VehicleMemory, after: VehicleMemory) -> bool:
    """Whether more changed than the time."""
    if before.time and after.time:
        return msgspec.structs.replace(after, time=before.time) != before
    return before != after


#: Far more than two temperatures can have; but what is stored may name others.
sides = Interner(256)


_memory = msgspec.json.Decoder(VehicleMemory)
