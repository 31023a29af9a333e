"""A vehicle's frames by day."""

from __future__ import annotations

from user_fleet import STATUSES, User


def test_an_owner_sees_the_frames_and_all_own_phones(anna: User) -> None:
    days = anna.get("/vehicles/A1/days").json()
    assert (sum(day["received"] for day in days), sum(day["lost"] for day in days)) == (STATUSES, 0)
    assert anna.get("/vehicles/B1/days").json() == []
    for vehicle, token in (("A1", "t1"), ("C1", "t2")):
        assert anna.post("/registrations", json={"vehicle": vehicle, "token": token}).status_code == 201
    assert [row["target"] for row in anna.get("/registrations").json()] == ["t1", "t2"]
    assert [row["target"] for row in anna.get("/registrations?vehicle=C1").json()] == ["t2"]
    assert anna.delete("/registrations/all").json() == {"uid": "anna", "unregistered": 2}
    assert anna.get("/registrations").json() == []
