"""Statuses as streams of lines: all of them, in either order, of one vehicle or many."""

from __future__ import annotations

import json

from builders import NOW
from daemon_process import RunningDaemon, run_evd
from user_fleet import MINUTE, User


def test_a_stream_has_all_statuses_as_they_are_exported(fleet: RunningDaemon, anna: User) -> None:
    exported = run_evd("export", "--format", "csv", "--vehicle", "A1", "--dir", fleet.directory)
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


def test_a_stream_of_all_vehicles_is_their_streams(anna: User, root: User) -> None:
    for user, vehicles in ((anna, ["A1", "B1", "C1"]), (root, ["A1", "C1", "D1"])):
        each = [user.get(f"/vehicles/{one}/statuses?format=ndjson&fields=state").text for one in vehicles]
        assert user.get("/statuses?format=ndjson&fields=state").text == "".join(each)
    chosen = anna.get(f"/statuses?format=csv&state=1&order=desc&limit=2&until={NOW + MINUTE}&fields=range").text
    assert [line.rpartition(",")[2] for line in chosen.splitlines()] == ["range", "1", "0"]
    for query in ("", "?format=csv&bucket=1h"):
        assert anna.get(f"/statuses{query}").status_code == 400
