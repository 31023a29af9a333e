"""Payload formats by name: the built-in one, those of evd.toml, and grammars written out."""

from __future__ import annotations

import pytest
from original_status import FRAME, MEASURED

from evd.config.settings import FormatSettings
from evd.errors import ConfigError, FormatError
from evd.model.measures import EV_GRAMMAR
from evd.payload.formats import Formats, FormatSource

EV_PAYLOAD = bytes.fromhex(FRAME)


def test_the_default_format_decodes_the_originals_payload() -> None:
    assert Formats({}, "ev").default.decoder.decode(EV_PAYLOAD) == MEASURED


def test_a_grammar_written_out_knows_the_usual_half_floats() -> None:
    formats = Formats({}, "ev")
    assert formats.find(EV_GRAMMAR).decoder.decode(EV_PAYLOAD) == formats.default.decoder.decode(EV_PAYLOAD)


def test_only_16_bit_fields_of_those_names_are_usually_half_floats() -> None:
    find = Formats({}, "ev").find
    assert find("indoor_temp::uint:8 count::uint:16").decoder.decode(b"\x10\x3c\x00") == {
        "indoor_temperature": 16,
        "count": 0x3C00,
    }


def test_a_format_is_compiled_once() -> None:
    formats = Formats({}, "ev")
    assert formats.find("a::uint:8") is formats.find("a::uint:8")
    assert formats.find("ev") is formats.default


def test_a_format_of_the_settings_has_its_own_table() -> None:
    settings = {"trailer": FormatSettings("temp::uint:8", {"temp": {"scale": 0.5, "offset": -10.0}})}
    assert Formats(settings, "trailer").default.decoder.decode(b"\x64") == {"temp": 40.0}


def test_the_settings_may_replace_the_built_in_one() -> None:
    assert Formats({"ev": FormatSettings("a::uint:8")}, "ev").default.names == {"a"}


def test_names_are_the_apps() -> None:
    assert Formats({}, "outdoor_temp::uint:8").default.names == {"outdoor_temperature"}


@pytest.mark.parametrize(
    ("settings", "default", "says"),
    [
        ({}, "trailer", "there is no format 'trailer': use one of ev"),
        ({}, "a::uint:65", "the format is refused"),
        ({"a:b": FormatSettings("a::uint:8")}, "ev", "must not hold a colon"),
        ({"t": FormatSettings("a::uint:0")}, "ev", "format t: "),
        ({"t": FormatSettings("")}, "ev", "format t: "),
        ({"t": FormatSettings("a::uint:8", {"a": {"colour": "red"}})}, "ev", "format t: the table of its fields"),
        ({"t": FormatSettings("a::uint:8", {"b": {"half": True}})}, "ev", "format t: "),
        ({"t": FormatSettings("a::uint:8", {"a": {"half": True}})}, "ev", "format t: "),
        ({"t": FormatSettings("indoor_temp::uint:8 indoor_temperature::uint:8")}, "ev", "both of its spellings"),
    ],
)
def test_a_wrong_format_is_refused_when_it_is_loaded(
    settings: dict[str, FormatSettings], default: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says.replace("(", r"\(")):
        Formats(settings, default)


def test_a_refused_grammar_leaves_nothing_behind() -> None:
    formats = Formats({}, "ev")
    for _ in range(2):
        with pytest.raises(ConfigError, match="refused"):
            formats.find("a::uint:65")


# Formats of the database


def test_a_format_that_was_put_is_found_by_its_name_until_it_is_dropped() -> None:
    formats = Formats({}, "ev")
    formats.put("trailer", FormatSettings("load::uint:8"))
    assert formats.find("trailer").decoder.decode(b"\x07") == {"load": 7}
    assert formats.named()["trailer"].origin is FormatSource.DATABASE
    formats.drop("trailer")
    with pytest.raises(ConfigError, match="there is no format 'trailer'"):
        formats.find("trailer")


def test_a_format_that_is_put_again_is_another_one_from_then_on() -> None:
    formats = Formats({}, "ev")
    formats.put("trailer", FormatSettings("load::uint:8"))
    before = formats.find("trailer")
    formats.put("trailer", FormatSettings("weight::uint:8", {"weight": {"scale": 2.0}}))
    assert formats.find("trailer").decoder.decode(b"\x07") == {"weight": 14.0}
    assert before.decoder.decode(b"\x07") == {"load": 7}, "who holds the old one can end what he began"


def test_what_is_refused_changes_nothing() -> None:
    formats = Formats({}, "ev")
    formats.put("trailer", FormatSettings("load::uint:8"))
    with pytest.raises(FormatError):
        formats.put("trailer", FormatSettings("load::uint:65"))
    assert formats.find("trailer").names == {"load"}


def test_the_configuration_hides_a_format_of_the_database_under_its_name() -> None:
    formats = Formats({"trailer": FormatSettings("mine::uint:8")}, "ev")
    formats.put("trailer", FormatSettings("stored::uint:8"))
    formats.put("ev", FormatSettings("stored::uint:8"))
    assert formats.find("trailer").names == {"mine"}
    assert {name: one.origin for name, one in formats.named().items()} == {
        "ev": FormatSource.BUILT_IN,
        "trailer": FormatSource.SETTINGS,
    }
    assert (formats.is_fixed("trailer"), formats.is_stored("trailer")) == (True, True)


def test_the_default_does_not_hang_on_the_database() -> None:
    """It is held by the fast path for good, so it must be one that does not change."""
    with pytest.raises(ConfigError):
        Formats({}, "trailer")


def test_the_built_in_format_knows_what_is_plausible() -> None:
    ev = Formats({}, "ev").default
    fine = {"current_charge": 100, "indoor_temperature": -100.0, "outdoor_temperature": 21, "elec_consumption": 1e300}
    assert ev.implausible(fine | {"odometer": -1, "range": "65535", "target_charge": True, "remain_time": None}) == {}
    wrong = {"current_charge": 101, "indoor_temperature": -100.1, "outdoor_temperature": 151}
    assert ev.implausible(fine | wrong) == wrong
    assert ev.implausible({"range": 65535}) == {"range": 65535}, "a sender may say what the payload has no bits for"


def test_a_format_without_its_options_is_there_beside() -> None:
    fields = {"a": {"scale": 0.5, "none": 255}, "b": {"enum": {"1": "on"}}, "indoor_temp": {"half": True}}
    format = Formats({"x": FormatSettings("a::uint:8 b::uint:8 indoor_temp::uint:16", fields)}, "x").default
    assert format.decoder.decode(b"\x05\x01\x4d\x60") == {"a": 2.5, "b": "on", "indoor_temperature": 21.5}
    assert format.bare.decode(b"\x05\x01\x4d\x60") == {"a": 5, "b": 1, "indoor_temperature": 19808}
    assert format.halves == {"indoor_temperature"}
