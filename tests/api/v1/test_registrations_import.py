"""Phones of another system, many at a time: those that cannot be imported are named by their index."""

from __future__ import annotations

from typing import Any

import pytest
from api_asking import Asking

from evd.api.v1.registrations_import import AT_ONCE_MAX


def imported(ask: Asking, *phones: dict[str, Any]) -> tuple[int, list[int]]:
    """How many were registered, and the indexes of the others."""
    answer = ask("POST", "/registrations/import", {"registrations": phones})
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert all(one["error"] for one in shown["refused"])
    return shown["registered"], [one["index"] for one in shown["refused"]]


def test_each_user_owns_the_vehicle_and_the_phone_is_renewed_by_a_repetition(ask: Asking) -> None:
    phones = [
        {"vehicle": "001aa1", "uid": "rita", "token": "t1"},
        {"vehicle": "1AA1", "uid": "rolf", "fid": "cX1-yZ_abcdefghijklmn"},
    ]
    for _ in range(2):
        assert imported(ask, *phones) == (2, [])
    listed = ask("GET", "/registrations?vehicle=1AA1").json()
    assert sorted(row["uid"] for row in listed) == ["rita", "rolf"]
    owners = {(row["uid"], row["vehicle"], row["relation"]) for row in ask("GET", "/owners").json()}
    assert {("rita", "1AA1", "owner"), ("rolf", "1AA1", "owner")} <= owners


def test_what_cannot_be_imported_is_named_and_the_others_are(ask: Asking) -> None:
    good = {"vehicle": "1AA2", "uid": "rita", "token": "t2"}
    wrong: list[Any] = [
        {**good, "uid": ""},
        {**good, "fid": "both"},
        {"vehicle": "1AA2", "uid": "rita"},
        {**good, "vehicle": "x" * 65},
        {**good, "more": 1},
        "no phone",
    ]
    assert imported(ask, *wrong, good) == (1, list(range(len(wrong))))
    assert imported(ask) == (0, [])


@pytest.mark.parametrize("body", [{}, {"registrations": [{}] * (AT_ONCE_MAX + 1)}, {"registrations": [], "more": 1}])
def test_a_body_of_another_form_is_refused(ask: Asking, body: Any) -> None:
    assert ask("POST", "/registrations/import", body).status_code == 400
