"""Whether a push is worth sending when its turn comes: not what is old, unwanted, or for an app nobody opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evd.model import preferences as wishes
from evd.model.operations import ORIGINAL

if TYPE_CHECKING:
    from evd.model.operations import Arrive, EventDue, Phone, State
    from evd.push.delivery import Flight

DAY_MS = 86_400_000


class Refusal(NamedTuple):
    """Why a push is not sent now. `due` (epoch ms) is when it will be; 0: never."""

    said: str
    due: int = 0


class Worth:
    """The limits of age; with a clock that was just set, nothing looks old (`lenient`)."""

    def __init__(self, *, give_up_after_ms: int, stale_after_ms: int) -> None:
        self._give_up_after_ms = give_up_after_ms
        self._stale_after_ms = stale_after_ms
        self.lenient = False

    def is_old(self, status: Arrive | State, now: int) -> bool:
        return status.received + self._give_up_after_ms <= now and not self.lenient

    def is_stale(self, phone: Phone, now: int) -> bool:
        """Nothing was heard of its app for so long that FCM's guide takes it for dead.

        The original's app registers once, at log-in, so its silence means nothing: FCM says when it is gone.
        """
        if phone.kind == "webhook" or phone.client == ORIGINAL:
            return False
        return phone.renewed < now - self._stale_after_ms and not self.lenient

    def refusal(self, flight: Flight, now: int) -> Refusal | None:
        """None: it is to be sent."""
        if self.is_stale(flight.phone, now):
            return Refusal(f"its registration was not renewed for {self._stale_after_ms // DAY_MS} days")
        if flight.event is not None:
            return self._of_event(flight.event, now)
        if flight.state is None:
            return Refusal("its vehicle has no status any more")
        return Refusal(EXPIRED) if self.is_old(flight.state, now) else None

    def _of_event(self, event: EventDue, now: int) -> Refusal | None:
        """A user's wishes count when it goes out, too: it may have waited until his quiet hours had begun."""
        if event.expires <= now and not self.lenient:
            return Refusal(EXPIRED)
        if event.phone.kind == "webhook":
            return None
        due = wishes.when(wishes.read(event.settings), event.kind, now)
        if due is None:
            return Refusal("its user wants no more of this kind")
        return Refusal("its user's quiet hours", due) if due > now else None


EXPIRED = "expired before it could be sent"
