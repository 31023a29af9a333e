"""How the daemon is: one record for each part that reports, read by readiness, statistics, metrics and alarms.

A count is of what happened since the start; None is what is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec


class NotReady(StrEnum):
    """Why no callbacks are taken, in words for anyone who asks."""

    NOT_RUNNING = "evd does not run"
    """But for the one command that asks."""
    STOPPING = "stopping"
    DISK_FULL = "the disk is full"
    DATABASE_HELD = "another process holds the database"
    DISK_HANGS = "the disk does not answer"


class Reloaded(msgspec.Struct, frozen=True):
    """What a reload did. A setting stands with its old and new value where that can hold no secret."""

    changed: Sequence[str]
    """Settings that differ and are now in force."""
    needs_restart: Sequence[str]
    """Settings that differ and will be in force after a restart."""
    certificate_renewed: bool
    certificate_ends_s: float | None
    """Epoch s; None: evd shows no certificate."""


class PauseReason(StrEnum):
    """Why a provider wants no pushes."""

    NONE = ""
    """It takes them."""
    CREDENTIALS = "credentials"
    QUOTA = "quota"
    OTHER = "other"


class PushOutcome(StrEnum):
    """What came of a push, or of an attempt to send it."""

    SENT = "sent"
    RETRIED = "retried"
    QUOTA = "quota"
    """Retried, for the provider's quota is used up."""
    EXPIRED = "expired"
    GIVEN_UP = "given up"
    DROPPED = "registration dropped"
    FOREIGN_SENDER = "foreign sender"
    """Dropped, for the registration belongs to another sender."""


class UnexplainedState(msgspec.Struct, frozen=True, kw_only=True):
    """Statuses whose sender's values contradict what their format makes of the payload."""

    statuses: int = 0
    vehicles: int = 0
    """Those that are remembered."""
    vehicle: str = ""
    """That of the last such status, with its fields that differ."""
    fields: Sequence[str] = ()


class WriterState(msgspec.Struct, frozen=True, kw_only=True):
    waiting: int = 0
    """Operations that wait, or are being written."""
    commits: int = 0
    committed: int = 0
    """Operations in these commits."""
    stalled: str = ""
    """Why nothing is written, and what to do about it; empty: what comes is written."""


class ConnectionsState(msgspec.Struct, frozen=True, kw_only=True):
    open: int = 0
    strangers: int = 0
    """Of these, the ones that have shown no key."""
    gave_way: int = 0
    """Shut down so that others had a place; and refused, or shut down because they held too much."""
    turned_away: int = 0
    let_go: int = 0
    crowded_by: str = ""
    """The address of most of them."""
    streams: int = 0


class ServersState(msgspec.Struct, frozen=True, kw_only=True):
    """What happened at the edge, and at the web application's server behind it (evd.net.server.counters)."""

    connections: int = 0
    requests: int = 0
    """Whose heads the edge read."""
    refused: int = 0
    timed_out: int = 0
    handed_over: int = 0
    """Connections that the web application's server was given."""
    broken: int = 0
    failed: int = 0
    web_refused: int = 0
    web_failed: int = 0


class ProviderState(msgspec.Struct, frozen=True, kw_only=True):
    in_flight: int
    outcomes: Mapping[PushOutcome, int]


class PushState(msgspec.Struct, frozen=True, kw_only=True):
    held_since: int = 0
    """Since when the operator keeps pushes back (`evd push pause`), epoch ms; 0: the operator does not."""
    pause: PauseReason = PauseReason.NONE
    pause_text: str = ""
    """What the provider said."""
    oldest_pending_s: float = 0.0
    """For how long there was more to push than was sent, or every push failed; 0: neither."""
    displaced: int = 0
    """Phones that made room for newer ones though a provider took a push for them lately."""
    providers: Mapping[str, ProviderState] = {}

    @property
    def in_flight(self) -> int:
        return sum([provider.in_flight for provider in self.providers.values()])

    @property
    def outcomes(self) -> Mapping[PushOutcome, int]:
        """Of all providers."""
        total: dict[PushOutcome, int] = {}
        for provider in self.providers.values():
            for outcome, count in provider.outcomes.items():
                total[outcome] = total.get(outcome, 0) + count
        return total


class StoppedPhonesState(msgspec.Struct, frozen=True, kw_only=True):
    """Phones that a provider took pushes for lately and evd sends nothing now, by reason (evd.push.stopped_phones)."""

    registered: int = 0
    """All phones that are registered."""
    stale: int = 0
    """Their registrations were not renewed for too long."""
    missed: int = 0
    """They were not sent their vehicles' last statuses."""
    off: int = 0
    """No provider is set up any more."""


class EventsState(msgspec.Struct, frozen=True, kw_only=True):
    waiting: int
    """Statuses to look at."""
    recorded: Mapping[str, int]
    """Kind → events."""


class DiskState(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes."""

    free: int | None = None
    """What evd may still write."""
    total: int | None = None
    database: int | None = None
    """The length of evd.db; and of its write-ahead log, evd.db-wal."""
    log: int | None = None
    full: bool = False
    """The last attempt to write found no space."""


class LoopState(msgspec.Struct, frozen=True, kw_only=True):
    worst_s: float = 0.0
    """The most by which evd's loop was late within the last minute or two."""
    sum_s: float = 0.0
    buckets: Sequence[tuple[str, int]] = ()
    """Lags up to a bound (s, `+Inf` the last), cumulative as Prometheus has them."""


class Durations(msgspec.Struct, frozen=True, kw_only=True):
    """How long something took, since the start."""

    sum_s: float = 0.0
    buckets: Sequence[tuple[str, int]] = ()
    """As `LoopState.buckets`."""


class StandingAlarm(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    severity: str
    since: int
    """Epoch ms."""
    sentence: str


class DaemonState(msgspec.Struct, frozen=True, kw_only=True):
    """The whole daemon at one moment."""

    version: str
    codec: str
    running: bool = True
    not_ready: NotReady | None = None
    """None: callbacks are taken."""
    ingest: Mapping[str, int] = {}
    """Callbacks and posts, by what came of them."""
    unexplained: UnexplainedState = UnexplainedState()
    writer: WriterState = WriterState()
    connections: ConnectionsState = ConnectionsState()
    servers: ServersState = ServersState()
    push: PushState | None = None
    """None: no provider is set up."""
    stopped: StoppedPhonesState | None = None
    """None: not looked up yet."""
    events: EventsState | None = None
    """None: no events are looked for."""
    disk: DiskState = DiskState()
    loop: LoopState = LoopState()
    ingest_times: Durations = Durations()
    """Of requests to ingest routes, from when they were read to their answers."""
    commit_times: Durations = Durations()
    """Of transactions, from the start of the commit until evd knows that it is on disk."""
    push_times: Mapping[str, Durations] = {}
    """Provider → of its answers."""
    clock_behind_s: float = 0.0
    """By how much the server's clock is behind evd's time; 0 while it is believed."""
    log_lines_dropped: int = 0
    certificate_ends_s: float | None = None
    """Epoch s; None: evd shows no certificate."""
    insecure: Sequence[str] = ()
    """What makes this evd insecure on purpose, as sentences."""
    alarms: Sequence[StandingAlarm] = ()

    @property
    def ready(self) -> bool:
        return self.not_ready is None

    @property
    def callbacks(self) -> int:
        """Callbacks and posts since the start, whatever came of them; `format missing` counts some a second time."""
        return sum(self.ingest.values()) - self.ingest.get("format missing", 0)
