"""Sharing over HTTP: invitations, claim codes, owners and viewers, tags, and the end of a user's registrations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, run_evd, running_daemon

SETTINGS = "[app]\ntrust_user_header = true\n"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """Anna owns A1."""
    with running_daemon(tmp_path_factory.mktemp("sharing") / "evd", settings=SETTINGS) as one:
        assert asked(one, "POST", "/owners", None, {"uid": "anna", "vehicle": "A1"}).status_code == 201
        yield one


def asked(daemon: RunningDaemon, method: str, path: str, uid: str | None, body: Any = None) -> httpx.Response:
    """As the user, or as the administrator for None."""
    headers = {"x-api-key": daemon.keys["admin"]} if uid is None else {"x-api-key": daemon.keys["app"], "userId": uid}
    return httpx.request(method, f"{daemon.url}/api/v1{path}", headers=headers, json=body)


def relations(daemon: RunningDaemon, vehicle: str) -> dict[str, str]:
    return {row["uid"]: row["relation"] for row in asked(daemon, "GET", f"/vehicles/{vehicle}/owners", None).json()}


def test_an_owner_shares_by_a_code_that_is_shown_once(daemon: RunningDaemon) -> None:
    made = asked(daemon, "POST", "/vehicles/a1/invitations", "anna", {"relation": "viewer", "expires_s": 3600}).json()
    assert made["vehicle"] == "A1" and made["expires"] == made["created"] + 3_600_000
    (listed,) = asked(daemon, "GET", "/vehicles/A1/invitations", "anna").json()
    assert listed == {name: value for name, value in made.items() if name != "code"}
    body = {"code": made["code"]}
    accepted = asked(daemon, "POST", "/invitations/accept", "ben", body)
    assert (accepted.status_code, accepted.json()) == (201, {"vehicle": "A1", "relation": "viewer"})
    assert asked(daemon, "POST", "/invitations/accept", "carl", body).status_code == 404
    assert relations(daemon, "A1") == {"anna": "owner", "ben": "viewer"}
    assert asked(daemon, "GET", "/vehicles/A1/alerts", "ben").status_code == 200
    assert asked(daemon, "POST", "/vehicles/A1/invitations", "ben", {}).status_code == 403, "a viewer invites nobody"

    assert asked(daemon, "POST", "/vehicles/A1/leave", "ben").status_code == 200
    assert asked(daemon, "GET", "/vehicles/A1/alerts", "ben").status_code == 404
    assert relations(daemon, "A1") == {"anna": "owner"}


def test_an_owner_removes_a_viewer_and_revokes_an_invitation(daemon: RunningDaemon) -> None:
    asked(daemon, "POST", "/owners", None, {"uid": "vera", "vehicle": "A1", "relation": "viewer"})
    assert asked(daemon, "DELETE", "/vehicles/A1/owners/vera", "anna").status_code == 200
    assert asked(daemon, "DELETE", "/vehicles/A1/owners/vera", "anna").status_code == 404
    made = asked(daemon, "POST", "/vehicles/A1/invitations", "anna", {}).json()
    assert asked(daemon, "DELETE", f"/vehicles/A1/invitations/{made['id']}", "anna").status_code == 200
    assert asked(daemon, "POST", "/invitations/accept", "ben", {"code": made["code"]}).status_code == 404


def test_a_claim_code_of_the_command_makes_an_owner(daemon: RunningDaemon) -> None:
    assert run_evd("vehicle", "set", "C1", "--dir", daemon.directory).returncode == 0
    made = run_evd("vehicle", "claim-code", "C1", "--expires", "1h", "--dir", daemon.directory)
    assert made.returncode == 0 and "owns C1" in made.stderr
    accepted = asked(daemon, "POST", "/invitations/accept", "dora", {"code": made.stdout})
    assert accepted.json() == {"vehicle": "C1", "relation": "owner"}
    run_evd("vehicle", "claim-code", "C1", "--dir", daemon.directory)
    listed = run_evd("vehicle", "claim-codes", "C1", "--json", "--dir", daemon.directory)
    assert '"code"' not in listed.stdout and '"relation":"owner"' in listed.stdout.replace(" ", "")
    assert run_evd("vehicle", "claim-code", "NEVER", "--dir", daemon.directory).returncode == 1


def test_guesses_are_limited_for_a_user_and_others_go_on(daemon: RunningDaemon) -> None:
    made = asked(daemon, "POST", "/vehicles/A1/invitations", "anna", {}).json()
    wrong = made["code"][:-7] + "x" + made["code"][-6:]
    answers = [asked(daemon, "POST", "/invitations/accept", "eve", {"code": wrong}) for _ in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {404}
    assert answers[20].status_code == 429 and int(answers[20].headers["retry-after"]) > 0
    assert asked(daemon, "POST", "/invitations/accept", "fay", {"code": made["code"]}).status_code == 201


def test_a_tag_names_several_vehicles(daemon: RunningDaemon) -> None:
    directory = daemon.directory
    assert run_evd("vehicle", "tag", "A1", "+fleet", "+old", "--dir", directory).stdout == "fleet old\n"
    assert run_evd("vehicle", "tag", "A1", "-old", "--dir", directory).stdout == "fleet\n"
    assert run_evd("vehicle", "tag", "T2", "+fleet", "--dir", directory).returncode == 0
    assert asked(daemon, "GET", "/tags/fleet", None).json() == ["A1", "T2"]
    assert asked(daemon, "GET", "/tags/fleet", "anna").json() == ["A1"], "a user sees those of the own vehicles"
    assert asked(daemon, "PATCH", "/vehicles/A1/tags", "anna", {"add": ["x y"]}).status_code == 400
    done = run_evd("format", "assign", "ev", "--vehicle", "tag:fleet", "--dir", directory)
    assert done.returncode == 0 and "A1, T2" in done.stdout
    assert run_evd("format", "assign", "ev", "--vehicle", "tag:none", "--dir", directory).returncode == 2
    assert asked(daemon, "HEAD", "/stream?vehicle=tag:fleet", "anna").status_code == 200
    assert asked(daemon, "HEAD", "/stream?vehicle=tag:fleet", "eve").status_code == 400
    listed = run_evd("vehicle", "list", "--tag", "fleet", "--json", "--dir", directory).stdout
    assert "T2" in listed and "C1" not in listed


def test_all_phones_of_a_user_are_unregistered_in_one_call(daemon: RunningDaemon) -> None:
    for token in ("one", "two"):
        assert asked(daemon, "POST", "/registrations", "anna", {"vehicle": "A1", "token": token}).status_code == 201
    assert asked(daemon, "DELETE", "/registrations/all", "anna").json() == {"uid": "anna", "unregistered": 2}
    assert asked(daemon, "GET", "/registrations?vehicle=A1", "anna").json() == []
    assert asked(daemon, "DELETE", "/registrations/all", None).status_code == 400, "an administrator names the user"
