"""How the daemon is at this moment, read from its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from evd import VERSION
from evd.daemon import wiring
from evd.daemon.alarm_task import AlarmTask
from evd.daemon.host import disk_use
from evd.daemon.parts import Parts
from evd.log.logger import lines_dropped
from evd.model.daemon_state import ConnectionsState, DaemonState, NotReady, ServersState, StandingAlarm, WriterState
from evd.payload.codec import IMPLEMENTATION


class StateReporter:
    """`alarms` judge what it reports, and stand in it; None where no part connects to other systems.

    `certificate_ends_s` gives epoch s; None: evd shows no certificate.

    Raises EvdError for a refused setting of alarms.
    """

    def __init__(self, parts: Parts) -> None:
        self.stopping = False
        self.certificate_ends_s: Callable[[], float | None] = lambda: None
        self.alarms: AlarmTask | None = None
        self._parts = parts
        if parts.outward:
            self.alarms = AlarmTask(parts.config, lambda config: wiring.alarm_watch(parts.data_dir, config, self.state))

    def state(self) -> DaemonState:
        """For /readyz, statistics, metrics and alarms."""
        parts = self._parts
        return DaemonState(
            version=VERSION,
            codec=IMPLEMENTATION,
            running=parts.outward,
            not_ready=self.not_ready(),
            ingest=dict(parts.ingest.outcomes),
            unexplained=parts.ingest.findings.state(),
            writer=self._writer(),
            connections=self._connections(),
            servers=self._servers(),
            push=parts.pushing.state() if parts.pushing else None,
            stopped=parts.stopped_phones.found,
            events=parts.events.state() if parts.events else None,
            disk=disk_use(parts.data_dir.directory, parts.files, full=parts.writer.health.disk_full),
            loop=parts.lag.state(),
            ingest_times=parts.ingest.times.state(),
            commit_times=parts.writer.health.commit_times.state(),
            push_times=parts.pushing.times() if parts.pushing else {},
            clock_behind_s=parts.clock.behind_ms / 1000,
            log_lines_dropped=lines_dropped(),
            certificate_ends_s=self.certificate_ends_s(),
            insecure=parts.insecure,
            alarms=self._standing(),
        )

    def not_ready(self) -> NotReady | None:
        """Why no callbacks are taken; None: they are."""
        health = self._parts.writer.health
        if not self._parts.outward:
            return NotReady.NOT_RUNNING
        if self.stopping:
            return NotReady.STOPPING
        return NotReady.DISK_FULL if health.disk_full else health.stall.reason

    def _writer(self) -> WriterState:
        writer, health = self._parts.writer, self._parts.writer.health
        return WriterState(
            waiting=writer.waiting,
            commits=health.commits,
            committed=health.committed,
            stalled=health.stall.detail if health.stall.reason else "",
        )

    def _connections(self) -> ConnectionsState:
        admission = self._parts.admission
        return ConnectionsState(
            open=admission.open,
            strangers=admission.strangers,
            gave_way=admission.gave_way,
            turned_away=admission.turned_away,
            let_go=admission.let_go,
            crowded_by=admission.crowded_by,
            streams=self._parts.live.streams,
        )

    def _servers(self) -> ServersState:
        edge, web = self._parts.counters.edge, self._parts.counters.web
        return ServersState(**asdict(edge), web_refused=web.refused, web_failed=web.failed)

    def _standing(self) -> Sequence[StandingAlarm]:
        return self.alarms.monitor.standing if self.alarms else ()
