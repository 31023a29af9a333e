"""What every route asks of its request: headers, the vehicle's name, who asks, for which vehicle."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon

from evd.api.context import joined_headers


@pytest.mark.parametrize(
    ("sent", "joined"),
    [
        ([(b"accept", b"a"), (b"accept", b"b")], {b"accept": b"a, b"}),
        ([(b"cookie", b"a=1"), (b"host", b"x"), (b"cookie", b"b=2")], {b"cookie": b"a=1; b=2", b"host": b"x"}),
        ([], {}),
    ],
)
def test_the_values_of_a_repeated_header_are_joined(sent: Any, joined: dict[bytes, bytes]) -> None:
    assert joined_headers({"headers": sent}) == joined


class Site:
    """Asks the daemon over one connection."""

    def __init__(self, daemon: RunningDaemon, client: httpx.Client) -> None:
        self._keys, self._client = daemon.keys, client

    def ask(self, method: str, path: str, *, user: str = "", **more: Any) -> httpx.Response:
        """As an administrator, or as a user of the app."""
        headers = {"x-api-key": self._keys["app"], "userId": user} if user else {"x-api-key": self._keys["admin"]}
        return self._client.request(method, f"/api/v1{path}", headers=more.pop("headers", headers), **more)

    def own(self, uid: str, vehicle: str, relation: str = "owner") -> None:
        body = {"uid": uid, "vehicle": vehicle, "relation": relation}
        assert self.ask("POST", "/owners", json=body).status_code == 201

    def send(self, vehicle: str) -> None:
        body = {"device": vehicle, "time": 1_764_277_200, "data": "130a4c0f594e427e4bb45088"}
        answer = self._client.post("/sigfox/uplink", json=body, headers={"x-api-key": self._keys["sigfox"]})
        assert answer.status_code == 201


@pytest.fixture
def site(daemon: RunningDaemon, client: httpx.Client) -> Site:
    return Site(daemon, client)


def test_a_vehicle_is_named_in_any_spelling_also_by_the_id_that_it_had(site: Site) -> None:
    for vehicle in ("CC1", "CC2"):
        site.send(vehicle)
    assert site.ask("POST", "/vehicles/CC1/merge", json={"into": "CC2"}).status_code == 200
    for spelling in ("CC2", "cc2", "00000CC2", "CC1", "0cc1"):
        assert site.ask("GET", f"/vehicles/{spelling}").json()["vehicle"] == "CC2"


def test_a_user_has_the_relation_that_the_route_asks_for(site: Site) -> None:
    site.own("carla", "CD1")
    site.own("carl", "CD1", "viewer")
    expected = {("carla", "GET"): 200, ("carla", "PUT"): 200, ("carl", "GET"): 200, ("carl", "PUT"): 403}
    expected |= {("eve", "GET"): 404, ("eve", "PUT"): 404}
    found = {
        (user, method): site.ask(method, "/vehicles/CD1/alerts", user=user, json={} if method == "PUT" else None)
        for user, method in expected
    }
    assert {one: answer.status_code for one, answer in found.items()} == expected
    assert "only an owner may do this" in found["carl", "PUT"].json()["detail"]
    assert found["eve", "GET"].json()["detail"] == "you own no vehicle CD1"


def test_a_token_for_some_vehicles_is_good_for_those_it_names_and_those_with_its_tag(site: Site) -> None:
    for vehicle in ("CE1", "CE2", "CE3"):
        site.own("cyril", vehicle)
    assert site.ask("PATCH", "/vehicles/CE2/tags", json={"add": ["vans"]}).status_code == 200
    site.own("dan", "CE4")
    assert site.ask("PATCH", "/vehicles/CE4/tags", json={"add": ["vans"]}).status_code == 200

    def good_for(**limits: Any) -> list[str]:
        made = site.ask("POST", "/tokens", json={"uid": "cyril", "scopes": ["read"], **limits}).json()
        headers = {"authorization": f"Bearer {made['token']}"}
        vehicles = ("CE1", "CE2", "CE3", "CE4")
        return [
            one for one in vehicles if site.ask("GET", f"/vehicles/{one}/alerts", headers=headers).status_code == 200
        ]

    assert good_for() == ["CE1", "CE2", "CE3"]
    assert good_for(vehicles=["0ce1"]) == ["CE1"]
    assert good_for(tags=["vans"]) == ["CE2"], "another user's vehicle has the tag too"
    assert good_for(vehicles=["CE1"], tags=["vans"]) == ["CE1", "CE2"]
    assert good_for(vehicles=[]) == []
