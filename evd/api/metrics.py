"""`/metrics`: the daemon's state for Prometheus; with an admin key, or by the control socket.

Names and units are as Prometheus recommends (https://prometheus.io/docs/practices/naming/): counters end in _total,
times are seconds. A metric is a row of a table here; unknown values are left out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

import trio
from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from quart import Blueprint, Response, current_app, request

from evd.alarms.rules import RULES
from evd.api.context import here
from evd.api.described import described
from evd.errors import Unavailable
from evd.model.daemon_state import DaemonState, Durations, LoopState, PauseReason

STORED_FOR_S = 1.0
"""Several scrapers, or a frequent one, cost the database one read a second."""

routes = Blueprint("metrics", __name__)


class Scraped(NamedTuple):
    """The input of the tables."""

    state: DaemonState
    stored: Mapping[str, Any]
    """`Queries.counts`; empty if the database does not answer."""
    now: int
    """Epoch ms."""


class Number(NamedTuple):
    """A metric without labels."""

    name: str
    meaning: str
    value: Callable[[Scraped], float | None]
    kind: type[Any] = GaugeMetricFamily


class Labelled(NamedTuple):
    """A metric with one label: its values by the label's."""

    name: str
    meaning: str
    label: str
    values: Callable[[Scraped], Mapping[str, float]]
    kind: type[Any] = CounterMetricFamily


def _oldest_push_s(seen: Scraped) -> float | None:
    if seen.state.push is not None:
        return seen.state.push.oldest_pending_s
    created = seen.stored.get("oldest_event")
    return None if not seen.stored else max(seen.now - created, 0) / 1000 if created else 0.0


def _alarms(seen: Scraped) -> Mapping[str, float]:
    standing = {alarm.name for alarm in seen.state.alarms}
    return {rule.name: float(rule.name in standing) for rule in RULES}


def _paused(seen: Scraped) -> float:
    return float(seen.state.push is not None and seen.state.push.pause is not PauseReason.NONE)


def _outcomes(seen: Scraped) -> Mapping[str, float]:
    outcomes = seen.state.push.outcomes if seen.state.push else {}
    return {outcome.value: count for outcome, count in outcomes.items()}


def _in_flight(seen: Scraped) -> float | None:
    return seen.state.push.in_flight if seen.state.push else None


def _recorded(seen: Scraped) -> Mapping[str, float]:
    return seen.state.events.recorded if seen.state.events else {}


def _to_look_at(seen: Scraped) -> float | None:
    return seen.state.events.waiting if seen.state.events else None


NUMBERS: tuple[Number, ...] = (
    Number("evd_ready", "1 while callbacks are taken.", lambda seen: float(seen.state.ready)),
    Number("evd_commits", "Transactions written.", lambda seen: seen.state.writer.commits, CounterMetricFamily),
    Number(
        "evd_committed_rows",
        "Operations in these transactions.",
        lambda seen: seen.state.writer.committed,
        CounterMetricFamily,
    ),
    Number(
        "evd_unexplained_statuses",
        "Statuses whose sender's values contradict what their format makes of the payload.",
        lambda seen: seen.state.unexplained.statuses,
        CounterMetricFamily,
    ),
    Number(
        "evd_clock_behind_seconds",
        "By how much the server's clock is behind evd's time; 0 while it is trusted.",
        lambda seen: seen.state.clock_behind_s,
    ),
    Number("evd_queue_rows", "Operations that wait for the writer.", lambda seen: seen.state.writer.waiting),
    Number("evd_connections", "Open connections.", lambda seen: seen.state.connections.open),
    Number(
        "evd_connections_strangers",
        "Of these, the ones that have shown no key.",
        lambda seen: seen.state.connections.strangers,
    ),
    Number(
        "evd_connections_accepted",
        "Connections accepted.",
        lambda seen: seen.state.servers.connections,
        CounterMetricFamily,
    ),
    Number(
        "evd_connections_handed_over",
        "Of these, the ones that the web application's server was given.",
        lambda seen: seen.state.servers.handed_over,
        CounterMetricFamily,
    ),
    Number(
        "evd_connections_broken",
        "Connections that the other side broke, failed TLS handshakes among them.",
        lambda seen: seen.state.servers.broken,
        CounterMetricFamily,
    ),
    Number(
        "evd_edge_requests",
        "Requests whose heads the edge read.",
        lambda seen: seen.state.servers.requests,
        CounterMetricFamily,
    ),
    Number(
        "evd_edge_timeouts",
        "Requests that did not come, or were not answered, in time at the edge.",
        lambda seen: seen.state.servers.timed_out,
        CounterMetricFamily,
    ),
    Number("evd_push_enabled", "1 if a provider is configured.", lambda seen: float(seen.state.push is not None)),
    Number("evd_push_paused", "1 while a provider takes no pushes.", _paused),
    Number(
        "evd_push_in_flight",
        "Pushes sent and not answered.",
        _in_flight,
    ),
    Number(
        "evd_push_events_waiting",
        "Pushes of events that wait in the outbox.",
        lambda seen: seen.stored.get("events_waiting"),
    ),
    Number(
        "evd_push_states_put_off",
        "Phones whose newest status will be retried.",
        lambda seen: seen.stored.get("states_put_off"),
    ),
    Number(
        "evd_push_oldest_pending_seconds",
        "For how long more pushes were due than were sent, or every push failed; 0: neither.",
        _oldest_push_s,
    ),
    Number(
        "evd_alerter_queue_statuses",
        "Statuses that wait for the event rules.",
        _to_look_at,
    ),
    Number("evd_vehicles", "Vehicles known.", lambda seen: seen.stored.get("vehicles")),
    Number("evd_statuses", "Statuses kept.", lambda seen: seen.stored.get("statuses")),
    Number("evd_registrations", "Registrations.", lambda seen: seen.stored.get("registrations")),
    Number("evd_rejected_rows", "Rejected callbacks kept.", lambda seen: seen.stored.get("rejected")),
    Number("evd_disk_free_bytes", "Free for evd on its disk.", lambda seen: seen.state.disk.free),
    Number("evd_disk_bytes", "The size of that disk.", lambda seen: seen.state.disk.total),
    Number("evd_database_bytes", "The length of evd.db.", lambda seen: seen.state.disk.database),
    Number("evd_database_log_bytes", "The length of evd.db-wal.", lambda seen: seen.state.disk.log),
    Number(
        "evd_log_lines_dropped",
        "Lines of the daemon's log that could not be written.",
        lambda seen: seen.state.log_lines_dropped,
        CounterMetricFamily,
    ),
    Number(
        "evd_certificate_end_timestamp_seconds",
        "When the certificate of server.tls_cert ends.",
        lambda seen: seen.state.certificate_ends_s,
    ),
)

CROWDED_OUT = ("gave_way", "turned_away", "let_go")
"""What happened to connections that were too many, or held too much (evd.net.server.admission)."""

LABELLED: tuple[Labelled, ...] = (
    Labelled("evd_callbacks", "Callbacks and posts, by outcome.", "outcome", lambda seen: seen.state.ingest),
    Labelled(
        "evd_connections_crowded_out",
        "Connections that were too many, by what happened to them.",
        "outcome",
        lambda seen: {one: getattr(seen.state.connections, one) for one in CROWDED_OUT},
    ),
    Labelled(
        "evd_requests_refused",
        "Requests that were refused for their form, size or delay, by server.",
        "server",
        lambda seen: {"edge": seen.state.servers.refused, "web": seen.state.servers.web_refused},
    ),
    Labelled(
        "evd_requests_failed",
        "Requests and connections that ended by a fault of evd's own, by server; the log has each.",
        "server",
        lambda seen: {"edge": seen.state.servers.failed, "web": seen.state.servers.web_failed},
    ),
    Labelled("evd_pushes", "Answers of providers.", "outcome", _outcomes),
    Labelled("evd_events", "Events of vehicles, by their kind.", "kind", _recorded),
    Labelled("evd_alarm", "1 while the alarm stands.", "alarm", _alarms, GaugeMetricFamily),
)


class Histogram(NamedTuple):
    """A histogram; with a label it has one for each of the label's values, which are the keys of `durations`."""

    name: str
    meaning: str
    durations: Callable[[Scraped], Mapping[str, Durations | LoopState]]
    label: str = ""

    def families(self, seen: Scraped) -> Iterable[Metric]:
        """One, or none while nothing is known."""
        found = {value: one for value, one in self.durations(seen).items() if one.buckets}
        family = HistogramMetricFamily(self.name, self.meaning, labels=[self.label] if self.label else [])
        for value, one in sorted(found.items()):
            family.add_metric([value] if self.label else [], buckets=one.buckets, sum_value=one.sum_s)
        return [family] if found else []


HISTOGRAMS: tuple[Histogram, ...] = (
    Histogram(
        "evd_loop_lag_seconds",
        "By how much evd's loop was late, sampled twenty times a second.",
        lambda seen: {"": seen.state.loop},
    ),
    Histogram(
        "evd_ingest_duration_seconds",
        "How long callbacks and posts took, from when they were read to their answers.",
        lambda seen: {"": seen.state.ingest_times},
    ),
    Histogram(
        "evd_commit_duration_seconds",
        "How long transactions took to be on disk.",
        lambda seen: {"": seen.state.commit_times},
    ),
    Histogram(
        "evd_push_duration_seconds",
        "How long providers took to answer a push, or evd waited for it.",
        lambda seen: seen.state.push_times,
        "provider",
    ),
)


def families(seen: Scraped) -> Iterable[Metric]:
    """All of evd's own metrics."""
    yield InfoMetricFamily(
        "evd_build", "Which evd this is.", {"version": seen.state.version, "codec": seen.state.codec}
    )
    for number in NUMBERS:
        value = number.value(seen)
        if value is not None:
            yield number.kind(number.name, number.meaning, value=value)
    for row in LABELLED:
        family = row.kind(row.name, row.meaning, labels=[row.label])
        for label, value in sorted(row.values(seen).items()):
            family.add_metric([label.replace(" ", "_")], value)
        yield family
    for histogram in HISTOGRAMS:
        yield from histogram.families(seen)


class _Once(Collector):
    """A collector of the state that was read for this answer."""

    def __init__(self, seen: Scraped) -> None:
        self._seen = seen

    def collect(self) -> Iterable[Metric]:
        return families(self._seen)


class CountsNow:
    """The database's counts, read at most once in STORED_FOR_S; concurrent requests wait for the same result."""

    def __init__(self) -> None:
        self._turn = trio.Lock()
        self._until = 0.0
        self._counts: Mapping[str, Any] = {}

    async def counts(self, ask: Callable[[], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Any]:
        """Empty if the database does not answer: the other metrics are then needed most."""
        async with self._turn:
            if trio.current_time() >= self._until:
                try:
                    self._counts = await ask()
                except Unavailable:
                    self._counts = {}
                self._until = trio.current_time() + STORED_FOR_S
        return self._counts


@routes.record_once
def _set_up(setup: Any) -> None:
    """One cache and one process collector for each application."""
    setup.app.extensions["evd.metrics"] = (CountsNow(), ProcessCollector(registry=None))


@routes.get("/metrics")
@described(answer=str, media="text/plain", example="evd_up 1\n")
async def scrape() -> Response:
    """Measures for Prometheus, in its text form or as OpenMetrics, as Accept asks."""
    context = here()
    stored, process = current_app.extensions["evd.metrics"]
    counts = await stored.counts(context.queries.counts)
    registry = CollectorRegistry()
    registry.register(process)
    registry.register(_Once(Scraped(context.state(), counts, context.clock())))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), 200, {"Content-Type": content_type})
