"""Refused callbacks: what is kept of them, how they are looked at, and how they are taken after a fix."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import NOW, new_store, rows
from daemon_process import RunningDaemon, run_evd, running_daemon

from evd.model.operations import ForgetRejected, Reject

TIME = 1_700_000_000
STRICT = {"EVD_INGEST__UNKNOWN_VEHICLE": "reject"}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RunningDaemon]:
    """An evd that takes known vehicles only."""
    with running_daemon(tmp_path / "evd", env=STRICT) as one:
        yield one


def send(daemon: RunningDaemon, body: bytes | dict[str, Any], path: str = "/sigfox/uplink") -> httpx.Response:
    content = json.dumps(body).encode() if isinstance(body, dict) else body
    headers = {"x-api-key": daemon.keys["sigfox"], "x-note": "kept", "content-type": "application/json"}
    return httpx.post(f"{daemon.url}{path}", content=content, headers=headers)


def message(device: str, seq: int = 1) -> dict[str, Any]:
    return {"device": device, "time": TIME, "data": "00", "seqNumber": seq}


def evd(daemon: RunningDaemon, *arguments: str) -> Any:
    return run_evd("rejected", *arguments, "--dir", daemon.directory)


def listed(daemon: RunningDaemon, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(evd(daemon, "list", "--json", *arguments).stdout)
    return found


def known(daemon: RunningDaemon, device: str) -> None:
    assert run_evd("vehicle", "set", device, "--name", "x", "--dir", daemon.directory).returncode == 0


def statuses(daemon: RunningDaemon) -> int:
    with closing(sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)) as database:
        count: int = database.execute("SELECT count(*) FROM history").fetchone()[0]
        return count


def test_the_list_has_the_newest_first_and_can_be_narrowed_down(daemon: RunningDaemon) -> None:
    assert evd(daemon, "list").stdout == "Nothing was refused.\n"
    for body in (b"[not json", message("A1"), message("A2")):
        assert send(daemon, body).status_code == 400
    assert [row["error"] for row in listed(daemon)] == ["Unknown vehicle", "Unknown vehicle", "Body parsing error"]
    assert [row["error"] for row in listed(daemon, "--error", "PARSING")] == ["Body parsing error"]
    newest = listed(daemon, "--limit", "1")
    assert [row["number"] for row in newest] == [3]
    assert [row["number"] for row in listed(daemon, "--before", "3")] == [2, 1]
    assert evd(daemon, "list").stdout.split().count("/sigfox/uplink") == 3


def test_one_is_shown_with_its_headers_but_for_secrets_and_with_what_to_do(daemon: RunningDaemon) -> None:
    for _ in range(3):
        send(daemon, message("A1"))
    send(daemon, b"\xff\x1b[2J")
    shown = json.loads(evd(daemon, "show", "1", "--json").stdout)
    assert (shown["times"], shown["route"], shown["error"]) == (3, "POST /sigfox/uplink", "Unknown vehicle")
    assert json.loads(shown["body"]) == message("A1")
    assert shown["headers"]["x-note"] == "kept"
    for number in ("1", "2"):
        text = evd(daemon, "show", number).stdout
        assert daemon.keys["sigfox"] not in text
        assert "\x1b" not in text
        assert f"evd rejected replay {number}" in text
    assert "ff1b5b324a (hex)" in text
    assert "evd vehicle set" in evd(daemon, "show", "1").stdout


def test_after_the_fix_a_replay_takes_it_and_it_leaves_the_list(daemon: RunningDaemon) -> None:
    send(daemon, message("A1"))
    known(daemon, "A1")
    done = evd(daemon, "replay", "1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 of 1 were taken\n", "")
    assert (listed(daemon), statuses(daemon)) == ([], 1)
    assert send(daemon, message("A1")).status_code == 201
    assert statuses(daemon) == 1, "a redelivery after the replay changes nothing"


def get(daemon: RunningDaemon, target: str) -> httpx.Response:
    return httpx.get(f"{daemon.url}{target}", headers={"x-api-key": daemon.keys["sigfox"], "x-auth-token": "C4nary"})


def test_h04_a_secret_in_the_url_is_shown_by_its_name_only(daemon: RunningDaemon) -> None:
    query = "code=AZUREFUNCTIONKEY&lat=-33.795&lng=151.035&radius=3321&apikey=C4nary&token=C4nary&pw=C4nary&u=C4nary"
    answer = get(daemon, f"/sigfox/geoloc?{query}")
    assert answer.status_code == 400
    text = evd(daemon, "show", "1").stdout
    masked = "code=***&lat=-33.795&lng=151.035&radius=3321&apikey=***&token=***&pw=***&u=***"
    assert f"GET /sigfox/geoloc?{masked}\n" in text
    assert "x-auth-token: ***\n" in text
    assert "x-api-key: ***\n" in text
    assert "*** stands for what may be a secret" in text
    for shown in (answer.text, text, evd(daemon, "list").stdout, evd(daemon, "show", "1", "--json").stdout):
        assert "C4nary" not in shown
        assert "AZUREFUNCTIONKEY" not in shown
    event = daemon.event("a callback is rejected")
    assert event["route"] == f"GET /sigfox/geoloc?{masked}"


def test_a_masked_request_is_taken_where_evd_never_wanted_what_is_masked(daemon: RunningDaemon) -> None:
    """Secrets are no variables of a callback that is taken at once, either."""
    get(daemon, f"/sigfox/uplink?device=A1&time={TIME}&data=00&seqNumber=1&key=C4nary&token=C4nary")
    send(daemon, {**message("A1", 2), "Key": "C4nary", "password": 7})
    known(daemon, "A1")
    done = json.loads(evd(daemon, "replay", "--all", "--json").stdout)
    assert (done["taken"], statuses(daemon)) == (2, 2)
    with closing(sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)) as database:
        found = database.execute("SELECT seq, fields FROM history ORDER BY seq").fetchall()
    assert all("***" not in fields for _, fields in found)
    assert send(daemon, {**message("A1", 2), "Key": "C4nary", "password": 7}).status_code == 201
    assert statuses(daemon) == 2, "a redelivery after the replay changes nothing"


def test_a_line_of_a_batch_is_taken_whole_after_the_fix(daemon: RunningDaemon) -> None:
    headers = {"x-api-key": daemon.keys["sigfox"], "content-type": "text/plain"}
    body = f"A1;{TIME};130a4c0f594e427e4bb45088;1;\nA1;{TIME + 1};5964a10570c85b51ccbaf497;2;".encode()
    assert httpx.post(f"{daemon.url}/sigfox/batch", content=body, headers=headers).status_code in (207, 400)
    known(daemon, "A1")
    evd(daemon, "replay", "--all")
    with closing(sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)) as database:
        found = database.execute("SELECT payload FROM history ORDER BY seq").fetchall()
    assert found == [("130a4c0f594e427e4bb45088",), ("5964a10570c85b51ccbaf497",)]


def test_a_replay_says_which_variables_it_had_to_leave_out(daemon: RunningDaemon) -> None:
    get(daemon, f"/sigfox/uplink?device=A1&time={TIME}&data=00&seqNumber=1&battery=3.25&customer=ACME")
    known(daemon, "A1")
    done = evd(daemon, "replay", "1")
    assert done.stdout == "1 is taken without customer: masked when it was kept\n1 of 1 were taken\n"
    with closing(sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)) as database:
        ((fields,),) = database.execute("SELECT fields FROM history").fetchall()
    assert json.loads(fields)["battery"] == "3.25"
    assert "customer" not in json.loads(fields)


def test_a_replay_says_what_it_cannot_do_without(daemon: RunningDaemon) -> None:
    secret = "evd_sigfox_Ab3dEf6h_" + "C4nary" * 7
    for name in ("device", "time", "data"):
        assert send(daemon, {**message("A1"), name: secret}).status_code == 400
    for number, name in enumerate(("device", "time", "data"), 1):
        done = evd(daemon, "replay", str(number))
        assert done.returncode == 6
        assert f"{number} is still refused: {name} looked like a secret and is masked, but it is needed" in done.stdout


def test_what_is_still_wrong_is_said_and_stays_as_it_was(daemon: RunningDaemon) -> None:
    send(daemon, message("A1"))
    before = listed(daemon)
    done = evd(daemon, "replay", "1")
    assert done.returncode == 6
    assert "1 is still refused: " in done.stdout
    assert "0 of 1 were taken" in done.stdout
    assert listed(daemon) == before, "a replay is no delivery"


def test_a_replay_of_all_takes_what_is_mended_in_steps_and_leaves_the_rest(daemon: RunningDaemon) -> None:
    count = 150  # more than one step of the API
    with httpx.Client(headers={"x-api-key": daemon.keys["sigfox"]}) as client:
        for seq in range(count):
            device = "A1" if seq % 3 else "A2"
            assert client.post(f"{daemon.url}/sigfox/uplink", json=message(device, seq)).status_code == 400
    known(daemon, "A1")
    done = evd(daemon, "replay", "--all", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, json.loads(done.stderr)["error"]["cause"]) == (6, "partly")
    assert (told["taken"], len(told["refused"])) == (100, 50)
    assert {one["error"] for one in told["refused"]} <= {"Unknown vehicle", "Bad request"}
    assert (len(listed(daemon, "--limit", "1000")), statuses(daemon)) == (50, 100)


def test_a_replay_keeps_the_query_and_the_headers_that_count(daemon: RunningDaemon) -> None:
    """By the original's header this is a status by WLAN, though it came to Sigfox's route."""
    headers = {"x-api-key": daemon.keys["sigfox"], "connectivityMethod": "network"}
    document = {"vehicleId": "A1", "timestamp": TIME * 1000 + 5, "state": 1}
    assert httpx.post(f"{daemon.url}/sigfox/uplink", json=document, headers=headers).status_code == 400
    known(daemon, "A1")
    assert evd(daemon, "replay", "1").returncode == 0
    with closing(sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)) as database:
        assert database.execute("SELECT channel FROM history").fetchall() == [("wlan",)]


def test_a_line_of_a_batch_that_is_still_wrong_says_why_in_words(daemon: RunningDaemon) -> None:
    headers = {"x-api-key": daemon.keys["sigfox"], "content-type": "text/plain"}
    body = f"A1;{TIME};00;1;"
    assert httpx.post(f"{daemon.url}/sigfox/batch", content=body, headers=headers).status_code == 400
    (refused,) = json.loads(evd(daemon, "replay", "1", "--json").stdout)["refused"]
    assert (refused["error"], refused["detail"]) == ("Unknown vehicle", listed(daemon)[0]["detail"])
    known(daemon, "A1")
    assert evd(daemon, "replay", "1").returncode == 0
    assert (listed(daemon), statuses(daemon)) == ([], 1)


def test_what_is_not_wanted_is_forgotten(daemon: RunningDaemon) -> None:
    send(daemon, message("A1"))
    assert evd(daemon, "forget", "1", "--yes").returncode == 0
    assert listed(daemon) == []
    for command in ("forget", "show", "replay"):
        again = evd(daemon, command, "1", *(["--yes"] if command == "forget" else []))
        assert again.returncode == 1
        assert again.stderr == "evd: there is no rejected request 1: `evd rejected list` shows them\n"
    assert evd(daemon, "restore", "1").stdout == "in the list again: 1\n"
    assert [row["number"] for row in listed(daemon)] == [1]
    assert "within the last day" in evd(daemon, "restore", "1").stderr


@pytest.mark.parametrize("arguments", [(), ("1", "--all")])
def test_a_replay_wants_numbers_or_all(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run_evd("rejected", "replay", *arguments, "--dir", tmp_path)
    assert done.returncode == 2
    assert "--all" in done.stderr


def test_the_api_is_for_administrators_and_says_what_it_cannot_read(daemon: RunningDaemon) -> None:
    def ask(method: str, path: str, key: str = "admin", **more: Any) -> int:
        headers = {"x-api-key": daemon.keys[key]}
        return httpx.request(method, f"{daemon.url}/api/v1/rejections{path}", headers=headers, **more).status_code

    assert ask("GET", "") == 200
    for method, path in (("GET", ""), ("GET", "/1"), ("DELETE", "/1"), ("POST", "/1/replay"), ("POST", "/replay")):
        assert ask(method, path, key="sigfox") == 403
    for query in ("?limit=0", "?limit=1001", "?limit=x", "?before=-1", f"?before={'9' * 30}"):
        assert ask("GET", query) == 400
    for path in ("/1", f"/{'9' * 30}"):
        assert ask("GET", path) == 404
    assert ask("POST", "/replay", content=b"[]") == 400
    assert ask("POST", "/replay", json={"afterwards": 1}) == 400
    assert ask("DELETE", f"/{2**63}") == 404
    for number in (-1, 2**63, 2**70):
        assert ask("POST", "/replay", json={"after": number}) == 400
        assert ask("POST", "/replay", json={"through": number}) == 400


def rejection(number: int) -> Reject:
    return Reject(NOW + number, "POST /sigfox/uplink", "Bad request", "no", b"{}", b"%d" % number)


def test_forgetting_twice_is_distinguished_from_forgetting_once(tmp_path: Path) -> None:
    store = new_store(tmp_path / "evd.db")
    try:
        store.write([rejection(1), rejection(2)])
        assert store.write([ForgetRejected(1), ForgetRejected(1)]) == [True, False]
    finally:
        store.close()
    assert rows(tmp_path / "evd.db", "SELECT number FROM rejected") == [(2,)]
