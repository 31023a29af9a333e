"""For whom the places of each vehicle are coarse: what its owner says, else the setting.

It observes commits, so it is never stale; vehicles of which nothing is said take no memory.
"""

from __future__ import annotations

from collections.abc import Iterable

from evd.model.coarse import CoarseFor
from evd.model.commits import CommitSummary


class PlacePrivacy:
    """`own` are pairs of (vehicle in normal form, for whom its places are coarse)."""

    def __init__(self, default: CoarseFor = "nobody", own: Iterable[tuple[str, CoarseFor]] = ()) -> None:
        self._default: CoarseFor = default
        self._own = dict(own)

    def of(self, vehicle: str) -> CoarseFor:
        return self._own.get(vehicle, self._default)

    def is_coarse(self, vehicle: str, *, viewer: bool) -> bool:
        """Whether it is for whoever asks: a viewer, or an owner or administrator."""
        level = self.of(vehicle)
        return level == "everyone" or (viewer and level == "viewers")

    def committed(self, summary: CommitSummary) -> None:
        for vehicle, level in summary.coarse_set:
            if level is None:
                self._own.pop(vehicle, None)
            else:
                self._own[vehicle] = level
