"""Profiles: who changes one, and within which bounds."""

from __future__ import annotations

from daemon_process import RunningDaemon
from user_fleet import User


def test_a_profile_is_the_owners(fleet: RunningDaemon, anna: User, root: User) -> None:
    path, change = "/vehicles/A1/profile", {"name": "Zoe", "regNumber": "1AB 2345", "zone": "Europe/Prague"}
    whole = anna.patch(path, json=change).json()
    assert change.items() <= whole.items() and whole["battery"] is None
    assert root.patch(path, json={"battery": 52, "name": None}).json() == {**whole, "battery": 52, "name": None}
    assert anna.get(path).json() == root.get(path).json()
    assert anna.get("/vehicles?text=2345").json()[0]["regNumber"] == "1AB 2345"
    assert anna.patch("/vehicles/C1/profile", json={"name": "x"}).status_code == 403, "a viewer changes nothing"
    assert anna.patch("/vehicles/D1/profile", json={"name": "x"}).status_code == 404
    unknown = [root.request(method, "/vehicles/NONE/profile", json={}) for method in ("GET", "PATCH")]
    assert [answer.status_code for answer in unknown] == [404, 404]
    assert "1AB 2345" not in str(fleet.logs)
