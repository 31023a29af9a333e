"""Downlinks over HTTP: queued, listed, cancelled."""

from __future__ import annotations

from typing import Any

import pytest
from api_asking import Asking

from evd.model.units import DAY_S

HEX = "0102030405060708"
GRAMMAR = "limit::uint:8 on:1:bool:7"


def test_a_downlink_is_queued_shown_and_cancelled_once(ask: Asking) -> None:
    made = ask("POST", "/vehicles/00a1/downlinks", {"payload": HEX, "expires_s": 3600})
    assert made.status_code == 201
    row = made.json()
    assert row["expires"] - row["created"] == 3_600_000
    assert {name: value for name, value in row.items() if name not in ("number", "created", "expires")} == {
        "vehicle": "A1",
        "payload": HEX,
        "state": "queued",
        **dict.fromkeys(("offered", "asked_by", "asked_time", "closed", "info_code", "info")),
    }
    assert ask("GET", "/vehicles/A1/downlinks").json() == [row]
    assert row in ask("GET", "/downlinks?state=queued").json()

    cancelled = ask("DELETE", f"/downlinks/{row['number']}")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert row not in ask("GET", "/downlinks?state=queued").json()
    again = ask("DELETE", f"/downlinks/{row['number']}")
    assert again.status_code == 409
    assert again.json()["detail"] == f"downlink {row['number']} is cancelled: only queued ones can be cancelled"


def test_lists_begin_with_the_newest_and_hold_as_many_as_are_asked_for(ask: Asking) -> None:
    numbers = [ask("POST", "/vehicles/B1/downlinks", {"payload": HEX}).json()["number"] for _ in range(3)]
    listed = ask("GET", "/vehicles/B1/downlinks?limit=2").json()
    assert [row["number"] for row in listed] == numbers[:0:-1]


@pytest.mark.parametrize("format_", ["wish", GRAMMAR])
def test_fields_are_written_in_a_format_by_name_or_in_a_grammar(ask: Asking, format_: str) -> None:
    wish = {"fields": {"limit": 16, "on": True}, "format": format_}
    row = ask("POST", f"/vehicles/C{len(format_)}/downlinks", wish).json()
    assert row["payload"] == "1080000000000000"


def test_a_downlink_lasts_as_long_as_the_setting_says(ask: Asking) -> None:
    row = ask("POST", "/vehicles/D1/downlinks", {"payload": HEX}).json()
    assert row["expires"] - row["created"] == 7 * DAY_S * 1000


def test_a_vehicle_has_no_more_waiting_than_the_setting_says(ask: Asking) -> None:
    answers = [ask("POST", "/vehicles/E1/downlinks", {"payload": HEX}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 400]
    assert "sigfox.downlinks_per_vehicle" in answers[-1].json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "part"),
    [
        ("POST", "/vehicles/F1/downlinks", {"payload": "0102"}, 400, "has 2 bytes, a downlink has exactly 8"),
        ("POST", "/vehicles/F1/downlinks", {"payload": "zz"}, 400, "is no hex text"),
        ("POST", "/vehicles/F1/downlinks", {}, 400, "give either the payload as hex, or fields and their format"),
        ("POST", "/vehicles/F1/downlinks", {"payload": HEX, "format": "wish"}, 400, "give either"),
        ("POST", "/vehicles/F1/downlinks", {"fields": {"limit": 1}}, 400, "give either"),
        ("POST", "/vehicles/F1/downlinks", {"fields": {"limit": 1}, "format": "wisch"}, 400, "no format 'wisch'"),
        ("POST", "/vehicles/F1/downlinks", {"fields": {"limit": 1}, "format": "ev"}, 400, "the format needs 12 bytes"),
        ("POST", "/vehicles/F1/downlinks", {"fields": {"a": 1}, "format": "a::uint:99"}, 400, "1 to 64 bits"),
        ("POST", "/vehicles/F1/downlinks", {"fields": {"limit": 256}, "format": "wish"}, 400, "0 to 255"),
        ("POST", "/vehicles/F1/downlinks", {"payload": HEX, "expires_s": 59}, 400, "expires_s is 59"),
        ("POST", "/vehicles/F1/downlinks", {"payload": HEX, "ttl": 60}, 400, "the body is invalid"),
        ("POST", "/vehicles/F1/downlinks", [], 400, "the body is invalid"),
        ("POST", f"/vehicles/{'F' * 65}/downlinks", {"payload": HEX}, 400, "1 to 64 printable characters"),
        ("GET", "/downlinks?state=lost", None, 400, "there is no state 'lost'"),
        ("GET", "/downlinks?limit=0", None, 400, "from 1 to 10000"),
        ("GET", "/vehicles/F1/log?limit=x", None, 400, "from 1 to 10000"),
        ("DELETE", "/downlinks/99999", None, 404, "there is no downlink 99999"),
        ("DELETE", f"/downlinks/{10**30}", None, 404, "there is no downlink"),
        ("DELETE", "/downlinks/one", None, 404, ""),
    ],
)
def test_what_is_refused_is_reported_in_a_sentence_and_changes_nothing(
    ask: Asking, method: str, path: str, body: Any, status: int, part: str
) -> None:
    answer = ask(method, path, body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert part in answer.json()["detail"]
    assert ask("GET", "/vehicles/F1/downlinks").json() == []
