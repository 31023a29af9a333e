"""evd push: whether pushes go out, in a line; and the way of one status, in times that can be compared."""

from __future__ import annotations

from typing import Any

import pytest
from command_line import Evd

from evd.cli.push import _later, _moment, _to_whom, _traced, how

GOES = {"paused_since": None, "enabled": True, "held_up": "", "registered": 2, "stale": 0, "stale_after_days": 30}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "pushes go out; 2 phones registered"),
        ({"registered": 1}, "pushes go out; 1 phone registered"),
        ({"registered": 0}, "pushes go out; 0 phones registered"),
        (
            {"stale": 1},
            "pushes go out; 2 phones registered, 1 of them stale: not renewed for 30 days, sent nothing",
        ),
        ({"held_up": "the quota is used up"}, "pushes are delayed: the quota is used up; 2 phones registered"),
        ({"enabled": False, "held_up": "x"}, "this evd pushes nothing: push.credentials is not set"),
        (
            {"paused_since": 1000, "enabled": False},
            "pushes are paused since 1970-01-01 00:00:01 UTC (",
        ),
    ],
)
def test_of_several_reasons_why_nothing_goes_out_the_first_to_mend_is_named(changes: dict[str, Any], line: str) -> None:
    assert how({**GOES, **changes}).startswith(line)


@pytest.mark.parametrize(
    ("registered", "taken", "line"),
    [
        (2, 1, "to 1 phone; 2 phones registered"),
        (1, 0, "to 0 phones; 1 phone registered"),
        (0, 0, "no phone is registered for vehicle A1: its app does that at log-in, or when it starts"),
        (0, 3, "to 3 phones; no phone is registered for vehicle A1: its app does"),
    ],
)
def test_to_whom_a_status_was_pushed(registered: int, taken: int, line: str) -> None:
    assert _to_whom({"registered": registered, "taken": taken, "vehicle": "A1"}).startswith(line)


@pytest.mark.parametrize(
    ("first", "then", "unit", "text"),
    [
        (1000, 3500, "s", "  +2.500 s"),
        (3500, 1000, "s", "  -2.500 s"),
        (1000, 1007, "ms", "  +7 ms"),
        (1000, 1000, "ms", "  +0 ms"),
        (None, 1000, "ms", ""),
        (1000, None, "s", ""),
    ],
)
def test_how_much_later_one_time_is(first: int | None, then: int | None, unit: str, text: str) -> None:
    assert _later(first, then, unit) == text


def test_a_time_that_is_not_known_is_said_in_words() -> None:
    assert _moment(None, "not recorded") == "not recorded"
    assert _moment(1234, "not recorded") == "1970-01-01 00:00:01.234 UTC"


@pytest.mark.parametrize(
    ("said", "registered", "text"),
    [("m/1", True, "m/1"), ("m/1", False, "m/1 (no longer registered)"), ("", False, "(no longer registered)"),
     ("", True, None)],
)  # fmt: skip
def test_a_phone_that_is_gone_is_marked_in_a_trace(said: str, registered: bool, text: str | None) -> None:
    row = {"sent": 1000, "answered": None, "due": None, "said": said, "registered": registered}
    assert _traced(row)["said"] == text


def test_pushes_are_paused_and_resumed_beside_a_daemon_without_a_provider(evd: Evd) -> None:
    assert evd("push", "pause").out.startswith("pushes are paused since ")
    assert evd("push", "list").out.startswith("Nothing waits, and nothing was pushed.\npushes are paused since ")
    assert evd("push", "list", "--waiting").out.startswith("Nothing waits.\n")
    assert evd("push", "resume").out.startswith("this evd pushes nothing: ")
    assert evd("push", "resume", "--json").json["paused_since"] == 0
    assert evd("push", "trace", "no-such-status").code == 1
    assert evd("push", "test", "NEVER").code == 1
