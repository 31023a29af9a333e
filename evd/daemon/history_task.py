"""Look at the daemon again and again, for the history that its console shows (evd.model.self_history)."""

from __future__ import annotations

import trio

from evd.daemon.host import resident_bytes
from evd.daemon.parts import Parts
from evd.daemon.state_reporter import StateReporter
from evd.model.daemon_state import Durations, PushOutcome
from evd.model.self_history import STEP_S, SelfHistory, Totals

FAILED = (PushOutcome.EXPIRED, PushOutcome.GIVEN_UP, PushOutcome.DROPPED)
"""Outcomes after which a push is not tried again."""


FIRST_S = 0.5
"""The first row is shorter than the others: a console that is opened after a start shows something."""


async def keep_history(history: SelfHistory, parts: Parts, reporter: StateReporter) -> None:
    """Look every STEP_S until cancelled."""
    due = trio.current_time() + FIRST_S - STEP_S
    while True:
        history.look(totals(parts, reporter), seconds=trio.current_time(), at=parts.clock())
        due = max(due + STEP_S, trio.current_time())
        await trio.sleep_until(due)


def totals(parts: Parts, reporter: StateReporter) -> Totals:
    state = reporter.state()
    commits, answers = state.commit_times, state.push_times.values()
    outcomes = state.push.outcomes if state.push else {}
    return Totals(
        callbacks=state.callbacks,
        refused=state.ingest.get("rejected", 0),
        commits=_count(commits),
        commit_sum_s=commits.sum_s,
        commit_worst_s=parts.writer.health.commit_times.take_worst_s(),
        pushes=outcomes.get(PushOutcome.SENT, 0),
        push_answers=sum(map(_count, answers)),
        push_sum_s=sum(one.sum_s for one in answers),
        push_worst_s=parts.pushing.worst_s() if parts.pushing else None,
        failed_pushes=sum(outcomes.get(one, 0) for one in FAILED),
        queue=state.writer.waiting,
        wal=state.disk.log,
        database=state.disk.database,
        disk_free=state.disk.free,
        memory=resident_bytes(),
        lag_s=parts.lag.take_worst_s(),
    )


def _count(durations: Durations) -> int:
    return durations.buckets[-1][1]
