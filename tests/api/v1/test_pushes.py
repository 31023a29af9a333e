"""Pushes over HTTP where no provider is set up: lists, traces, the operator's pause, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from api_asking import Asking

from evd.api.v1.pushes import STATUS_ID_MAX, _last_position


def test_without_a_provider_lists_say_so(ask: Asking) -> None:
    shown = ask("GET", "/pushes").json()
    assert (shown["enabled"], shown["held_up"], shown["waiting"], shown["finished"]) == (False, "", [], [])


def test_a_pause_is_kept_from_when_it_was_first_asked_for(ask: Asking) -> None:
    since = ask("POST", "/pushes/pause").json()["paused_since"]
    assert since > 0
    assert ask("POST", "/pushes/pause").json()["paused_since"] == since, "a repetition changes nothing"
    assert ask("GET", "/pushes").json()["paused_since"] == since
    for _ in range(2):
        assert ask("POST", "/pushes/resume").json()["paused_since"] == 0


def test_a_status_is_traced_with_and_without_its_vehicle(ask: Asking) -> None:
    ask.send("BB1")
    status_id = ask("GET", "/vehicles/BB1/last").json()["id"]
    traced = ask("GET", f"/pushes/trace/{status_id}?vehicle=00bb1").json()
    assert (traced["vehicle"], traced["status_id"]) == ("BB1", status_id)
    assert ask("GET", f"/pushes/trace/{status_id}").json() == traced
    assert ask("GET", f"/pushes/trace/{status_id}?vehicle=BB2").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("GET", "/pushes?waiting=2", None, 400, "waiting is '2': it must be 0 or 1"),
        ("GET", f"/pushes?vehicle={'x' * 65}", None, 400, "1 to 64 printable"),
        ("GET", "/pushes/trace/never", None, 404, "no status 'never'"),
        ("GET", f"/pushes/trace/{'x' * (STATUS_ID_MAX + 1)}", None, 404, f"no status '{'x' * STATUS_ID_MAX}'"),
        ("POST", "/pushes/test", {"vehicle": "BB1"}, 400, "this evd pushes nothing: set push.credentials"),
        ("POST", "/pushes/test", {}, 400, "the body is invalid"),
    ],
)
def test_what_cannot_be_is_refused(ask: Asking, method: str, path: str, body: Any, status: int, says: str) -> None:
    answer = ask(method, path, body)
    assert (answer.status_code, says in answer.json()["detail"]) == (status, True), answer.text


def test_the_next_page_begins_behind_the_last_push_of_each_list() -> None:
    waiting: list[Any] = [{"at": at, "place": place} for at, place in ((1, 1), (2, 5), (3, 2))]
    states, events = [waiting[0], waiting[2]], [waiting[1]]
    assert _last_position(waiting, states, (0, 0)) == (3, 2)
    assert _last_position(waiting[:2], states, (0, 0)) == (1, 1)
    assert _last_position(waiting[:1], events, (9, 9)) == (9, 9), "none of it was given: it begins where it began"
    twin: list[Any] = [{"at": 1, "place": 1}]
    assert _last_position(twin, states, (9, 9)) == (9, 9), "equal is not the same"
