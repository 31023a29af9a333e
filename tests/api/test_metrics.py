"""/metrics, and an alarm from its cause to everywhere that it is told."""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from alarm_receiver import receiver
from chain import callback, fake_fcm, register, whole_chain
from daemon_process import running_daemon
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from evd.alarms.rules import RULES
from evd.api.metrics import STORED_FOR_S, CountsNow, Scraped, families
from evd.errors import Unavailable
from evd.model.daemon_state import (
    ConnectionsState,
    DaemonState,
    DiskState,
    Durations,
    EventsState,
    PauseReason,
    ProviderState,
    PushOutcome,
    PushState,
    ServersState,
    StandingAlarm,
    UnexplainedState,
    WriterState,
)

NOW = 1_700_000_000_000
STATE = DaemonState(
    version="1.2.3",
    codec="c",
    ingest={"newest": 7, "too old": 2},
    unexplained=UnexplainedState(statuses=17, vehicles=1, vehicle="386625", fields=["state"]),
    writer=WriterState(waiting=3, commits=4, committed=9),
    connections=ConnectionsState(open=5, strangers=19, gave_way=20, turned_away=21, let_go=22),
    servers=ServersState(
        connections=31,
        requests=32,
        refused=33,
        timed_out=34,
        handed_over=35,
        broken=36,
        failed=37,
        web_refused=38,
        web_failed=39,
    ),
    push=PushState(
        pause=PauseReason.OTHER,
        pause_text="refused",
        oldest_pending_s=1.5,
        providers={
            "fcm": ProviderState(in_flight=4, outcomes={PushOutcome.SENT: 5}),
            "webhook": ProviderState(in_flight=2, outcomes={PushOutcome.SENT: 3, PushOutcome.DROPPED: 1}),
        },
    ),
    disk=DiskState(free=10, total=20, database=30, log=40),
    events=EventsState(waiting=15, recorded={"charge_low": 16}),
    ingest_times=Durations(sum_s=0.5, buckets=[("0.1", 41), ("+Inf", 42)]),
    commit_times=Durations(sum_s=0.25, buckets=[("0.1", 43), ("+Inf", 44)]),
    push_times={"fcm": Durations(sum_s=0.75, buckets=[("0.1", 45), ("+Inf", 46)])},
    certificate_ends_s=1.8e9,
    log_lines_dropped=18,
    clock_behind_s=1.25,
    alarms=[StandingAlarm(name="disk_low", severity="critical", since=NOW, sentence="the disk is nearly full")],
)
STORED = {"vehicles": 2, "statuses": 50, "registrations": 11, "rejected": 12}
STORED |= {"events_waiting": 13, "states_put_off": 14}


def samples(seen: Scraped) -> dict[str, float]:
    """`name{label}` → value."""
    return {
        sample.name + "".join(f"{{{label}}}" for label in sample.labels.values()): sample.value
        for family in families(seen)
        for sample in family.samples
    }


def test_each_number_of_the_daemon_has_a_metric() -> None:
    found = samples(Scraped(STATE, STORED, NOW))
    alarms = {name: value for name, value in found.items() if name.startswith("evd_alarm{")}
    assert alarms == {f"evd_alarm{{{rule.name}}}": float(rule.name == "disk_low") for rule in RULES}
    assert {name: value for name, value in found.items() if name not in alarms} == {
        "evd_build_info{1.2.3}{c}": 1,
        "evd_ready": 1,
        "evd_callbacks_total{newest}": 7,
        "evd_callbacks_total{too_old}": 2,
        "evd_commits_total": 4,
        "evd_committed_rows_total": 9,
        "evd_unexplained_statuses_total": 17,
        "evd_queue_rows": 3,
        "evd_clock_behind_seconds": 1.25,
        "evd_connections": 5,
        "evd_connections_strangers": 19,
        "evd_connections_crowded_out_total{gave_way}": 20,
        "evd_connections_crowded_out_total{turned_away}": 21,
        "evd_connections_crowded_out_total{let_go}": 22,
        "evd_connections_accepted_total": 31,
        "evd_edge_requests_total": 32,
        "evd_requests_refused_total{edge}": 33,
        "evd_edge_timeouts_total": 34,
        "evd_connections_handed_over_total": 35,
        "evd_connections_broken_total": 36,
        "evd_requests_failed_total{edge}": 37,
        "evd_requests_refused_total{web}": 38,
        "evd_requests_failed_total{web}": 39,
        "evd_push_enabled": 1,
        "evd_push_paused": 1,
        "evd_push_in_flight": 6,
        "evd_push_events_waiting": 13,
        "evd_push_states_put_off": 14,
        "evd_push_oldest_pending_seconds": 1.5,
        "evd_pushes_total{registration_dropped}": 1,
        "evd_pushes_total{sent}": 8,
        "evd_alerter_queue_statuses": 15,
        "evd_events_total{charge_low}": 16,
        "evd_vehicles": 2,
        "evd_statuses": 50,
        "evd_registrations": 11,
        "evd_rejected_rows": 12,
        "evd_disk_free_bytes": 10,
        "evd_disk_bytes": 20,
        "evd_database_bytes": 30,
        "evd_database_log_bytes": 40,
        "evd_log_lines_dropped_total": 18,
        "evd_certificate_end_timestamp_seconds": 1.8e9,
        "evd_ingest_duration_seconds_bucket{0.1}": 41,
        "evd_ingest_duration_seconds_bucket{+Inf}": 42,
        "evd_ingest_duration_seconds_count": 42,
        "evd_ingest_duration_seconds_sum": 0.5,
        "evd_commit_duration_seconds_bucket{0.1}": 43,
        "evd_commit_duration_seconds_bucket{+Inf}": 44,
        "evd_commit_duration_seconds_count": 44,
        "evd_commit_duration_seconds_sum": 0.25,
        "evd_push_duration_seconds_bucket{fcm}{0.1}": 45,
        "evd_push_duration_seconds_bucket{fcm}{+Inf}": 46,
        "evd_push_duration_seconds_count{fcm}": 46,
        "evd_push_duration_seconds_sum{fcm}": 0.75,
    }


def test_what_is_not_known_is_left_out() -> None:
    found = samples(Scraped(DaemonState(version="1", codec="c"), {}, NOW))
    unknown = ("disk", "database", "certificate", "push_events", "push_states", "push_oldest", "alerter", "events")
    unknown += ("vehicles", "statuses", "rejected")
    assert not [name for name in found if name.startswith(tuple(f"evd_{word}" for word in unknown))]
    assert found["evd_push_enabled"] == 0


async def test_the_database_is_asked_once_a_second_however_many_ask(autojump_clock: Any) -> None:
    asked: list[float] = []

    async def ask() -> Mapping[str, Any]:
        asked.append(trio.current_time())
        await trio.sleep(0.1)
        return {"vehicles": len(asked)}

    stored = CountsNow()
    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(stored.counts, ask)
    assert len(asked) == 1
    await trio.sleep(STORED_FOR_S)
    assert await stored.counts(ask) == {"vehicles": 2}


async def test_a_database_that_does_not_answer_leaves_the_other_metrics_alone(autojump_clock: Any) -> None:
    async def ask() -> Mapping[str, Any]:
        raise Unavailable("slow")

    assert await CountsNow().counts(ask) == {}


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("sigfox", 403), ("app", 403), ("admin", 200)])
def test_metrics_are_for_an_admin(daemon: Any, role: str | None, status: int) -> None:
    headers = {"x-api-key": daemon.keys[role]} if role else {}
    answer = httpx.get(f"{daemon.url}/metrics", headers=headers)
    assert answer.status_code == status
    assert ("evd_ready" in answer.text) == (status == 200)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running_daemon(tmp_path_factory.mktemp("metrics") / "evd") as running:
        yield running


def test_whoever_may_open_the_control_socket_may_scrape(daemon: Any) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(daemon.directory / "evd.sock"))) as client:
        assert "evd_ready 1.0" in client.get("http://evd/metrics").text


@pytest.mark.parametrize("accept", ["", "text/plain", "application/openmetrics-text;version=1.0.0"])
def test_a_scraper_gets_the_form_it_asks_for(daemon: Any, accept: str) -> None:
    headers = {"x-api-key": daemon.keys["admin"], "accept": accept}
    answer = httpx.get(f"{daemon.url}/metrics", headers=headers)
    assert answer.headers["content-type"].startswith(accept.split(";")[0] or "text/plain")
    assert answer.text.endswith("# EOF\n") == accept.startswith("application/openmetrics")


def test_callbacks_are_counted_by_what_came_of_them(daemon: Any) -> None:
    for _ in range(2):
        assert callback(daemon).status_code == 201
    found = scraped(daemon)
    assert found["evd_callbacks_total{newest}"] == 1
    assert found["evd_callbacks_total{duplicate}"] == 1
    assert found["evd_ingest_duration_seconds_count"] == 2
    assert 0 < found["evd_ingest_duration_seconds_sum"] < 60
    assert found["evd_commit_duration_seconds_count"] == found["evd_commits_total"] >= 2
    assert found["evd_commit_duration_seconds_bucket{+Inf}"] == found["evd_commit_duration_seconds_count"]
    assert found["evd_database_bytes"] > 0
    assert found["evd_disk_free_bytes"] > 0
    assert found["process_resident_memory_bytes"] > 1e6


# ---- lint: the rules of `promtool check metrics` (prometheus/client_golang, promlint/validations) ----

NOT_BASE = {"milliseconds", "microseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "percent", "grams"}
ABBREVIATED = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "pct"}
TYPES = {"counter", "gauge", "histogram", "summary"}
RESERVED = ("_bucket", "_count", "_sum")


def faults(metric: Metric) -> list[str]:
    words = set(metric.name.split("_"))
    found = [f"{word} is no base unit" for word in words & NOT_BASE]
    found += [f"{word} is an abbreviation" for word in words & ABBREVIATED]
    found += [f"{word} is a type" for word in words & TYPES]
    found += ["no help, or one that is no sentence"] if not re.fullmatch(r"\S.*\.", metric.documentation) else []
    found += ["not in snake_case"] if not re.fullmatch(r"[a-z][a-z0-9_]*", metric.name) else []
    if metric.name.endswith(RESERVED):
        found.append("a reserved ending")
    for sample in metric.samples:
        if sample.name.endswith("_total") != (metric.type == "counter") and not sample.name.endswith("_created"):
            found.append(f"{sample.name} of a {metric.type}")
        found += [f"label {label}" for label in sample.labels if not re.fullmatch(r"[a-z][a-z0-9_]*", label)]
    if metric.type == "histogram":
        found += _histogram_faults(metric)
    return found


def _histogram_faults(metric: Metric) -> list[str]:
    """Buckets rise up to +Inf, which is the count."""
    found = []
    series: dict[tuple[Any, ...], dict[float, float]] = {}
    for sample in metric.samples:
        if sample.name.endswith("_bucket"):
            labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
            series.setdefault(labels, {})[float(sample.labels["le"])] = sample.value
    for labels, buckets in series.items():
        counts = [buckets[bound] for bound in sorted(buckets)]
        total = [
            s.value for s in metric.samples if s.name.endswith("_count") and tuple(sorted(s.labels.items())) == labels
        ]
        if counts != sorted(counts) or max(buckets) != float("inf") or total != [counts[-1]]:
            found.append(f"buckets {buckets} of {labels}")
    return found


@pytest.mark.parametrize("form", ["plain", "openmetrics"])
def test_every_metric_passes_the_lint(daemon: Any, form: str) -> None:
    assert callback(daemon).status_code == 201
    accept, parse = {
        "plain": ("text/plain", text_string_to_metric_families),
        "openmetrics": ("application/openmetrics-text;version=1.0.0", openmetrics),
    }[form]
    headers = {"x-api-key": daemon.keys["admin"], "accept": accept}
    metrics = list(parse(httpx.get(f"{daemon.url}/metrics", headers=headers).text))
    own = [metric for metric in metrics if metric.name.startswith("evd_")]
    assert {metric.name for metric in own} >= {"evd_ingest_duration_seconds", "evd_commit_duration_seconds"}
    names = [metric.name for metric in metrics]
    assert len(names) == len(set(names)), "a family stands once"
    assert {metric.name: faults(metric) for metric in own if faults(metric)} == {}


def test_the_lint_finds_what_is_wrong() -> None:
    text = '# TYPE evd_wait_ms gauge\nevd_wait_ms 1\n# TYPE evd_h histogram\nevd_h_bucket{le="1"} 2\nevd_h_count 1\n'
    wait, histogram = text_string_to_metric_families(text)
    assert faults(wait) == ["ms is an abbreviation", "no help, or one that is no sentence"]
    assert [one for one in faults(histogram) if one.startswith("buckets")]


INGEST = b"POST /sigfox/uplink HTTP/1.1\r\nHost: x\r\n"
OTHER = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
NO_LENGTH = b"Content-Length: x\r\n\r\n"


def test_what_happens_at_the_servers_is_counted_from_its_cause_to_its_metric(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd", settings="[server]\nhead_timeout_s = 0.5\n") as daemon:
        host, _, port = daemon.url.removeprefix("http://").partition(":")

        def say(data: bytes) -> socket.socket:
            sock = socket.create_connection((host, int(port)), 10)
            sock.sendall(data)
            return sock

        def hear(data: bytes) -> bytes:
            """All that is answered, up to the end."""
            with say(data) as sock:
                return b"".join(iter(lambda: sock.recv(65_536), b""))

        def grown() -> dict[str, float]:
            return {name: value - before[name] for name, value in scraped(daemon).items() if name in BY_SERVERS}

        def counted() -> dict[str, float] | None:
            found = grown()
            return found if found["evd_connections_broken_total"] and found["evd_requests_refused_total{web}"] else None

        before = scraped(daemon)
        assert b" 400 " in hear(INGEST + NO_LENGTH)
        assert b" 408 " in hear(INGEST)
        assert b" 400 " in hear(OTHER + b"\r\n" + OTHER + NO_LENGTH)
        with say(b"") as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed by a reset
        found = until(counted)
    scrapes = found["evd_connections_handed_over_total"] - 1  # each comes by a connection that is handed over
    assert scrapes >= 1
    assert found == {
        "evd_connections_accepted_total": 4 + scrapes,
        "evd_edge_requests_total": 1 + scrapes,
        "evd_connections_handed_over_total": 1 + scrapes,
        "evd_connections_broken_total": 1,
        "evd_edge_timeouts_total": 1,
        "evd_requests_refused_total{edge}": 2,
        "evd_requests_refused_total{web}": 1,
        "evd_requests_failed_total{edge}": 0,
        "evd_requests_failed_total{web}": 0,
    }


BY_SERVERS = {
    "evd_connections_accepted_total",
    "evd_edge_requests_total",
    "evd_connections_handed_over_total",
    "evd_connections_broken_total",
    "evd_edge_timeouts_total",
    "evd_requests_refused_total{edge}",
    "evd_requests_refused_total{web}",
    "evd_requests_failed_total{edge}",
    "evd_requests_failed_total{web}",
}


def scraped(daemon: Any) -> dict[str, float]:
    text = httpx.get(f"{daemon.url}/metrics", headers={"x-api-key": daemon.keys["admin"]}).text
    return {
        sample.name + "".join(f"{{{label}}}" for label in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def until(holds: Callable[[], Any], timeout_s: float = 20) -> Any:
    end = time.monotonic() + timeout_s
    while not (found := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def test_refused_credentials_reach_the_operator_everywhere(tmp_path: Path) -> None:
    """FCM answers 401 to each message: the log, /readyz, /metrics and the operator's webhook say so."""
    with fake_fcm(tmp_path) as fcm, receiver() as hook:
        busy = "loop_lag_ms = 10000\n"  # a machine that has other things to do is not what is tested here
        settings = f'[alerts]\nwebhook = "{hook.url}/alarms"\n{busy}'
        with whole_chain(tmp_path, fcm, settings=settings) as evd:
            register(evd, "thirdparty-1")
            assert callback(evd).status_code == 201

            def alarms() -> Any:
                return httpx.get(f"{evd.url}/readyz").json()["alarms"]

            (alarm,) = until(alarms)
            assert alarm["name"] == "push_credentials"
            assert "the provider refuses evd" in alarm["sentence"]
            assert "401 THIRD_PARTY_AUTH_ERROR" in alarm["sentence"]
            assert httpx.get(f"{evd.url}/readyz").status_code == 200, "callbacks are taken all the same"
            found = scraped(evd)
            assert found["evd_alarm{push_credentials}"] == 1
            assert found["evd_push_paused"] == 1
            ((path, _, body),) = hook.wait_for(1)
            assert path == "/alarms"
            told = json.loads(body)
            assert (told["alarm"], told["state"], told["since"]) == ("push_credentials", "raised", alarm["since"])
            assert told["text"] == alarm["sentence"]
            evd.event("alarm", alarm="push_credentials")
            assert len(evd.events_so_far("alarm")) == 1
