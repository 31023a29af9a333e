"""What evd remembers of a vehicle, so that each occurrence is one event; and the type of a rule."""

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
    """Which of the things that the rule watches."""
    samples: list[dict[str, Any] | None]
    noticed: int
    """When evd received the reading."""
    wait_ms: int


class VehicleMemory(msgspec.Struct, omit_defaults=True):
    """What must be known of a vehicle so that no event is repeated. None: no sample had a value yet."""

    time: int = 0
    """The time of the last sample, epoch ms; on disk it is not newer than the rest."""
    target: float | None = None
    """The target that was reached last (%); 0: the charge has been well below its target since."""
    aim: float | None = None
    """The target that the charge was below last (%): if the target is lower now, it was lowered, not reached."""
    charging: bool = False
    stopped: float | None = None
    """The charge of the last event "charging stopped early" (%)."""
    low: float | None = None
    """The charge of the last event "charge low" (%); 0: it is not low."""
    outside: dict[str, str] = {}
    """Temperature → `below` or `above` where it is out of range, or empty."""
    places: dict[str, bool] = {}
    """Place, with its position and radius → whether the vehicle is there."""
    silent_since: int | None = None
    """When the last status before a reported silence was received; epoch ms."""
    learned_ms: int = 0
    """The longest silence that was reported and turned out to be usual."""
    pending: list[Unconfirmed] = []
    """What one reading showed, and no second one has confirmed yet."""


class EventRule(NamedTuple):
    """`judge` reads a sample, changes the memory that it is given, and returns what happened.

    It reads the `fields`. `holds` says whether an event is still true after a later sample; without it, events need no
    confirmation. `forget` removes a withdrawn event from the memory, if the rule itself does not. `opposites` are the
    kinds that a reading which jumps back would show.
    """

    kinds: tuple[str, ...]
    judge: Callable[[VehicleEventSettings, VehicleMemory, Reading], Sequence[Event]]
    fields: tuple[str, ...] = ()
    holds: Callable[[VehicleMemory, Unconfirmed], bool] | None = None
    forget: Callable[[VehicleMemory], None] | None = None
    opposites: Mapping[str, str] = {}


def remembered(state: bytes | None) -> VehicleMemory:
    """The stored memory; a new one if it cannot be read."""
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
    """Whether anything but the time changed."""
    if before.time and after.time:
        return msgspec.structs.replace(after, time=before.time) != before
    return before != after


#: Far more than the combinations of two temperatures; but the stored memory may name others.
sides = Interner(256)


_memory = msgspec.json.Decoder(VehicleMemory)
