"""How the daemon is: why it takes no callbacks, and what its parts report."""

from __future__ import annotations

import time

import pytest
from daemon_parts import BuildParts

from evd import VERSION
from evd.daemon.state_reporter import StateReporter
from evd.errors import StoreFull
from evd.model.daemon_state import NotReady


def test_what_is_reported_is_what_the_parts_have(parts_of: BuildParts) -> None:
    parts = parts_of(app={"trust_user_header": True})
    reporter = StateReporter(parts)
    parts.writer.health.commits, parts.writer.health.committed = 3, 7
    parts.ingest.outcomes["stored"] += 2
    parts.counters.edge.requests, parts.counters.web.refused = 5, 4
    reporter.certificate_ends_s = lambda: 1e9
    state = reporter.state()
    assert (state.version, state.running, state.not_ready) == (VERSION, True, None)
    assert (state.writer.commits, state.writer.committed, state.writer.stalled) == (3, 7, "")
    assert (state.ingest["stored"], state.servers.requests, state.servers.web_refused) == (2, 5, 4)
    assert (state.certificate_ends_s, len(state.insecure), state.push) == (1e9, 1, None)
    assert state.disk.database == parts.data_dir.database.stat().st_size


def test_of_several_reasons_to_take_nothing_the_one_that_lasts_is_named(parts_of: BuildParts) -> None:
    parts = parts_of(ingest={"answer_timeout_s": 2})
    reporter, health = StateReporter(parts), parts.writer.health
    assert reporter.not_ready() is None
    for now in (0.0, 1.5):  # after half of the answers' time
        health.look(now, waiting=1)
    assert reporter.not_ready() is NotReady.DISK_HANGS
    assert reporter.state().writer.stalled
    health.found_full(StoreFull("no space"))
    assert reporter.not_ready() is NotReady.DISK_FULL
    assert reporter.state().disk.full
    reporter.stopping = True
    assert reporter.not_ready() is NotReady.STOPPING


def test_an_evd_for_one_command_does_not_run_and_has_no_alarms(parts_of: BuildParts) -> None:
    reporter = StateReporter(parts_of(outward=False, alerts={"webhook": "https://hooks.example.org"}))
    assert reporter.not_ready() is NotReady.NOT_RUNNING
    assert (reporter.state().running, reporter.state().alarms, reporter.alarms) == (False, (), None)


@pytest.mark.parametrize(("behind_ms", "seconds"), [(0, 0.0), (86_400_000, 86_400.0)])
def test_how_far_the_clock_is_behind_is_told_in_seconds(behind_ms: int, seconds: float, parts_of: BuildParts) -> None:
    if behind_ms:
        alive = int(time.time() * 1000) + behind_ms
        parts_of(outward=False).data_dir.directory.joinpath("alive").write_text(f"{alive:013d}\n")
    assert StateReporter(parts_of()).state().clock_behind_s == pytest.approx(seconds, abs=60)
