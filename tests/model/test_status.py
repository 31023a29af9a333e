"""The status document: normal forms, half floats, identity."""

from __future__ import annotations

import string
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import BadRequest
from evd.model.connectivity import SIGFOX, WLAN
from evd.model.measures import HALF_FROM, MEASURES, field_name, half, half_from, halves_read
from evd.model.status import TIME_MAX_MS, canonical, identity, time_ms, vehicle_id


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("386625", "386625"),
        ("00386625", "386625"),
        ("1ab2c", "1AB2C"),
        ("1AB2C", "1AB2C"),
        ("0", "0"),
        ("00000000", "0"),
        ("DEADBEEF", "DEADBEEF"),
        ("123456789", "123456789"),  # nine digits: no Sigfox id, and as it is
        ("000386625", "000386625"),
        ("0x12", "0x12"),  # no hex digits alone
        ("0X1f", "0X1f"),
        ("1_2", "1_2"),
        ("+12", "+12"),
        (" 12", " 12"),
        ("٣٨", "٣٨"),  # digits, but no hex digits of Sigfox
        ("caravan", "caravan"),
        ("Güllewagen 7", "Güllewagen 7"),
        ("x" * 64, "x" * 64),
    ],
)
def test_the_normal_form_of_a_vehicle(written: str, normal: str) -> None:
    assert vehicle_id(written) == normal
    assert vehicle_id(normal) == normal


@pytest.mark.parametrize("written", ["", "x" * 65, "a\nb", "a\0b", "\u202e12", "\ud800"])
def test_a_vehicle_has_1_to_64_printable_characters(written: str) -> None:
    with pytest.raises(BadRequest, match="1 to 64 printable characters"):
        vehicle_id(written)


@given(st.text(string.hexdigits, min_size=1, max_size=8))
def test_law_case_and_leading_zeros_name_the_same_vehicle(text: str) -> None:
    assert vehicle_id(text) == vehicle_id(text.lower()) == vehicle_id(text.upper()) == vehicle_id(text.zfill(8))


@pytest.mark.parametrize(
    ("given_time", "ms"),
    [
        (1639400000, 1639400000000),  # Sigfox: seconds
        (1639400000123, 1639400000123),  # WLAN: milliseconds
        (1639400000.5, 1639400000500),
        (1, 1000),
        (10**11, 10**14),  # the last that is seconds
        (10**11 + 1, 10**11 + 1),  # the first that is milliseconds
        (TIME_MAX_MS, TIME_MAX_MS),
    ],
)
def test_times_are_seconds_or_milliseconds_by_their_size(given_time: float, ms: int) -> None:
    assert time_ms(given_time) == ms


@pytest.mark.parametrize("given_time", [0, -1, -1639400000, TIME_MAX_MS + 1, 1e300, 2**64, 0.0001])
def test_a_time_out_of_range_is_refused(given_time: float) -> None:
    with pytest.raises(BadRequest, match="out of range"):
        time_ms(given_time)


@pytest.mark.parametrize(
    ("bits", "value"),
    [(19380, 15.40625), (20616, 36.25), (0, 0.0), (0x3C00, 1.0), (0xBC00, -1.0), (0x7C00, None), (0x7E00, None)],
)
def test_half_floats(bits: int, value: float | None) -> None:
    assert half(bits) == value


@given(st.integers(0, 0xFFFF))
def test_law_every_half_is_itself_or_nothing(bits: int) -> None:
    value = half(bits)
    if value is None:
        assert bits & 0x7C00 == 0x7C00, "only infinities and NaNs have no value"
    else:
        assert struct.pack(">e", value) == bits.to_bytes(2, "big")


@pytest.mark.parametrize(
    ("connectivity", "encoded", "least"),
    [
        *((SIGFOX, encoded, 0) for encoded in (None, True)),
        (SIGFOX, False, None),
        (WLAN, None, HALF_FROM),
        (WLAN, True, 0),
        (WLAN, False, None),
    ],
)
def test_from_which_whole_number_on_a_half_float_field_holds_a_half(
    connectivity: int, encoded: bool | None, least: int | None
) -> None:
    assert half_from(connectivity, encoded) == least


@pytest.mark.parametrize(
    ("name", "value", "least", "read"),
    [
        ("elec_consumption", 19380, 0, 15.40625),
        ("indoor_temperature", 20616, 0, 36.25),
        ("indoor_temperature", 20616, HALF_FROM, 36.25),
        ("indoor_temperature", HALF_FROM, HALF_FROM, 2.0**-14),
        ("indoor_temperature", 21, HALF_FROM, 21),
        ("indoor_temperature", 0xCF00, HALF_FROM, -28.0),
        ("indoor_temperature", -21, HALF_FROM, -21),
        ("indoor_temperature", 20616, None, 20616),
        ("indoor_temperature", 0x7C00, 0, None),
        ("outdoor_temperature", 21.5, 0, 21.5),
        ("desired_temperature", 70_000, 0, 70_000),
        ("indoor_temperature", True, 0, True),
        ("range", 19380, 0, 19380),
        ("unheard_of", 19380, 0, 19380),
    ],
)
def test_only_whole_numbers_in_half_float_fields_are_halves(
    name: str, value: Any, least: int | None, read: Any
) -> None:
    found = halves_read({name: value, "beside": 20616}, least)
    assert found == {name: read, "beside": 20616}
    assert type(found[name]) is type(read)


def test_both_spellings_of_a_temperature_are_the_apps() -> None:
    for where in ("indoor", "outdoor", "desired"):
        assert field_name(f"{where}_temp") == field_name(f"{where}_temperature") == f"{where}_temperature"
    assert field_name("state") == "state"
    assert field_name("unheard_of") == "unheard_of"


def test_an_id_is_16_hex_digits_and_the_same_for_ever() -> None:
    known = identity("data", "386625", 1639400000000, 118, bytes.fromhex("130a4c0f594e427e4bb45088"))
    assert known == identity("data", "386625", 1639400000000, 118, bytes.fromhex("130a4c0f594e427e4bb45088"))
    assert len(known) == 16
    assert set(known) <= set("0123456789abcdef")


def test_an_id_depends_on_each_of_its_parts() -> None:
    base: tuple[Any, ...] = ("data", "386625", 1639400000000, 118, b"\x01")
    others: tuple[tuple[Any, ...], ...] = (
        ("advanced", *base[1:]),
        ("data", "386626", *base[2:]),
        ("data", "386625", 1639400000001, *base[3:]),
        (*base[:3], 119, b"\x01"),
        (*base[:3], None, b"\x01"),
        (*base[:4], b"\x02"),
        (*base[:4], b""),
        ("data", "38662", 51639400000000, 118, b"\x01"),
    )
    assert len({identity(*parts) for parts in (base, *others)}) == 1 + len(others)


def test_without_a_payload_the_values_stand_for_it_in_any_order() -> None:
    assert canonical({"a": 1, "b": 2.5}) == canonical({"b": 2.5, "a": 1})
    assert canonical({"a": 1}) != canonical({"a": 2})
    assert canonical({}) != b""


def test_every_measure_of_the_original_is_known() -> None:
    assert set(MEASURES) == {
        *("state", "current_charge", "target_charge", "current", "elapsed_time", "remain_time", "range"),
        *("elec_consumption", "indoor_temperature", "outdoor_temperature", "desired_temperature"),
        *("max_current", "location", "advanced"),
    }
    assert {name for name, measure in MEASURES.items() if not measure.unit} == {"state", "location", "advanced"}
