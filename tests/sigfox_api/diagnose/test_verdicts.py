"""What a finding of the check means: its outcome, its sentence and the advice."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from evd.clock import now_ms
from evd.model.units import DAY_S
from evd.net.client.http import Response
from evd.sigfox_api.diagnose.verdicts import (
    EXPIRES_SOON_DAYS,
    FAILED,
    OK,
    WARNING,
    Peer,
    judge_addresses,
    judge_answer,
    judge_certificate,
    judge_health,
    judge_push,
    reason,
)


@pytest.mark.parametrize(
    ("status", "document", "last", "outcome"),
    [
        (401, {"Error": "Unauthorized", "detail": "no"}, "key", FAILED),
        (403, {"Error": "Forbidden", "detail": "no"}, "key", FAILED),
        (400, {"Error": "Bad request", "detail": "no"}, "decode", FAILED),
        (400, {"Error": "Unknown vehicle", "detail": "no"}, "decode", FAILED),
        (503, {"Error": "Service unavailable", "detail": "no"}, "commit", FAILED),
        (500, {}, "commit", FAILED),
        (418, {}, "callback", FAILED),
        (201, {}, "callback", FAILED),  # without a status id: that is no evd
    ],
)
def test_an_answer_shows_how_far_the_callback_came(
    status: int, document: dict[str, str], last: str, outcome: str
) -> None:
    steps = judge_answer(Response(status, {}, json.dumps(document).encode()))
    assert (steps[-1].name, steps[-1].outcome) == (last, outcome)
    assert all(step.outcome == OK for step in steps[:-1])


@pytest.mark.parametrize(
    ("stats", "outcome", "says"),
    [
        ({"push": {"enabled": True, "paused": ""}, "stored": {"registrations": 3}}, OK, "3 phones"),
        ({"push": {"enabled": True, "paused": "quota"}}, WARNING, "quota"),
        ({"push": {"enabled": False}}, WARNING, "off"),
        ({}, WARNING, "off"),
    ],
)
def test_pushes_are_judged_by_the_daemons_own_figures(stats: dict[str, Any], outcome: str, says: str) -> None:
    found, text, _ = judge_push(stats)
    assert found == outcome
    assert says in text


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"{}"])
def test_a_page_of_another_server_is_no_evd(body: bytes) -> None:
    assert judge_health(Response(200, {}, body)).outcome == WARNING


def test_a_callback_on_disk_passes_all_three_steps_and_its_id_is_shown() -> None:
    steps = judge_answer(Response(201, {"x-status-id": "s1"}, b""))
    assert [(step.name, step.outcome) for step in steps] == [("key", OK), ("decode", OK), ("commit", OK)]
    assert "status s1 of vehicle evd-check" in steps[-1].text


@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome", "says"),
    [
        (200, {}, b'{"version":"1.2"}', OK, "evd 1.2 answers"),
        (404, {}, b'{"version":"1.2"}', WARNING, "answered with 404"),
        (301, {"location": "https://x.example/" + "y" * 300}, b"", FAILED, "on to https://x.example/"),
        (302, {}, b"", FAILED, "on to somewhere else"),
        (399, {}, b"", FAILED, "on to"),
        (500, {}, b'{"version":"1.2"}', FAILED, "answers 500"),
        (502, {}, b"", FAILED, "answers 502"),
    ],
)
def test_only_an_evd_that_answers_itself_is_well(
    status: int, headers: dict[str, str], body: bytes, outcome: str, says: str
) -> None:
    step = judge_health(Response(status, headers, body))
    assert (step.name, step.outcome) == ("HTTP", outcome)
    assert says in step.text and len(step.text) < 250
    assert bool(step.advice) is (outcome != OK)


@pytest.mark.parametrize(
    ("addresses", "outcome"),
    [(["192.0.2.1"], OK), (["2001:db8::1", "192.0.2.1"], OK), (["2001:db8::1", "2001:db8::2"], WARNING)],
)
def test_sigfox_calls_from_ipv4(addresses: list[str], outcome: str) -> None:
    found, text, advice = judge_addresses("evd.example", addresses)
    assert (found, text) == (outcome, f"evd.example is {', '.join(addresses)}")
    assert ("A record" in advice) is (outcome == WARNING)


@pytest.mark.parametrize(
    ("left_s", "outcome", "days"),
    [
        (EXPIRES_SOON_DAYS * DAY_S, OK, EXPIRES_SOON_DAYS),
        (EXPIRES_SOON_DAYS * DAY_S - 1, WARNING, EXPIRES_SOON_DAYS - 1),
        (90 * DAY_S, OK, 90),
    ],
)
def test_a_certificate_that_ends_soon_was_not_renewed_by_itself(left_s: int, outcome: str, days: int) -> None:
    now_s = now_ms() // 1000
    end = datetime.fromtimestamp(now_s + left_s, UTC).strftime("%b %d %H:%M:%S %Y GMT")
    found, text, _ = judge_certificate(Peer(b"", "TLSv1.3", end), now_s * 1000)
    assert (found, text) == (outcome, f"TLSv1.3, the chain is trusted, the certificate holds for {days} days")


def test_a_reason_is_the_errors_own_words_or_else_its_type() -> None:
    assert reason(OSError(2, "No such file")) == "No such file"
    assert reason(ValueError("odd")) == "odd"
    assert reason(TimeoutError()) == "TimeoutError"
