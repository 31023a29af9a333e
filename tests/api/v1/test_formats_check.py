"""The check of a format that is being written: its bits, its fault and where that is, what payloads become."""

from __future__ import annotations

import msgspec
import pytest

from evd.api.v1.formats_check import PAYLOADS_MAX, FormatCheck, checked


def test_a_good_format_has_its_layout_and_decodes() -> None:
    wish = FormatCheck(
        "load::uint:8 temp::int:16",
        {"temp": {"scale": 0.1, "none": -32768, "max": 100}},
        ["2a015e", "2a8000", "2a7fff", "2a", "zz"],
    )
    found = checked(wish)
    assert found["error"] is None and found["layout"] is not None and found["layout"]["bytes"] == 3
    scaled, none, hot, short, wrong = found["decoded"]
    assert scaled == {"fields": {"load": 42, "temp": pytest.approx(35.0)}, "implausible": [], "error": ""}
    assert none["fields"] == {"load": 42, "temp": None}
    assert hot["implausible"] == ["temp"]
    assert short["fields"] == {"load": 42, "temp": None}
    assert wrong["fields"] is None and wrong["error"]


def test_a_value_stands_under_the_name_that_the_grammar_has() -> None:
    wish = FormatCheck("current_charge::uint:8 indoor_temp::uint:16", {"indoor_temp": {"half": True}}, ["ff5088"])
    assert checked(wish)["decoded"] == [
        {"fields": {"current_charge": 255, "indoor_temp": 36.25}, "implausible": ["current_charge"], "error": ""}
    ]


@pytest.mark.parametrize(
    ("grammar", "fields", "position"),
    [
        ("load::uint:8 temp::in:16", {}, 19),
        ("load::uint:99", {}, 11),
        ("load::uint:8", {"lod": {"half": True}}, None),
        ("load::uint:8", {"load": {"wrong": 1}}, None),
        ("", {}, None),
    ],
)
def test_a_fault_says_where_it_is(grammar: str, fields: dict[str, dict[str, object]], position: int | None) -> None:
    found = checked(FormatCheck(grammar, fields))
    assert found["layout"] is None and found["decoded"] == []
    assert found["error"] is not None and found["error"]["position"] == position
    assert found["error"]["sentence"]


def test_no_more_is_decoded_than_stands_on_a_screen() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"grammar": "a::uint:8", "payloads": ["00"] * (PAYLOADS_MAX + 1)}, FormatCheck)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"grammar": "a::uint:8", "payloads": ["00" * 65]}, FormatCheck)
