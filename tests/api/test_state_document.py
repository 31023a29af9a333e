"""What /readyz and /api/v1/stats say of the daemon's state."""

from __future__ import annotations

import orjson

from evd.api.state_document import readiness, statistics
from evd.model.daemon_state import (
    DaemonState,
    DiskState,
    EventsState,
    LoopState,
    NotReady,
    PauseReason,
    ProviderState,
    PushOutcome,
    PushState,
    StandingAlarm,
    StoppedPhonesState,
    UnexplainedState,
)

BARE = DaemonState(version="1.2.3", codec="c")
BUSY = DaemonState(
    version="1.2.3",
    codec="c",
    not_ready=NotReady.DISK_FULL,
    ingest={"newest": 7},
    unexplained=UnexplainedState(statuses=2, vehicles=1, vehicle="386625", fields=("state",)),
    push=PushState(
        held_since=5,
        pause=PauseReason.CREDENTIALS,
        pause_text="401",
        oldest_pending_s=1.5,
        displaced=1,
        providers={
            "fcm": ProviderState(in_flight=2, outcomes={PushOutcome.SENT: 3, PushOutcome.DROPPED: 1}),
            "webhook": ProviderState(in_flight=1, outcomes={PushOutcome.SENT: 4}),
        },
    ),
    stopped=StoppedPhonesState(registered=9, stale=1),
    events=EventsState(waiting=1, recorded={"charged": 2}),
    disk=DiskState(free=0, total=10, full=True),
    loop=LoopState(worst_s=0.5, sum_s=1.0, buckets=[("0.1", 1), ("+Inf", 2)]),
    alarms=[StandingAlarm(name="disk_low", severity="critical", since=4, sentence="free some space")],
)
ALARM = {"name": "disk_low", "severity": "critical", "since": 4, "sentence": "free some space"}


def test_readiness_says_why_not_and_what_alarms() -> None:
    assert orjson.loads(orjson.dumps(readiness(BUSY))) == {
        "ready": False,
        "reason": "the disk is full",
        "push": {"enabled": True, "held_since": 5, "paused": "401"},
        "alarms": [ALARM],
    }
    assert readiness(BARE) == {"ready": True, "reason": "", "push": {"enabled": False}, "alarms": []}


def test_statistics_have_each_part_under_its_name() -> None:
    assert orjson.loads(orjson.dumps(statistics(BUSY))) == {
        "running": True,
        "ready": False,
        "reason": "the disk is full",
        "version": "1.2.3",
        "codec": "c",
        "insecure": [],
        "ingest": {"newest": 7},
        "unexplained": {"statuses": 2, "vehicles": 1, "vehicle": "386625", "fields": ["state"]},
        "writer": {"waiting": 0, "commits": 0, "committed": 0, "stalled": ""},
        "connections": {
            "open": 0,
            "strangers": 0,
            "gave_way": 0,
            "turned_away": 0,
            "let_go": 0,
            "crowded_by": "",
            "streams": 0,
        },
        "servers": {
            "connections": 0,
            "requests": 0,
            "refused": 0,
            "timed_out": 0,
            "handed_over": 0,
            "broken": 0,
            "failed": 0,
            "web_refused": 0,
            "web_failed": 0,
        },
        "push": {
            "enabled": True,
            "held": True,
            "held_since": 5,
            "in_flight": 3,
            "paused": "401",
            "paused_kind": "Pause",
            "oldest_pending_s": 1.5,
            "outcomes": {"sent": 7, "registration dropped": 1},
            "displaced": 1,
            "providers": {
                "fcm": {"in_flight": 2, "outcomes": {"sent": 3, "registration dropped": 1}},
                "webhook": {"in_flight": 1, "outcomes": {"sent": 4}},
            },
            "stopped": {"registered": 9, "stale": 1, "missed": 0, "off": 0},
        },
        "events": {"waiting": 1, "recorded": {"charged": 2}},
        "disk": {"free": 0, "total": 10, "full": True},
        "loop": {"worst_s": 0.5, "sum_s": 1.0, "buckets": [["0.1", 1], ["+Inf", 2]]},
        "clock": {"behind_s": 0.0},
        "log": {"lines_dropped": 0},
        "certificate_ends_s": None,
        "alarms": [ALARM],
    }


def test_what_is_not_known_or_not_set_up_is_left_out_of_statistics() -> None:
    document = statistics(BARE)
    assert (document["push"], document["events"], document["disk"]) == (
        {"enabled": False, "stopped": {}},
        {},
        {"full": False},
    )
