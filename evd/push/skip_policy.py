"""The skip policy: a push is not sent if it is old or unwanted, its app is stale, or its device is at its limit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from evd.model import preferences
from evd.model.operations import ORIGINAL
from evd.model.status import Status
from evd.model.units import DAY_MS

if TYPE_CHECKING:
    from evd.model.operations import EventDue, Registration
    from evd.model.target_kinds import TargetKind
    from evd.push.delivery import Delivery
    from evd.push.device_limits import DeviceLimits


class SkipReason(NamedTuple):
    """Why a push is not sent now. `due` (epoch ms) is when it will be; 0 for never."""

    said: str
    due: int = 0


class SkipPolicy:
    """The rules for targets of these `kinds`; if the clock was just set (`lenient`), nothing counts as old.

    `devices` counts the messages to each device, if the targets are devices.
    """

    def __init__(
        self,
        kinds: Iterable[TargetKind],
        *,
        give_up_after_ms: int,
        stale_after_ms: int,
        devices: DeviceLimits | None = None,
    ) -> None:
        kinds = list(kinds)
        self._stale_kinds = frozenset(kind.name for kind in kinds if kind.goes_stale)
        self._personal_kinds = frozenset(kind.name for kind in kinds if kind.personal)
        self._give_up_after_ms = give_up_after_ms
        self._stale_after_ms = stale_after_ms
        self._devices = devices
        self.lenient = False

    def is_old(self, status: Status, now: int) -> bool:
        return status.received + self._give_up_after_ms <= now and not self.lenient

    def is_stale(self, registration: Registration, now: int) -> bool:
        """Whether the app has not renewed its registration for so long that FCM's guide regards it as stale.

        The original's app registers only at log-in, so its silence means nothing; FCM reports when it is gone.
        """
        if registration.kind not in self._stale_kinds or registration.client == ORIGINAL:
            return False
        return registration.renewed < now - self._stale_after_ms and not self.lenient

    def skip_reason(self, delivery: Delivery, now: int, seconds: float) -> SkipReason | None:
        """Why the push is not sent; None if it is, and then counted for its device. `seconds` is monotonic."""
        unwanted = self._unwanted(delivery, now)
        if unwanted is not None or self._devices is None:
            return unwanted
        wait_s = self._devices.wait_s(delivery.registration.token, seconds)
        return SkipReason(DEVICE_FULL, now + int(wait_s * 1000)) if wait_s > 0 else None

    def _unwanted(self, delivery: Delivery, now: int) -> SkipReason | None:
        if self.is_stale(delivery.registration, now):
            return SkipReason(f"its registration was not renewed for {self._stale_after_ms // DAY_MS} days")
        if delivery.event is not None:
            return self._of_event(delivery.event, now)
        if delivery.state is None:
            return SkipReason("its vehicle has no status any more")
        return SkipReason(EXPIRED) if self.is_old(delivery.state, now) else None

    def _of_event(self, event: EventDue, now: int) -> SkipReason | None:
        """A user's preferences also apply when the push is sent: quiet hours may have begun since it was due."""
        if event.expires <= now and not self.lenient:
            return SkipReason(EXPIRED)
        if event.registration.kind not in self._personal_kinds:
            return None
        due = preferences.when(preferences.read(event.settings), event.kind, now)
        if due is None:
            return SkipReason("its user wants no more of this kind")
        return SkipReason("its user's quiet hours", due) if due > now else None


EXPIRED = "expired before it could be sent"
DEVICE_FULL = "a phone is sent 4,800 messages an hour at most"
