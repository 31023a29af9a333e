"""Payload formats over HTTP: added, replaced and removed, and who uses each."""

from __future__ import annotations

from typing import Any

import pytest
from api_asking import Asking

GRAMMAR = "weight::uint:8"


def test_a_format_is_added_and_its_grammar_replaced(ask: Asking) -> None:
    made = ask("POST", "/formats", {"name": "fa", "grammar": GRAMMAR, "fields": {"weight": {"scale": 2}}})
    assert made.status_code == 201
    assert made.json() == {
        "name": "fa",
        "origin": "database",
        "default": False,
        "grammar": GRAMMAR,
        "fields": {"weight": {"scale": 2}},
        "vehicles": [],
        "device_types": [],
    }
    again = ask("POST", "/formats", {"name": "fa", "grammar": "weight::uint:16"}).json()
    assert (again["grammar"], again["fields"]) == ("weight::uint:16", {})
    (listed,) = (one for one in ask("GET", "/formats").json() if one["name"] == "fa")
    assert (listed["grammar"], listed["vehicles"], listed["device_types"]) == ("weight::uint:16", 0, 0)


def test_a_format_in_use_stays_and_its_users_come_in_pages(ask: Asking) -> None:
    assert ask("POST", "/formats", {"name": "fb", "grammar": GRAMMAR}).status_code == 201
    for number in range(3):
        assert ask("PATCH", f"/vehicles/FB{number}", {"format": "fb"}).status_code == 200
    first = ask("GET", "/formats/fb?limit=2")
    assert first.json()["vehicles"] == ["FB0", "FB1"]
    rest = ask("GET", first.links["next"]["url"].removeprefix("/api/v1"))
    assert rest.json()["vehicles"] == ["FB2"] and "next" not in rest.links
    replaced = ask("POST", "/formats?limit=2", {"name": "fb", "grammar": GRAMMAR})
    assert replaced.links["next"]["url"].startswith("/api/v1/formats/fb?"), "a page is asked for where there is one"
    refused = ask("DELETE", "/formats/fb")
    assert (refused.status_code, "3 vehicle(s)" in refused.json()["detail"]) == (400, True)
    for number in range(3):
        assert ask("PATCH", f"/vehicles/FB{number}", {"format": None}).status_code == 200
    assert ask("DELETE", "/formats/fb").json() == {"name": "fb", "removed": True}
    assert ask("DELETE", "/formats/fb").status_code == 404


def test_a_device_type_is_named_in_any_case_and_has_one_format_or_none(ask: Asking) -> None:
    def formats() -> dict[str, str]:
        return {row["device_type"]: row["format"] for row in ask("GET", "/device-types").json()}

    set_ = ask("PUT", "/device-types/5D8CAB", {"format": "ev"})
    assert set_.json() == {"device_type": "5d8cab", "format": "ev"} and formats()["5d8cab"] == "ev"
    assert ask("PUT", "/device-types/5d8cab", {"format": "a::uint:8"}).status_code == 200, "a grammar is a format, too"
    assert formats()["5d8cab"] == "a::uint:8"
    assert ask("PUT", "/device-types/5d8cab", {"format": None}).json()["format"] is None
    assert "5d8cab" not in formats()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/formats", {"name": "a b", "grammar": GRAMMAR}, 400, "is not a name of a format"),
        ("POST", "/formats", {"name": "x" * 65, "grammar": GRAMMAR}, 400, "is not a name of a format"),
        ("POST", "/formats", {"name": "ev", "grammar": GRAMMAR}, 400, "format ev is built in"),
        ("POST", "/formats", {"name": "wish", "grammar": GRAMMAR}, 400, "format wish is in evd.toml"),
        ("POST", "/formats", {"name": "fx", "grammar": "weight::uint:99"}, 400, "the format is invalid"),
        ("POST", "/formats", {"name": "fx", "grammar": GRAMMAR, "fields": {"x": {}}}, 400, "the format is invalid"),
        ("POST", "/formats", {"name": "fx"}, 400, "the body is invalid"),
        ("DELETE", "/formats/ev", None, 400, "format ev is built in: only those of the database"),
        ("GET", "/formats/never", None, 404, "no format 'never'"),
        ("PUT", "/device-types/x", {"format": "never"}, 400, "no format 'never'"),
        ("PUT", f"/device-types/{'x' * 65}", {"format": None}, 400, "1 to 64 printable characters"),
        ("PUT", "/device-types/x", {}, 400, "the body is invalid"),
    ],
)
def test_what_cannot_be_is_refused(ask: Asking, method: str, path: str, body: Any, status: int, says: str) -> None:
    answer = ask(method, path, body)
    assert (answer.status_code, says in answer.json()["detail"]) == (status, True), answer.text
    assert "fx" not in {one["name"] for one in ask("GET", "/formats").json()}
