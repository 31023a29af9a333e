"""The readings that alarms judge, of the daemon's state."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from watched_alarms import NOW, TAKES_PUSHES

from evd.alarms.readings import Readings, readings_of
from evd.model.daemon_state import (
    DaemonState,
    DiskState,
    PauseReason,
    ProviderState,
    PushOutcome,
    PushState,
)

STATE = DaemonState(
    version="1",
    codec="c",
    ingest={"newest": 3, "rejected": 2, "format missing": 1},
    disk=DiskState(free=5, total=100, database=20, log=7),
    certificate_ends_s=NOW / 1000 + 86_400,
)


def test_readings_are_read_from_the_daemons_state() -> None:
    found = readings_of(STATE, NOW, rejected_max=9)
    wanted = Readings(
        now=NOW,
        rejections=2,
        rejected_max=9,
        callbacks=5,
        disk_free_bytes=5,
        disk_total_bytes=100,
        log_bytes=7,
        newest=3,
        certificate_days=1.0,
    )
    assert found == wanted


@pytest.mark.parametrize(
    ("pause", "outcomes", "kind"),
    [
        (TAKES_PUSHES, {}, None),
        (TAKES_PUSHES, {PushOutcome.RETRIED: 1}, None),
        (TAKES_PUSHES, {PushOutcome.SENT: 1}, TAKES_PUSHES),
        (PauseReason.CREDENTIALS, {}, PauseReason.CREDENTIALS),
        (PauseReason.QUOTA, {PushOutcome.QUOTA: 1}, PauseReason.QUOTA),
    ],
)
def test_that_a_provider_takes_pushes_is_known_once_it_took_one(
    pause: PauseReason, outcomes: Mapping[PushOutcome, int], kind: PauseReason | None
) -> None:
    push = PushState(pause=pause, providers={"fcm": ProviderState(in_flight=0, outcomes=outcomes)})
    assert readings_of(msgspec.structs.replace(STATE, push=push), NOW, rejected_max=1).pause_kind is kind
