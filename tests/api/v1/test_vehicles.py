"""What a user gets of own vehicles over HTTP: the list, last status, history, profile, and exports of them."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from builders import NOW, arrival, new_store
from daemon_process import RunningDaemon, init, run_evd, running_daemon

from evd.api.times import rfc3339
from evd.model.operations import AddOwner, SetVehicle

SETTINGS = "[app]\ntrust_user_header = true\nuser_requests_at_once = 1000\n"
MINUTE = 60_000
STATUSES = 450
"""More than two pages of a stream."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A1 has a status each minute; anna owns it and the silent B1, and looks at C1; D1 is ben's."""
    directory = tmp_path_factory.mktemp("vehicles") / "evd"
    keys = init(directory)
    store = new_store(directory / "evd.db", capacity=1000)
    said = [
        arrival("A1", time=NOW + n * MINUTE, seq=n, now=NOW + n * MINUTE, fields=json.dumps(fields(n)).encode())
        for n in range(STATUSES)
    ]
    store.write([*said, arrival("C1", fields=b'{"state":3,"current_charge":9}'), arrival("D1")])
    store.write([AddOwner("anna", one, NOW) for one in ("A1", "B1")])
    store.write([AddOwner("anna", "C1", NOW, "viewer"), AddOwner("ben", "D1", NOW), SetVehicle("A1", NOW, format="ev")])
    store.close()
    with running_daemon(directory, keys=keys, settings=SETTINGS) as one:
        yield one


def fields(number: int) -> dict[str, Any]:
    return {"state": 1, "current_charge": number % 100, "range": number, "hatch": {"open": True}, "load": number + 0.5}


class User(httpx.Client):
    """A user of the app, or an administrator."""

    def __init__(self, daemon: RunningDaemon, name: str | None) -> None:
        headers = {"x-api-key": daemon.keys["app"], "userId": name} if name else {"x-api-key": daemon.keys["admin"]}
        super().__init__(base_url=f"{daemon.url}/api/v1", headers=headers)


@pytest.fixture(scope="module")
def anna(daemon: RunningDaemon) -> Iterator[User]:
    with User(daemon, "anna") as one:
        yield one


@pytest.fixture(scope="module")
def admin(daemon: RunningDaemon) -> Iterator[User]:
    with User(daemon, None) as one:
        yield one


def pages(client: httpx.Client, path: str) -> list[list[Any]]:
    """All pages of a list, by their Links."""
    found = []
    following: str | None = path
    while following:
        answer = client.get(following)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        link = answer.links.get("next", {}).get("url")
        following = link and link.removeprefix("/api/v1")
    return found


def test_a_user_has_own_vehicles_and_an_administrator_all(anna: User, admin: User) -> None:
    mine = anna.get("/vehicles").json()
    assert [(row["vehicle"], row["relation"]) for row in mine] == [("A1", "owner"), ("B1", "owner"), ("C1", "viewer")]
    first, silent, _ = mine
    last = anna.get("/vehicles/A1/last").json()
    assert first["last"] == last and first["staleness"] == "silent" and first["state"] == "charging"
    assert (first["last_time"], first["channel"], first["age_s"] > 0) == (last["time"], "sigfox", True)
    assert (silent["staleness"], silent["last"], silent["age_s"]) == ("never", None, None)
    everyones = admin.get("/vehicles").json()
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


def test_one_vehicle_has_its_profile_and_for_an_administrator_remarks(anna: User, admin: User) -> None:
    mine, all_ = anna.get("/vehicles/00a1").json(), admin.get("/vehicles/A1").json()
    assert mine["vehicle"] == "A1" and mine["format"] == "ev" and mine["profile"]["zone"] is None
    assert all_.keys() - mine.keys() == {"flagged", "remarks"}
    assert anna.get("/vehicles/B1").json()["last"] is None
    answer = anna.get("/vehicles/B1/last")
    assert (answer.status_code, answer.json()["detail"]) == (404, "vehicle B1 has sent no status yet")


def test_a_history_is_paged_in_either_order(anna: User) -> None:
    span = f"from={rfc3339(NOW + 10 * MINUTE)}&until={NOW + 30 * MINUTE}"
    for order, numbers in (("asc", range(10, 31)), ("desc", range(30, 9, -1))):
        found = pages(anna, f"/vehicles/A1/statuses?{span}&order={order}&limit=8")
        assert [row["range"] for page in found for row in page] == list(numbers)
        assert [len(page) for page in found] == [8, 8, 5]
    row = anna.get(f"/vehicles/A1/statuses?{span}&limit=1").json()[0]
    assert (row["time"], row["time_ms"]) == (rfc3339(NOW + 10 * MINUTE), NOW + 10 * MINUTE)
    assert (row["seqNumber"], row["channel"], row["other"]) == (10, "sigfox", {"hatch": {"open": True}, "load": 10.5})
    (chosen,) = anna.get(f"/vehicles/A1/statuses?{span}&limit=1&fields=load,range,nothing").json()
    assert chosen.keys() == {"vehicle", "id", "time", "time_ms", "load", "range"} and chosen["load"] == 10.5


def test_buckets_follow_each_other_in_pages(anna: User) -> None:
    width, down = 15 * MINUTE, [page[0] for page in pages(anna, "/vehicles/A1/statuses?bucket=15m&order=desc&limit=1")]
    up = [row for page in pages(anna, "/vehicles/A1/statuses?bucket=15m&limit=7") for row in page]
    assert up == down[::-1]
    numbers: dict[int, list[int]] = {}
    for number in range(STATUSES):
        time = NOW + number * MINUTE
        numbers.setdefault(time - time % width, []).append(number)
    assert [(row["start_ms"], row["statuses"]) for row in up] == [(start, len(all_)) for start, all_ in numbers.items()]
    for row, all_ in zip(up, numbers.values(), strict=True):
        spread = {"min": all_[0], "mean": sum(all_) / len(all_), "max": all_[-1], "last": all_[-1]}
        assert row["fields"]["range"] == spread and row["last_time_ms"] == NOW + all_[-1] * MINUTE
    table = anna.get("/vehicles/A1/statuses?bucket=15m&fields=range&format=csv&limit=2")
    first, *_ = csv.DictReader(io.StringIO(table.text))
    assert (first["start_ms"], float(first["range_mean"])) == (str(up[0]["start_ms"]), up[0]["fields"]["range"]["mean"])
    assert "next" in table.links


def test_a_stream_has_all_statuses_as_they_are_exported(daemon: RunningDaemon, anna: User) -> None:
    exported = run_evd("export", "--format", "csv", "--vehicle", "A1", "--dir", daemon.directory)
    assert exported.returncode == 0, exported.stderr
    with anna.stream("GET", "/vehicles/A1/statuses", headers={"Accept": "text/csv"}) as answer:
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert "content-length" not in answer.headers
        assert answer.read().decode().splitlines() == exported.stdout.splitlines()
    lines = anna.get("/vehicles/A1/statuses?order=desc&limit=300", headers={"Accept": "application/x-ndjson"})
    assert [json.loads(line)["range"] for line in lines.text.splitlines()] == list(range(449, 149, -1))
    assert anna.get("/vehicles/B1/statuses?format=csv").text.count("\n") == 1, "its head"
    assert anna.get("/vehicles/B1/statuses?format=ndjson").text == ""
    assert anna.head("/vehicles/A1/statuses?format=csv").headers["content-type"].startswith("text/csv")


def test_a_stream_of_all_vehicles_is_their_streams(anna: User, admin: User) -> None:
    for user, vehicles in ((anna, ["A1", "B1", "C1"]), (admin, ["A1", "C1", "D1"])):
        each = [user.get(f"/vehicles/{one}/statuses?format=ndjson&fields=state").text for one in vehicles]
        assert user.get("/statuses?format=ndjson&fields=state").text == "".join(each)
    chosen = anna.get(f"/statuses?format=csv&state=1&order=desc&limit=2&until={NOW + MINUTE}&fields=range").text
    assert [line.rpartition(",")[2] for line in chosen.splitlines()] == ["range", "1", "0"]
    for query in ("", "?format=csv&bucket=1h"):
        assert anna.get(f"/statuses{query}").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        *(
            "from=2021-12",
            "from=2&until=1",
            "order=up",
            "limit=1001",
            "bucket=0m",
            "bucket=15",
            "bucket=367d",
            "fields=",
        ),
        *("format=xml", "cursor=x", "format=csv&limit=0", "fields=" + ",".join(f"a{n}" for n in range(65))),
    ],
)
def test_a_wrong_question_is_a_problem(anna: User, query: str) -> None:
    answer = anna.get(f"/vehicles/A1/statuses?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert query.partition("=")[0] in answer.json()["detail"] or "limit" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["state=asleep", "staleness=old", "sort=name", "text=", "cursor=WzFd"])
def test_a_wrong_search_is_a_problem(anna: User, query: str) -> None:
    answer = anna.get(f"/vehicles?{query}")
    assert answer.status_code == 400 and query.partition("=")[0] in answer.json()["detail"]


def test_a_profile_is_the_owners(daemon: RunningDaemon, anna: User, admin: User) -> None:
    path, change = "/vehicles/A1/profile", {"name": "Zoe", "regNumber": "1AB 2345", "zone": "Europe/Prague"}
    whole = anna.patch(path, json=change).json()
    assert change.items() <= whole.items() and whole["battery"] is None
    assert admin.patch(path, json={"battery": 52, "name": None}).json() == {**whole, "battery": 52, "name": None}
    assert anna.get(path).json() == admin.get(path).json()
    assert anna.get("/vehicles?text=2345").json()[0]["regNumber"] == "1AB 2345"
    assert anna.patch("/vehicles/C1/profile", json={"name": "x"}).status_code == 403, "a viewer changes nothing"
    assert anna.patch("/vehicles/D1/profile", json={"name": "x"}).status_code == 404
    unknown = [admin.request(method, "/vehicles/NONE/profile", json={}) for method in ("GET", "PATCH")]
    assert [answer.status_code for answer in unknown] == [404, 404]
    assert "1AB 2345" not in str(daemon.logs)


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


def test_a_list_has_the_frames_of_today_if_it_is_asked_for(admin: User, daemon: RunningDaemon) -> None:
    assert "today" not in admin.get("/vehicles").json()[0]
    assert admin.get("/vehicles?today=1").json()[0]["today"] is None
    for sequence in (118, 121):
        body = {"device": "D1", "time": int(time.time()), "data": "130a4c0f594e427e4bb45088", "seqNumber": sequence}
        sent = httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers={"x-api-key": daemon.keys["sigfox"]})
        assert sent.status_code == 201
    (row,) = admin.get("/vehicles?today=1&text=D1").json()
    today = admin.get("/vehicles/D1/days").json()[-1]
    assert row["today"] == {"received": today["received"], "lost": today["lost"]}
    assert row["today"]["received"] == 2 and row["today"]["lost"] >= 2
