"""Phones that hear nothing any more, as alarms see them: how many are too many, and what the operator reads of it."""

from __future__ import annotations

from collections.abc import Mapping

DROPPED_MIN = 10
"""Phones that go within an hour: fewer are people who uninstall an app."""

#: Why evd sends nothing to phones that a provider took pushes for lately (evd.push.stopped) → what is to be done.
STOPPED: tuple[tuple[str, str], ...] = (
    ("off", "push.credentials is not set: set it, and start evd anew"),
    (
        "stale",
        "their registrations were not renewed for push.stale_after_days: each comes back with its user's next request, "
        "and all of them with a higher value",
    ),
    ("missed", "evd missed to send them their vehicles' last statuses: start it anew, and report it"),
)


def dropped_level(dropped: int, registered: int) -> float:
    """1: within an hour one in twenty of all phones went, and at least DROPPED_MIN."""
    return dropped / max(DROPPED_MIN, (registered + dropped) / 20)


def dropped_text(dropped: int) -> str:
    return (
        f"the provider said of {dropped} phones within an hour that they are gone, and they were removed: each comes "
        "back when it registers again, with the original's app at the next log-in; so many at once may be the "
        "provider's fault: look at its status page"
    )


def stopped_level(stopped: Mapping[str, int] | None, displaced: int) -> float | None:
    """1: one phone. `stopped` is None where nobody looked yet."""
    return None if stopped is None and not displaced else float(sum((stopped or {}).values()) + displaced)


def stopped_text(stopped: Mapping[str, int] | None, displaced: int) -> str:
    if displaced:
        return (
            f"phones made room for newer ones within an hour, though the provider took pushes for them ({displaced}): "
            "raise app.registrations_per_vehicle or app.registrations_per_user, and have them register again"
        )
    stopped = stopped or {}
    why = next((text for name, text in STOPPED if stopped.get(name)), "")
    return f"phones that the provider took pushes for lately are sent nothing ({sum(stopped.values())} of them): {why}"
