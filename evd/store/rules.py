"""Rules that every engine keeps and no setting changes: what is renewed, forgotten or told again, and when."""

from __future__ import annotations

from evd.model.units import DAY_MS

RENEWED_AGAIN_MS = 10_000
"""A push that a dead phone did not take is sent again after this to the phone that was renewed meanwhile: FCM asks for
at least 10 s before any retry (Firebase, "Best practices when sending FCM messages at scale"). Also applies if a clock
that was set back makes a dead phone look renewed."""

RENEWED_FOR_MS = DAY_MS
"""A user's requests rewrite a registration at most once in this time."""

PUSHED_LATELY_MS = 2 * DAY_MS
"""If a phone had a push within this time, its user notices when pushes end."""

DAYS_KEPT = 90
"""Days of frame counts kept before a vehicle's newest one."""

FRAMES_MAX = 64
"""Frames kept of a vehicle besides its statuses: two months of daily STATUS frames."""

PHONES_TRACED_MAX = 1000
"""Phones of one vehicle in a trace: more than the default of `app.registrations_per_vehicle`."""
