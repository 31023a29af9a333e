"""Who may ask for registrations over HTTP, and for what."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import NOW, rows
from daemon_process import RunningDaemon, run_evd, running_daemon
from kept_registrations import HOOK, registered, tokens


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A1 is anna's and ben's, B1 is ben's."""
    directory = tmp_path_factory.mktemp("registrations") / "evd"
    with running_daemon(directory, env={"EVD_APP__TRUST_USER_HEADER": "true"}) as one:
        for uid, vehicle in (("anna", "A1"), ("ben", "A1"), ("ben", "B1")):
            assert run_evd("owner", "add", uid, vehicle, "--dir", directory).returncode == 0
        yield one


@pytest.fixture
def ask(daemon: RunningDaemon) -> Iterator[Callable[..., httpx.Response]]:
    """A request of a user, or with the administrator's key; afterwards nothing is registered."""

    def asked(method: str, path: str, user: str | None = None, **body: Any) -> httpx.Response:
        headers = {"x-api-key": daemon.keys["app"], "userId": user} if user else {"x-api-key": daemon.keys["admin"]}
        return httpx.request(method, daemon.url + path, headers=headers, json=body or None)

    yield asked
    for vehicle, token, _ in registered(daemon.database):
        kind = rows(daemon.database, "SELECT kind FROM registrations WHERE token = ?", token)[0][0]
        assert asked("DELETE", REGISTRATIONS, None, vehicle=vehicle, **{kind: token}).status_code == 200


Ask = Callable[..., httpx.Response]


REGISTRATIONS = "/api/v1/registrations"


def test_a_user_registers_sees_and_removes_their_phone(daemon: RunningDaemon, ask: Ask) -> None:
    made = ask("POST", REGISTRATIONS, "anna", vehicle="00a1", token="t1")
    assert (made.status_code, made.json()) == (201, {"vehicle": "A1", "kind": "token", "registered": True})
    (row,) = ask("GET", f"{REGISTRATIONS}?vehicle=A1", "anna").json()
    assert (row["vehicle"], row["kind"], row["target"], row["pushed"]) == ("A1", "token", "t1", None)
    assert rows(daemon.database, "SELECT spelling, uid FROM registrations") == [("00a1", "anna")]
    gone = ask("DELETE", REGISTRATIONS, "anna", vehicle="A1", token="t1")
    assert (gone.status_code, gone.json()) == (200, {"vehicle": "A1", "kind": "token", "registered": False})
    assert ask("DELETE", REGISTRATIONS, "anna", vehicle="A1", token="t1").status_code == 404


def test_register_false_removes(ask: Ask, daemon: RunningDaemon) -> None:
    ask("POST", REGISTRATIONS, "anna", vehicle="A1", fid="f1")
    assert ask("POST", REGISTRATIONS, "anna", vehicle="A1", fid="f1", register=False).status_code == 200
    assert registered(daemon.database) == []


def test_a_user_sees_and_removes_nobody_elses_phones(ask: Ask, daemon: RunningDaemon) -> None:
    ask("POST", REGISTRATIONS, "anna", vehicle="A1", token="annas")
    ask("POST", REGISTRATIONS, "ben", vehicle="A1", token="bens")
    assert [row["target"] for row in ask("GET", f"{REGISTRATIONS}?vehicle=A1", "ben").json()] == ["bens"]
    assert ask("DELETE", REGISTRATIONS, "ben", vehicle="A1", token="annas").status_code == 404
    assert tokens(daemon.database) == {"annas", "bens"}


def test_an_administrator_sees_all_phones_and_no_token_whole(ask: Ask) -> None:
    long = "a-token-that-is-long"
    ask("POST", REGISTRATIONS, "anna", vehicle="A1", token=long)
    ask("POST", REGISTRATIONS, "ben", vehicle="B1", fid="another-that-is-long")
    listed = ask("GET", REGISTRATIONS)
    assert [(row["vehicle"], row["kind"], row["uid"]) for row in listed.json()] == [
        ("A1", "token", "anna"),
        ("B1", "fid", "ben"),
    ]
    assert long not in listed.text
    assert [row["uid"] for row in ask("GET", f"{REGISTRATIONS}?vehicle=B1").json()] == ["ben"]


def test_an_administrator_registers_for_an_owner(ask: Ask, daemon: RunningDaemon) -> None:
    assert ask("POST", REGISTRATIONS, None, vehicle="A1", token="t", uid="anna").status_code == 201
    assert registered(daemon.database) == [("A1", "t", "anna")]
    assert ask("DELETE", REGISTRATIONS, None, vehicle="A1", fid="t").status_code == 404
    assert ask("DELETE", REGISTRATIONS, None, vehicle="A1", token="t").status_code == 200


@pytest.mark.parametrize(
    ("method", "user", "body", "status", "part"),
    [
        ("POST", "anna", {"vehicle": "B1", "token": "t"}, 404, "you own no vehicle B1"),
        ("POST", "anna", {"vehicle": "NEVER", "token": "t"}, 404, "you own no vehicle NEVER"),
        ("DELETE", "anna", {"vehicle": "B1", "token": "t"}, 404, "you own no vehicle B1"),
        ("POST", "anna", {"vehicle": "A1"}, 400, "give either token or fid"),
        ("POST", "anna", {"vehicle": "A1", "token": "t", "fid": "f"}, 400, "give either token or fid"),
        ("POST", "anna", {"vehicle": "A1", "token": ""}, 400, "1 to 4096 printable characters"),
        ("POST", "anna", {"vehicle": "A1", "token": "t\n"}, 400, "1 to 4096 printable characters"),
        ("POST", "anna", {"vehicle": "A1", "fid": "f" * 4097}, 400, "1 to 4096 printable characters"),
        ("POST", "anna", {"vehicle": "A1", "token": HOOK}, 400, "token is a webhook's address"),
        ("POST", "anna", {"vehicle": "A1", "token": "t", "uid": "ben"}, 400, "uid is for administrators"),
        ("POST", "anna", {"vehicle": "A1", "tokn": "t"}, 400, "the body is invalid"),
        ("POST", None, {"vehicle": "A1", "token": "t"}, 400, "the request names no user"),
        ("POST", None, {"vehicle": "A1", "token": "t", "uid": "eve"}, 400, "this user does not own vehicle A1"),
    ],
)
def test_what_is_refused_is_refused_with_a_sentence(
    ask: Ask, daemon: RunningDaemon, method: str, user: str | None, body: dict[str, Any], status: int, part: str
) -> None:
    refused = ask(method, REGISTRATIONS, user, **body)
    assert refused.status_code == status, refused.text
    assert part in refused.json()["detail"]
    assert registered(daemon.database) == []


@pytest.mark.parametrize(("role", "headers", "status"), [("app", {}, 401), ("sigfox", {"userId": "anna"}, 403)])
def test_a_key_alone_names_no_user(daemon: RunningDaemon, role: str, headers: dict[str, str], status: int) -> None:
    headers = {"x-api-key": daemon.keys[role], **headers}
    assert httpx.get(f"{daemon.url}{REGISTRATIONS}?vehicle=A1", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("path", "renews"),
    [
        ("/android/last?vehicleId=A1", True),
        ("/v2/android/range?vehicleId=A1&timeFrom=0&timeTo=1", True),
        ("/api/v1/events", True),
        ("/android/last?vehicleId=B1", False),  # which is another user's
    ],
)
def test_any_request_that_is_a_users_to_make_renews_their_phones_and_a_second_one_writes_nothing(
    ask: Ask, daemon: RunningDaemon, path: str, renews: bool
) -> None:
    user = f"user of {path}"
    assert run_evd("owner", "add", user, "A1", "--dir", daemon.directory).returncode == 0
    with closing(sqlite3.connect(daemon.database, isolation_level=None)) as database:
        database.execute(
            "INSERT INTO registrations (vehicle, token, spelling, uid, created, renewed)"
            " VALUES ('A1', 't', 'A1', ?, 1, 1)",
            (user,),
        )
        database.execute("INSERT INTO deliveries (registration, given) SELECT number, '' FROM registrations")
        renewed = []
        for _ in range(2):
            ask("GET", path, user)
            # A request behind it in the writer's queue: what it answers is on disk after what came before.
            assert ask("POST", "/api/v1/owners", None, uid="nobody", vehicle="C1").status_code == 201
            renewed += database.execute("SELECT renewed FROM registrations").fetchone()
            database.execute("UPDATE registrations SET renewed = 1")
    assert [at > NOW for at in renewed] == [renews, False]


def imported(daemon: RunningDaemon, *lines: str) -> tuple[dict[str, Any], str]:
    """What `evd registration import` says, and its words for people."""
    done = run_evd("registration", "import", "--json", "--dir", daemon.directory, stdin="\n".join(lines))
    assert "Traceback" not in done.stderr, done.stderr
    again = run_evd("registration", "import", "--dir", daemon.directory, stdin="\n".join(lines))
    assert done.returncode == again.returncode == (6 if json.loads(done.stdout)["refused"] else 0)
    return json.loads(done.stdout), again.stdout + again.stderr


def test_the_phones_of_another_system_are_taken_in_in_one_go(ask: Ask, daemon: RunningDaemon) -> None:
    """Each user owns his vehicle then, and hears of it, as before; twice is as once."""
    lines = [json.dumps({"vehicle": "00D1", "token": f"t{number}", "uid": f"u{number % 3}"}) for number in range(7)]
    assert imported(daemon, *lines, "", '{"vehicle": "D2", "fid": "f", "uid": "u0"}') == (
        {"registered": 8, "refused": []},
        "8 registered, 0 refused\n",
    )
    sql = "SELECT vehicle, spelling, kind, client, count(*) FROM registrations GROUP BY vehicle"
    assert rows(daemon.database, sql) == [("D1", "00D1", "token", "original", 7), ("D2", "D2", "fid", "original", 1)]
    owners = rows(daemon.database, "SELECT uid, vehicle FROM owners WHERE uid LIKE 'u_' ORDER BY 1, 2")
    assert owners == [("u0", "D1"), ("u0", "D2"), ("u1", "D1"), ("u2", "D1")]
    assert ask("GET", "/android/last?vehicleId=D1", "u2").status_code == 204
    assert "original" not in run_evd("registration", "list", "D1", "--dir", daemon.directory).stdout


def test_more_lines_than_fit_into_a_request_are_taken_in_without_a_daemon(tmp_path: Path) -> None:
    directory = tmp_path / "evd"
    assert run_evd("init", "--dir", directory).returncode == 0
    lines = [
        json.dumps({"vehicle": f"{number:X}", "token": "t" * 150 + str(number), "uid": "u"}) for number in range(150)
    ]
    done = run_evd("registration", "import", "--dir", directory, stdin="\n".join(lines))
    assert (done.returncode, done.stdout) == (0, "150 registered, 0 refused\n"), done.stderr
    assert len(registered(directory / "evd.db")) == 150


def test_a_line_that_cannot_be_taken_is_reported_and_costs_the_others_nothing(ask: Ask, daemon: RunningDaemon) -> None:
    good = '{"vehicle": "D3", "token": "t", "uid": "u0"}'
    wrong = {
        "{": "not JSON",
        '{"vehicle": "D3", "uid": "u0"}': "give either token or fid",
        '{"vehicle": "D3", "token": "t"}': "missing required field `uid`",
        '{"vehicle": "D3", "token": "t", "uid": ""}': "a user id has 1 to 128",
        '{"vehicle": "", "token": "t", "uid": "u0"}': "1 to 64 printable characters",
        '{"vehicle": "D3", "token": "t", "uid": "u0", "renewTimestamp": 1}': "renewTimestamp",
        "[]": "Expected `object`",
    }
    document, words = imported(daemon, *wrong, good)
    assert document["registered"] == 1
    assert [one["line"] for one in sorted(document["refused"], key=lambda one: one["line"])] == list(range(1, 8))
    told = {one["line"]: one["error"] for one in document["refused"]}
    for line, part in enumerate(wrong.values(), 1):
        assert part in told[line]
        assert f"line {line}: {told[line]}" in words.replace("\n", " ")
    for role in ("app", "device"):
        headers = {"x-api-key": daemon.keys[role], "userId": "anna"}
        refused = httpx.post(f"{daemon.url}{REGISTRATIONS}/import", json={"registrations": []}, headers=headers)
        assert refused.status_code == 403


LEGACY = "/android/fcm-register?vehicleId=A1"


def test_two_owners_of_a_vehicle_unregister_their_own_phones_only(ask: Ask, daemon: RunningDaemon) -> None:
    for user in ("anna", "ben"):
        assert ask("POST", LEGACY, user, vehicleId="A1", fcmToken=f"of {user}", register=True).status_code == 200
    for path in (LEGACY, LEGACY.replace("register", "unregister")):
        wish = {"vehicleId": "A1", "fcmToken": "of anna", "register": False}
        assert ask("POST", path, "ben", **wish).status_code == 200, "he is not told whose it is"
    assert ask("DELETE", REGISTRATIONS, "ben", vehicle="A1", token="of anna").status_code == 404
    assert registered(daemon.database) == [("A1", "of anna", "anna"), ("A1", "of ben", "ben")]
    assert ask("POST", LEGACY, "anna", vehicleId="A1", fcmToken="of anna", register=False).status_code == 200
    assert registered(daemon.database) == [("A1", "of ben", "ben")]


@pytest.mark.parametrize(("name", "kind"), [("fcmToken", "token"), ("fid", "fid")])
def test_the_originals_route_takes_a_token_or_an_installation_id(
    ask: Ask, daemon: RunningDaemon, name: str, kind: str
) -> None:
    body: dict[str, Any] = {"vehicleId": "A1", name: "t", "register": True}
    assert ask("POST", LEGACY, "anna", **body).status_code == 200
    assert rows(daemon.database, "SELECT kind, token FROM registrations") == [(kind, "t")]
    assert ask("POST", LEGACY, "anna", **body | {"register": False}).status_code == 200
    assert registered(daemon.database) == []


@pytest.mark.parametrize(
    "target", [{}, {"fcmToken": "t", "fid": "f"}, {"fid": 7}, {"fid": ""}, {"fcmToken": HOOK}, {"fcmToken": None}]
)
def test_the_originals_route_takes_exactly_one_of_them(ask: Ask, target: dict[str, Any]) -> None:
    refused = ask("POST", LEGACY, "anna", vehicleId="A1", register=True, **target)
    assert (refused.status_code, set(refused.json())) == (400, {"Error", "detail"})
