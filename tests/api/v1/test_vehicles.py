"""What a user gets of own vehicles over HTTP: the list, last status, history, profile, and exports of them."""

from __future__ import annotations

import time

import httpx
import pytest
from daemon_process import RunningDaemon
from user_fleet import User, pages


def test_a_user_has_own_vehicles_and_an_administrator_all(anna: User, root: User) -> None:
    mine = anna.get("/vehicles").json()
    assert [(row["vehicle"], row["relation"]) for row in mine] == [("A1", "owner"), ("B1", "owner"), ("C1", "viewer")]
    first, silent, _ = mine
    last = anna.get("/vehicles/A1/last").json()
    assert first["last"] == last and first["staleness"] == "silent" and first["state"] == "charging"
    assert (first["last_time"], first["channel"], first["age_s"] > 0) == (last["time"], "sigfox", True)
    assert (silent["staleness"], silent["last"], silent["age_s"]) == ("never", None, None)
    everyones = root.get("/vehicles").json()
    assert [(row["vehicle"], row["relation"]) for row in everyones] == [("A1", None), ("C1", None), ("D1", None)]
    assert first.keys() == everyones[0].keys()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=driving", ["C1"]),
        ("state=1", ["A1"]),
        ("staleness=never", ["B1"]),
        ("text=b1", ["B1"]),
        ("sort=-id", ["C1", "B1", "A1"]),
        ("sort=age", ["A1", "C1", "B1"]),
        ("sort=-charge", ["A1", "C1", "B1"]),
        ("sort=attention", ["A1", "C1", "B1"]),
        ("sort=-attention", ["B1", "C1", "A1"]),
    ],
)
def test_the_list_is_searched_sorted_and_paged(anna: User, query: str, found: list[str]) -> None:
    listed = pages(anna, f"/vehicles?{query}&limit=1")
    assert [row["vehicle"] for page in listed for row in page] == found
    assert all(len(page) <= 1 for page in listed)


def test_a_tag_names_vehicles_of_the_list(anna: User) -> None:
    assert anna.patch("/vehicles/A1/tags", json={"add": ["red"]}).status_code == 200
    for path, found in (("/vehicles?tag=red", ["A1"]), ("/vehicles?tag=red&text=C1", []), ("/vehicles?tag=blue", [])):
        assert [row["vehicle"] for row in anna.get(path).json()] == found


def test_what_did_not_change_is_not_sent_again(anna: User) -> None:
    for path, weak in (("/vehicles", True), ("/vehicles/A1/last", False), ("/vehicles/A1/profile", False)):
        etag = anna.get(path).headers["etag"]
        assert etag.startswith("W/") == weak
        again = anna.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")


def test_one_vehicle_has_its_profile_and_for_an_administrator_remarks(anna: User, root: User) -> None:
    mine, all_ = anna.get("/vehicles/00a1").json(), root.get("/vehicles/A1").json()
    assert mine["vehicle"] == "A1" and mine["format"] == "ev" and mine["profile"]["zone"] is None
    assert all_.keys() - mine.keys() == {"flagged", "remarks"}
    assert anna.get("/vehicles/B1").json()["last"] is None
    answer = anna.get("/vehicles/B1/last")
    assert (answer.status_code, answer.json()["detail"]) == (404, "vehicle B1 has sent no status yet")


@pytest.mark.parametrize("query", ["state=asleep", "staleness=old", "sort=name", "text=", "cursor=WzFd"])
def test_a_wrong_search_is_a_problem(anna: User, query: str) -> None:
    answer = anna.get(f"/vehicles?{query}")
    assert answer.status_code == 400 and query.partition("=")[0] in answer.json()["detail"]


def test_a_list_has_the_frames_of_today_if_it_is_asked_for(root: User, fleet: RunningDaemon) -> None:
    assert "today" not in root.get("/vehicles").json()[0]
    assert root.get("/vehicles?today=1").json()[0]["today"] is None
    for sequence in (118, 121):
        body = {"device": "D1", "time": int(time.time()), "data": "130a4c0f594e427e4bb45088", "seqNumber": sequence}
        sent = httpx.post(f"{fleet.url}/sigfox/uplink", json=body, headers={"x-api-key": fleet.keys["sigfox"]})
        assert sent.status_code == 201
    (row,) = root.get("/vehicles?today=1&text=D1").json()
    today = root.get("/vehicles/D1/days").json()[-1]
    assert row["today"] == {"received": today["received"], "lost": today["lost"]}
    assert row["today"]["received"] == 2 and row["today"]["lost"] >= 2
