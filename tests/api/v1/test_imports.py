"""What moves in over HTTP: a verdict on each item, in order, and what is refused costs itself only."""

from __future__ import annotations

from typing import Any

import pytest
from api_asking import Asking

from evd.api.v1.imports import AT_ONCE_MAX, KEPT_MAX

TIME = 1_764_277_200_000


def verdicts(ask: Asking, what: str, *items: Any, **more: Any) -> list[Any]:
    """Words, and titles of what was refused."""
    answer = ask("POST", f"/import/{what}", {"items": items, **more})
    assert answer.status_code == 200, answer.text
    return [one if isinstance(one, str) else one["error"] for one in answer.json()["verdicts"]]


def status(vehicle: str = "1D01", time: int = TIME, *, connectivity: int = 1, **fields: Any) -> dict[str, Any]:
    return {"document": {"vehicleId": vehicle, "timestamp": time, "range": 7, **fields}, "connectivity": connectivity}


def test_statuses_have_the_verdicts_of_the_ring(ask: Asking) -> None:
    items = [status(), status(time=TIME - 1), status(), status(connectivity=3), status(vehicle="")]
    assert verdicts(ask, "statuses", *items) == [
        *("newest", "late", "duplicate"),
        *("Bad request", "Missing basic attributes"),
    ]
    assert verdicts(ask, "statuses", *items[:2]) == ["duplicate", "duplicate"], "it may be repeated"


@pytest.mark.parametrize("what", ["statuses", "owners", "profiles", "registrations"])
def test_without_write_nothing_is_written(ask: Asking, what: str) -> None:
    items: dict[str, Any] = {
        "statuses": status("1D02"),
        "owners": {"uid": "ida", "vehicle": "1D02"},
        "profiles": {"vehicle": "1D02", "profile": {"name": "Zoe"}},
        "registrations": {"vehicle": "1D02", "token": "t", "uid": "ida"},
    }
    assert verdicts(ask, what, items[what], write=False) == ["readable"]
    assert ask("GET", "/vehicles/1D02").status_code == 404
    assert "ida" not in {row["uid"] for row in ask("GET", "/owners").json()}


def test_owners_are_new_or_known(ask: Asking) -> None:
    one = {"uid": "iris", "vehicle": "001d03"}
    wrong = {"uid": "", "vehicle": "1D03"}
    long = {**one, "uid": "ivan", "rest": {"note": {"S": "x" * KEPT_MAX}}}
    assert verdicts(ask, "owners", one, one, wrong, long) == ["new", "known", "Invalid user id", "Too long"]


def test_a_profile_changes_nothing_that_is_known(ask: Asking) -> None:
    ask.own("iris", "1D04")
    items = [{"vehicle": "1D04", "profile": profile} for profile in ({"name": "Zoe"}, {"name": "Leaf"})]
    assert verdicts(ask, "profiles", *items) == ["new", "known"]
    assert ask("GET", "/vehicles/1D04/profile").json()["name"] == "Zoe"
    assert verdicts(ask, "profiles", {"vehicle": "NEVER", "profile": {"name": "x"}}) == ["Unknown vehicle"]


@pytest.mark.parametrize("profile", [{"zone": "Prague"}, {"phases": 9}, {"name": 7}, {"plate": "x"}, [], None])
def test_a_profile_that_cannot_be_costs_itself_only(ask: Asking, profile: Any) -> None:
    ask.own("iris", "1D09")
    items = [{"vehicle": "1D09", "profile": one} for one in (profile, {"regNumber": "1AB 2345"})]
    wrong, good = verdicts(ask, "profiles", *items)
    assert (wrong, good in ("new", "known")) == ("Bad request", True)


def test_a_phone_is_its_vehicle_s_owner_s(ask: Asking) -> None:
    for uid, vehicle, relation in (
        *(("iris", "1D05", "owner"), ("vera", "1D05", "viewer"), ("iris", "1D06", "owner")),
        ("ivan", "1D06", "owner"),
    ):
        ask.own(uid, vehicle, relation)
    phones: list[tuple[str, str, str]] = [
        ("1D05", "", "new"),
        ("1D05", "", "known"),
        ("1D05", "vera", "known"),  # a viewer is no owner: it is the only owner's
        ("1D06", "", "Several owners"),
        ("1D06", "ivan", "new"),
        ("1D06", "eve", "Several owners"),
        ("1D07", "ivan", "Owner unknown"),
        ("x" * 65, "", "Missing basic attributes"),
    ]
    for vehicle, uid, verdict in phones:
        item = {"vehicle": vehicle, "token": f"phone of {vehicle}", "uid": uid}
        assert verdicts(ask, "registrations", item) == [verdict], (vehicle, uid)
    assert [row["uid"] for row in ask("GET", "/registrations?vehicle=1D06").json()] == ["ivan"]


@pytest.mark.parametrize(
    "body",
    [
        {"items": [{"uid": "a", "vehicle": "A"}] * (AT_ONCE_MAX + 1)},
        {"items": [{"uid": "a"}]},
        {"items": [{"uid": "a", "vehicle": "A", "more": 1}]},
        {"items": {}},
        {},
    ],
    ids=["too many", "a member missing", "a member more", "no list", "none"],
)
def test_a_body_of_another_form_is_refused_whole(ask: Asking, body: Any) -> None:
    assert ask("POST", "/import/owners", body).status_code == 400


def test_as_many_as_may_come_at_once_are_taken_in_their_order(ask: Asking) -> None:
    items = [{"uid": f"many {number}", "vehicle": "1D08"} for number in range(5)]
    assert verdicts(ask, "owners", *items, *items) == ["new"] * 5 + ["known"] * 5
