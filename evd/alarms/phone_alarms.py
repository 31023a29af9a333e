"""Alarms about phones that get no more pushes: how many are too many, and the sentence for the operator."""

from __future__ import annotations

from collections.abc import Callable

from evd.model.daemon_state import StoppedPhonesState

DROPPED_MIN = 10
"""Phones that are gone within an hour: fewer are people who uninstall the app."""

#: How many phones evd sends nothing though a provider took pushes for them lately → what is to be done, by the reason.
STOPPED: tuple[tuple[Callable[[StoppedPhonesState], int], str], ...] = (
    (lambda phones: phones.off, "push.credentials is not set: set it, and restart evd"),
    (
        lambda phones: phones.stale,
        "their registrations were not renewed for push.stale_after_days: each comes back with its user's next request, "
        "and all of them with a higher value",
    ),
    (
        lambda phones: phones.missed,
        "evd failed to send them their vehicles' last statuses: restart evd, and report it",
    ),
)


def dropped_level(dropped: int, phones: StoppedPhonesState | None) -> float:
    """1: one in twenty of all phones is gone within an hour, and at least DROPPED_MIN."""
    registered = phones.registered if phones else 0
    return dropped / max(DROPPED_MIN, (registered + dropped) / 20)


def dropped_text(dropped: int) -> str:
    return (
        f"the provider reported {dropped} phones within an hour as gone, and they were removed: each comes back when "
        "it registers again, with the original's app at the next log-in; so many at once may be a fault of the "
        "provider: check its status page"
    )


def stopped_level(phones: StoppedPhonesState | None, displaced: int) -> float | None:
    """1: one phone. `phones` is None if nothing was checked yet."""
    return None if phones is None and not displaced else float(_count(phones) + displaced)


def stopped_text(phones: StoppedPhonesState | None, displaced: int) -> str:
    if displaced:
        return (
            f"phones were removed for newer ones within an hour though the provider took their pushes ({displaced}): "
            "raise app.registrations_per_vehicle or app.registrations_per_user, and let them register again"
        )
    why = next((text for stopped, text in STOPPED if phones and stopped(phones)), "")
    return f"phones that the provider took pushes for lately get none any more ({_count(phones)} of them): {why}"


def _count(phones: StoppedPhonesState | None) -> int:
    return sum([stopped(phones) for stopped, _ in STOPPED]) if phones else 0
