"""Administration over HTTP: keys, owners, and how a vehicle is set up."""

from __future__ import annotations

from typing import Any

import pytest
from api_asking import Asking

from evd.api.v1.admin import NAME_MAX
from evd.config.limits import STATUSES_PER_VEHICLE_MAX

SECRET = "hZ3kQ9vT1mB7xW5cR2nL8pD4sF6gJ0aY"


def test_a_new_key_is_shown_once_and_counts_until_it_is_revoked(ask: Asking) -> None:
    made = ask("POST", "/keys", {"role": "admin", "name": "cron"}).json()
    shown = {"x-api-key": made.pop("key")}
    assert ask("GET", "/keys", headers=shown).status_code == 200
    (listed,) = (row for row in ask("GET", "/keys").json() if row["id"] == made["id"])
    assert made.items() <= listed.items() and listed["revoked"] is None
    assert shown["x-api-key"] not in str(ask("GET", "/keys").json())
    assert ask("DELETE", f"/keys/{made['id']}").json() == {"id": made["id"], "revoked": True}
    assert ask("GET", "/keys", headers=shown).status_code == 401
    assert ask("DELETE", f"/keys/{made['id']}").status_code == 404


def test_a_clients_own_key_gains_roles_and_is_never_shown(ask: Asking) -> None:
    first = ask("POST", "/keys", {"role": "sigfox", "secret": SECRET}).json()
    assert first["role"] == "sigfox" and "key" not in first
    more = ask("POST", "/keys", {"role": "device,sigfox", "secret": SECRET}).json()
    assert (more["id"], set(more["role"].split(","))) == (first["id"], {"sigfox", "device"})
    again = ask("POST", "/keys", {"role": "device", "secret": SECRET})
    assert again.status_code == 400 and f"exists already, as {first['id']}" in again.json()["detail"]


def test_a_key_is_bound_to_the_vehicle_in_its_normal_form(ask: Asking) -> None:
    assert ask("POST", "/keys", {"role": "device", "vehicle": "00ad1"}).json()["vehicle"] == "AD1"


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("POST", "/keys", {"role": "owner"}, "owner"),
        ("POST", "/keys", {"role": "app", "vehicle": "AD1"}, "only a key of role device"),
        ("POST", "/keys", {"role": "sigfox,device"}, "a new key has one role"),
        ("POST", "/keys", {"role": "app", "name": "x" * (NAME_MAX + 1)}, "at most 200 printable"),
        ("POST", "/keys", {"role": "app", "name": "a\nb"}, "printable"),
        ("POST", "/keys", {"role": "app", "more": 1}, "the body is invalid"),
        ("POST", "/owners", {"uid": "", "vehicle": "AD1"}, ""),
        ("POST", "/owners", {"uid": "anna", "vehicle": "AD1", "relation": "friend"}, "the body is invalid"),
        ("PATCH", "/vehicles/AD1", {"keep": 0}, "keep is 0"),
        ("PATCH", "/vehicles/AD1", {"keep": STATUSES_PER_VEHICLE_MAX + 1}, "keep is"),
        ("PATCH", "/vehicles/AD1", {"format": "never"}, "no format 'never'"),
        ("PATCH", "/vehicles/AD1", {"name": "x" * (NAME_MAX + 1)}, "at most 200 printable"),
        ("PATCH", "/vehicles/AD1", {"speed": 1}, "the body is invalid"),
    ],
)
def test_what_cannot_be_is_refused(ask: Asking, method: str, path: str, body: Any, says: str) -> None:
    answer = ask(method, path, body)
    assert (answer.status_code, says in answer.json()["detail"]) == (400, True), answer.text
    assert ask("GET", "/vehicles/AD1").status_code == 404


def test_an_owner_is_added_as_viewer_or_owner_and_removed_once(ask: Asking) -> None:
    viewer = {"uid": "adam", "vehicle": "AD2", "relation": "viewer"}
    assert ask("POST", "/owners", {**viewer, "vehicle": "00ad2"}).json() == viewer
    ask.own("adam", "AD2")
    (row,) = (row for row in ask("GET", "/owners").json() if row["uid"] == "adam")
    assert row["relation"] == "owner"
    assert ask("DELETE", "/owners", {"uid": "adam", "vehicle": "0ad2"}).json()["removed"] is True
    assert ask("DELETE", "/owners", {"uid": "adam", "vehicle": "AD2"}).status_code == 404


def test_a_vehicle_is_set_up_member_by_member(ask: Asking) -> None:
    assert ask("PATCH", "/vehicles/00ad3", {"keep": 7, "name": "blue van"}).json()["keep"] == 7
    changed = ask("PATCH", "/vehicles/AD3", {"format": "ev"}).json()
    assert (changed["keep"], changed["name"], changed["format"]) == (7, "blue van", "ev"), "what is missing stays"
    reset = ask("PATCH", "/vehicles/AD3", {"format": None, "name": None}).json()
    assert (reset["format"], reset["name"]) == (None, None), "null resets"


def test_statistics_say_what_is_stored(ask: Asking) -> None:
    before = ask("GET", "/stats").json()
    ask.send("AD4")
    after = ask("GET", "/stats").json()
    assert after["running"] is True and after["stored"]["states_waiting"] == before["stored"]["states_waiting"]
    assert after["stored"]["vehicles"] == before["stored"]["vehicles"] + 1
