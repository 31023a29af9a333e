"""Vehicles that a request names, also by a tag: of the caller's own only, and bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon


@pytest.fixture(scope="module")
def ask(daemon: RunningDaemon) -> Iterator[Any]:
    """nina owns NA1 and NA2, nils NB1; all have the tag north."""
    with httpx.Client(base_url=f"{daemon.url}/api/v1", headers={"x-api-key": daemon.keys["admin"]}) as client:
        for uid, vehicle in (("nina", "NA1"), ("nina", "NA2"), ("nils", "NB1")):
            assert client.post("/owners", json={"uid": uid, "vehicle": vehicle}).status_code == 201
            assert client.patch(f"/vehicles/{vehicle}/tags", json={"add": ["north"]}).status_code == 200

        def asked(tag: str, user: str | None = None, token: dict[str, Any] | None = None) -> httpx.Response:
            headers = {"x-api-key": daemon.keys["app"], "userId": user} if user else {}
            if token is not None:
                made = client.post("/tokens", json={"uid": "nina", "scopes": ["read"], **token}).json()
                headers = {"authorization": f"Bearer {made['token']}"}
            return client.get(f"/tags/{tag}", headers=headers)

        yield asked


@pytest.mark.parametrize(
    ("asking", "found"),
    [
        ({}, ["NA1", "NA2", "NB1"]),
        ({"user": "nina"}, ["NA1", "NA2"]),
        ({"user": "nils"}, ["NB1"]),
        ({"user": "eve"}, []),
        ({"token": {"vehicles": ["NA2"]}}, ["NA2"]),
        ({"token": {"tags": ["north"]}}, ["NA1", "NA2"]),
        ({"token": {"tags": ["south"]}}, []),
    ],
)
def test_a_tag_stands_for_the_caller_s_vehicles_that_have_it(ask: Any, asking: Any, found: list[str]) -> None:
    answer = ask("north", **asking)
    assert (answer.status_code, answer.json()) == (200, found)


@pytest.mark.usefixtures("ask")
def test_a_request_names_vehicles_and_tags_together_and_no_more_than_it_may(
    client: httpx.Client, admin: dict[str, str]
) -> None:
    def redecode(*vehicles: str) -> httpx.Response:
        return client.post("/api/v1/redecode/preview", json={"since": 0, "vehicles": vehicles}, headers=admin)

    assert redecode("tag:nowhere").json()["detail"] == "no vehicle of yours has the tag nowhere"
    assert "name 1 to 100" in redecode(*(f"{number:X}" for number in range(101))).json()["detail"]
    assert "vehicle NA1 is unknown" in redecode("tag:north").json()["detail"], "it was never heard of"
