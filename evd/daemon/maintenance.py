"""Periodic maintenance: what is over is deleted, and registrations that were not renewed for months, a few at a time.

The wall clock alone is not trusted: after a jump of two years ahead every phone would seem forgotten. Vehicles and
their network have clocks of their own, so a recent status must confirm the time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from evd.clock import Clock, now_ms
from evd.errors import Unavailable
from evd.log.logger import log
from evd.model.operations import DropForgotten, ForgetExpired, ForgetUnseen
from evd.model.units import DAY_MS, HOUR_MS
from evd.store.writer import Writer

FIRST_AFTER_S = 60.0
"""A start has more urgent work."""

EVERY_S = 3600.0

STEP_MAX = 500
"""Registrations in one transaction: some 25 ms, for which callbacks wait."""

BETWEEN_STEPS_S = 0.1


EXPIRED_MS = HOUR_MS
"""How long after its end an event is removed here: before that the dispatcher finds it, and logs it."""

WITNESS_MS = 7 * DAY_MS
"""Maximum age of the newest status; while the fleet is silent for longer, no phone is forgotten."""

HeardAfter = Callable[[int], Awaitable[bool]]
"""Whether some vehicle's last status has a time after this one (epoch ms), and not far in the future."""


async def run_maintenance(
    writer: Writer, heard_after: HeardAfter, *, forget_after_days: int, clock: Clock = now_ms
) -> None:
    """Run until cancelled, which is safe: each step is a transaction of its own."""
    await trio.sleep(FIRST_AFTER_S)
    while True:
        try:
            await forget_unseen(writer, heard_after, forget_after_days=forget_after_days, now=clock())
        except Unavailable as error:
            log.warning("registrations were not checked", reason=str(error))
        await trio.sleep(EVERY_S)


async def forget_unseen(writer: Writer, heard_after: HeardAfter, *, forget_after_days: int, now: int) -> int:
    """Forget registrations that were not renewed for `forget_after_days`; returns how many. Raises Unavailable.

    Also removes events from the outbox that were not pushed while they were worth sending, and rejected requests that
    can no longer be restored.
    """
    if not await heard_after(now - WITNESS_MS):
        log.debug("no registration is forgotten: no recent status confirms the clock")
        return 0
    await _in_steps(writer, ForgetExpired(now - EXPIRED_MS, STEP_MAX))
    await _in_steps(writer, DropForgotten(now - DAY_MS, STEP_MAX))
    forgotten = await _in_steps(writer, ForgetUnseen(now - forget_after_days * DAY_MS, STEP_MAX))
    if forgotten:
        log.info("registrations forgotten", count=forgotten, unseen_days=forget_after_days)
    return forgotten


async def _in_steps(writer: Writer, operation: ForgetUnseen | ForgetExpired | DropForgotten) -> int:
    forgotten = 0
    while True:
        gone: int = await writer.write(operation)
        forgotten += gone
        if gone < operation.limit:
            return forgotten
        await trio.sleep(BETWEEN_STEPS_S)
