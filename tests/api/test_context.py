"""What every route asks of its request: headers, the vehicle's name, who asks, for which vehicle."""

from __future__ import annotations

from typing import Any

import pytest
from api_asking import Asking

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


def test_a_vehicle_is_named_in_any_spelling_also_by_the_id_that_it_had(ask: Asking) -> None:
    for vehicle in ("CC1", "CC2"):
        ask.send(vehicle)
    assert ask("POST", "/vehicles/CC1/merge", {"into": "CC2"}).status_code == 200
    for spelling in ("CC2", "cc2", "00000CC2", "CC1", "0cc1"):
        assert ask("GET", f"/vehicles/{spelling}").json()["vehicle"] == "CC2"


def test_a_user_has_the_relation_that_the_route_asks_for(ask: Asking) -> None:
    ask.own("carla", "CD1")
    ask.own("carl", "CD1", "viewer")
    expected = {("carla", "GET"): 200, ("carla", "PUT"): 200, ("carl", "GET"): 200, ("carl", "PUT"): 403}
    expected |= {("eve", "GET"): 404, ("eve", "PUT"): 404}
    found = {
        (user, method): ask(method, "/vehicles/CD1/alerts", {} if method == "PUT" else None, user=user)
        for user, method in expected
    }
    assert {one: answer.status_code for one, answer in found.items()} == expected
    assert "only an owner may do this" in found["carl", "PUT"].json()["detail"]
    assert found["eve", "GET"].json()["detail"] == "you own no vehicle CD1"


def test_a_token_for_some_vehicles_is_good_for_those_it_names_and_those_with_its_tag(ask: Asking) -> None:
    for vehicle in ("CE1", "CE2", "CE3"):
        ask.own("cyril", vehicle)
    assert ask("PATCH", "/vehicles/CE2/tags", {"add": ["vans"]}).status_code == 200
    ask.own("dan", "CE4")
    assert ask("PATCH", "/vehicles/CE4/tags", {"add": ["vans"]}).status_code == 200

    def good_for(**limits: Any) -> list[str]:
        made = ask("POST", "/tokens", {"uid": "cyril", "scopes": ["read"], **limits}).json()
        headers = {"authorization": f"Bearer {made['token']}"}
        vehicles = ("CE1", "CE2", "CE3", "CE4")
        return [one for one in vehicles if ask("GET", f"/vehicles/{one}/alerts", headers=headers).status_code == 200]

    assert good_for() == ["CE1", "CE2", "CE3"]
    assert good_for(vehicles=["0ce1"]) == ["CE1"]
    assert good_for(tags=["vans"]) == ["CE2"], "another user's vehicle has the tag too"
    assert good_for(vehicles=["CE1"], tags=["vans"]) == ["CE1", "CE2"]
    assert good_for(vehicles=[]) == []
