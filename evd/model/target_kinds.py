"""What a push goes to: the kinds of target, and what of each the store must know."""

from __future__ import annotations

from typing import NamedTuple


class TargetKind(NamedTuple):
    """A kind of target. Its push provider declares it, and the store keeps it in the table `target_kinds`."""

    name: str
    personal: bool
    """It belongs to one user at a time: to that user's limit and preferences, and any request of the user renews it."""
    goes_stale: bool
    """Its app registers it again and again, so one that is not renewed for long is dead."""
    makes_room: bool
    """Where a vehicle has too many, the one that was silent the longest goes; else a new one is refused."""
