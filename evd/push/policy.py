"""Whether a push is sent when its turn comes: not what is old or unwanted, nor to a silent app or a busy device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from evd.model import preferences
from evd.model.operations import ORIGINAL
from evd.model.status import Status

if TYPE_CHECKING:
    from evd.model.operations import EventDue, Registration
    from evd.model.target_kinds import TargetKind
    from evd.push.delivery import Delivery
    from evd.push.device_limits import DeviceLimits

DAY_MS = 86_400_000


class SkipReason(NamedTuple):
    """Why a push is not sent now. `due` (epoch ms) is when it will be; 0: never."""

    said: str
    due: int = 0


class DeliveryPolicy:
    """What holds for targets of these `kinds`; with a clock that was just set, nothing looks old (`lenient`).

    `devices` counts what each device was sent, where the targets are devices.
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
        """The registration was not renewed for so long that it counts as stale ("Manage FCM registration tokens").

        The original's app registers once, at log-in, so its silence means nothing: FCM says when it is gone.
        """
        if registration.kind not in self._stale_kinds or registration.client == ORIGINAL:
            return False
        return registration.renewed < now - self._stale_after_ms and not self.lenient

    def refusal(self, delivery: Delivery, now: int, seconds: float) -> SkipReason | None:
        """None: it is to be sent, and its device's limit counts it. `seconds` is of a clock that never jumps."""
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
        """A user's wishes count when it goes out, too: it may have waited until his quiet hours had begun."""
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
