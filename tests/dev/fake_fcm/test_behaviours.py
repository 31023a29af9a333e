"""What the fake FCM does on request: by what a token begins with, and by its mood."""

from __future__ import annotations

import json

import pytest
from fcm_message import NOW, SEND, STATUSES, ask, google, message

from evd.dev.fake_fcm.behaviours import BEHAVIOURS, RecentWords, planned, refusal


@pytest.mark.parametrize("prefix", STATUSES)
def test_a_token_says_how_its_messages_fail(prefix: str) -> None:
    status, answer, line = ask({"message": message(f"{prefix}-1")})
    codes = [detail["errorCode"] for detail in answer["error"]["details"] if "FcmError" in detail["@type"]]
    assert (status, codes) == (STATUSES[prefix][0], [STATUSES[prefix][1]])
    assert line is not None and line["status"] == status


def test_a_flaky_token_fails_the_first_time_only_and_each_by_itself() -> None:
    fake = google()
    tokens = ["flaky-a", "flaky-b", "flaky-a", "flaky-b", "flaky-a"]
    assert [ask({"message": message(token)}, fake)[0] for token in tokens] == [503, 503, 200, 200, 200]


@pytest.mark.parametrize(
    ("token", "delay_s"), [("slow2-a", 2), ("slow0.5-a", 0.5), ("slow", 0), ("slowly", 0), ("slow99999", 3600)]
)
def test_a_slow_token_says_how_slow(token: str, delay_s: float) -> None:
    reply, _ = google().answer(b"POST", SEND, b"Bearer good", json.dumps({"message": message(token)}).encode(), NOW)
    assert (reply.status, reply.delay_s) == (200, delay_s)
    assert b"projects/evd-demo" in reply.body


def test_no_behaviour_hides_another() -> None:
    """The first row that fits decides, so a longer prefix stands before a shorter one that it begins with."""
    prefixes = [row.prefix for row in BEHAVIOURS]
    assert [next(one for one in prefixes if prefix.startswith(one)) for prefix in prefixes] == prefixes


def test_only_the_newest_words_are_remembered() -> None:
    seen = RecentWords(2)
    assert [seen.before(word) for word in "abacab"] == [False, False, True, False, False, False]


@pytest.mark.parametrize("target", ["phone", "", "Hang", "not-hang"])
def test_what_begins_with_no_prefix_is_delivered(target: str) -> None:
    assert planned(target, RecentWords(9)) is None


@pytest.mark.parametrize(("target", "seconds"), [("retry503-75:x", "75"), ("retry503", None), ("retry503-x", None)])
def test_when_to_come_again_stands_in_the_token(target: str, seconds: str | None) -> None:
    reply = planned(target, RecentWords(9))
    assert reply is not None
    assert (reply.status, dict(reply.headers).get("Retry-After")) == (503, seconds)


def test_a_refusal_names_what_is_at_fault_as_fcm_does() -> None:
    found = json.loads(refusal(400, "INVALID_ARGUMENT", "why", "INVALID_ARGUMENT", field="message.data").body)["error"]
    assert (found["code"], found["status"], found["message"]) == (400, "INVALID_ARGUMENT", "why")
    assert [detail["@type"].rpartition(".")[2] for detail in found["details"]] == ["FcmError", "BadRequest"]
    assert found["details"][1]["fieldViolations"] == [{"field": "message.data", "description": "why"}]
    quota = json.loads(refusal(429, "RESOURCE_EXHAUSTED", "why", quota_of="device:x").body)["error"]["details"]
    assert quota[0]["violations"] == [{"subject": "device:x", "description": "why"}]
    assert json.loads(refusal(404, "NOT_FOUND", "why").body)["error"]["details"] == []
