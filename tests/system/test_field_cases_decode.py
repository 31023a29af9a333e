"""Payload formats and payloads that makers and users published, by `evd decode` (ids of reference/field-cases.json)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from evd.cli.decode import decode
from evd.cli.format import format_group

CASES: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "D02 Sensit 3: one format does not fit all modes, the common fields do": (
        "battery:0:uint:5 mode:1:uint:5 button:1:bool:2 magnet:1:uint:2:big-endian:1 rest:2:uint:16",
        {
            "e6290001": {"battery": 28, "mode": 5, "button": False, "magnet": 1, "rest": 1},
            "f6100065": {"battery": 30, "mode": 2, "button": False, "magnet": 0, "rest": 101},
        },
    ),
    "D04 UnaBiz: name and value pairs, little-endian": (
        "n1::uint:16:little-endian ctr::uint:16:little-endian n2::uint:16:little-endian "
        "lig::uint:16:little-endian n3::uint:16:little-endian tmp::uint:16:little-endian",
        {
            "920e06272731741db051e600": {"n1": 3730, "ctr": 9990, "n2": 12583, "lig": 7540, "n3": 20912, "tmp": 230},
            "920e82002731b01db0512201": {"n1": 3730, "ctr": 130, "n2": 12583, "lig": 7600, "n3": 20912, "tmp": 290},
        },
    ),
    "D05 Oyster: a tracker's degrees": (
        "type:0:uint:4:big-endian:3 inTrip:0:bool:4 fixFailed:0:bool:5 lat:1:int:32:little-endian "
        "long:5:int:32:little-endian heading:9:uint:8 speed::uint:8 vbat::uint:8",
        {
            "10b67dcc0006efda3d9816c2": {
                "type": 0,
                "inTrip": True,
                "fixFailed": False,
                "lat": 13401526,
                "long": 1037758214,
                "heading": 152,
                "speed": 22,
                "vbat": 194,
            },
            "00c406cc00af73f33d0000ac": {
                "type": 0,
                "inTrip": False,
                "fixFailed": False,
                "lat": 13371076,
                "long": 1039365039,
                "heading": 0,
                "speed": 0,
                "vbat": 172,
            },
        },
    ),
    "D07 MKR FOX: a packed C struct": (
        "mode::uint:8 kg::int:32:little-endian moduleTemperature::uint:16:little-endian "
        "Temperature::uint:16:little-endian bat::uint:16:little-endian ekstra::uint:8",
        {
            "07d007000003000400050006": {
                "mode": 7,
                "kg": 2000,
                "moduleTemperature": 3,
                "Temperature": 4,
                "bat": 5,
                "ekstra": 6,
            }
        },
    ),
    "D09 LocationFix: below sea level": (
        "lat::int:32 lon::int:32 alt::int:16 sats::uint:8",
        {
            "03190CA000568411012A08": {"lat": 51973280, "lon": 5669905, "alt": 298, "sats": 8},
            "031a77c10048e3a6fff709": {"lat": 52066241, "lon": 4776870, "alt": -9, "sats": 9},
        },
    ),
    "D10 what lies behind the format is no field": (
        "moduleTemp::int:16:little-endian dhtTemp::int:16:little-endian dhtHum::uint:16:little-endian lastMsg::uint:8",
        {"7707d713649c000078c40000": {"moduleTemp": 1911, "dhtTemp": 5079, "dhtHum": 40036, "lastMsg": 0}},
    ),
    "D11 Adeunis TEMP: nibbles and signed tenths": (
        "code::uint:8 status::uint:8 intId:2:uint:4:big-endian:7 intType:2:uint:4:big-endian:3 internal:3:int:16 "
        "extId:5:uint:4:big-endian:7 extType:5:uint:4:big-endian:3 external:6:int:16",
        {
            "43A2D1015E82FF06": {
                "code": 67,
                "status": 162,
                "intId": 13,
                "intType": 1,
                "internal": 350,
                "extId": 8,
                "extType": 2,
                "external": -250,
            }
        },
    ),
    "D13 Adeunis FTD: flags of one byte": (
        "t_present:0:bool:7 accel:0:bool:6 button:0:bool:5 gps:0:bool:4 rx:0:bool:3 tx:0:bool:2 "
        "temp:1:int:8 up:2:uint:8 down:3:uint:8",
        {
            "CC183300": {
                "t_present": True,
                "accel": True,
                "button": False,
                "gps": False,
                "rx": True,
                "tx": True,
                "temp": 24,
                "up": 51,
                "down": 0,
            }
        },
    ),
    "D14 Xirgo: five frames, the last one short": (
        "group::uint:8 version:1:uint:4:big-endian:7 index:1:uint:4:big-endian:3 rest:2:uint:64",
        {
            "1F40005804C6EF020A1603F8": {"group": 31, "version": 4, "index": 0, "rest": 0x005804C6EF020A16},
            "1F41E82BF4FFF80023FC1808": {"group": 31, "version": 4, "index": 1, "rest": 0xE82BF4FFF80023FC},
            "1F424000004C09D4870D135C": {"group": 31, "version": 4, "index": 2, "rest": 0x4000004C09D4870D},
            "1F43DC967407BDA8D3F7310A": {"group": 31, "version": 4, "index": 3, "rest": 0xDC967407BDA8D3F7},
            "1F4408": {"group": 31, "version": 4, "index": 4, "rest": None},
        },
    ),
    "D15 Pycom: a float and a byte": (
        "temperature::float:32:little-endian humidity::uint:8",
        {"0000094243": {"temperature": 34.25, "humidity": 67}},
    ),
    "D16 MKR FOX: a battery's current and voltage": (
        "status::uint:8 version::uint:8 temperature::int:16:little-endian current::int:16:little-endian "
        "voltage::uint:16:little-endian currentOff::int:16:little-endian voltageOff::uint:16:little-endian",
        {
            "6803d2008704bd0438ffa604": {
                "status": 104,
                "version": 3,
                "temperature": 210,
                "current": 1159,
                "voltage": 1213,
                "currentOff": -200,
                "voltageOff": 1190,
            }
        },
    ),
    "D18 line breaks, and an endianness of eight bits": (
        "field1::int:16:little-endian\n   field2::int:16:little-endian\n   field3::uint:8:little-endian",
        {"0100feff05": {"field1": 1, "field2": -2, "field3": 5}},
    ),
    "D19 NaN without a fix": (
        "lat::float:32:little-endian lon::float:32:little-endian Timeout::uint:16",
        {
            "0000c07f0000c07f000c": {"lat": None, "lon": None, "Timeout": 12},
            "14ae22420ad794c2000c": {"lat": 40.66999816894531, "lon": -74.41999816894531, "Timeout": 12},
        },
    ),
    "D20 a format of 13 bytes": (
        "lat::float:32:little-endian lng::float:32:little-endian temp::uint:16:little-endian "
        "hum::uint:16:little-endian stat::char:1",
        {
            "6adb22420e0394c2221a0f": {
                "lat": 40.714271545410156,
                "lng": -74.00596618652344,
                "temp": 6690,
                "hum": None,
                "stat": None,
            }
        },
    ),
}


@pytest.mark.parametrize(("grammar", "payloads"), CASES.values(), ids=CASES.keys())
def test_a_published_payload_by_a_published_format(grammar: str, payloads: dict[str, dict[str, Any]]) -> None:
    result = CliRunner().invoke(decode, ["--format", grammar, *payloads])
    assert result.exit_code == 0
    assert [json.loads(line) for line in result.stdout.splitlines()] == list(payloads.values())


THIRTEEN, _ = CASES["D20 a format of 13 bytes"]
SAYS = "field stat lies behind byte 12, the most that Sigfox carries"


def test_format_check_warns_of_what_no_message_holds() -> None:
    """D20."""
    result = CliRunner().invoke(format_group, ["check", THIRTEEN])
    assert result.exit_code == 0
    assert result.stderr == f"Warning: {SAYS}: null in each message (the format has 13 bytes)\n"
    assert "13 bytes" in result.stdout
    (warning,) = json.loads(CliRunner().invoke(format_group, ["check", "--json", THIRTEEN]).stdout)["warnings"]
    assert warning.startswith(SAYS)


@pytest.mark.parametrize("grammar", [grammar for name, (grammar, _) in CASES.items() if not name.startswith("D20")])
def test_of_what_fits_into_a_message_nobody_is_warned(grammar: str) -> None:
    result = CliRunner().invoke(format_group, ["check", grammar])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "warnings" not in json.loads(CliRunner().invoke(format_group, ["check", "--json", grammar]).stdout)


def test_fields_that_lie_behind_and_across_byte_12_are_all_named() -> None:
    result = CliRunner().invoke(format_group, ["check", "a:11:uint:8 b:11:uint:16 c:40:bool:0"])
    assert "fields b, c lie behind byte 12" in result.stderr


def test_format_check_refuses_a_float_of_16_bits_and_names_half() -> None:
    """D17, published as a custom payload config."""
    result = CliRunner().invoke(format_group, ["check", "cislo1::float:16 cislo2::uint:16"])
    assert result.exit_code == 1
    sentence, *_ = result.stderr.splitlines()
    for word in ("cislo1", "'16'", "32 or 64", "uint:16 with the option half", "--half"):
        assert word in sentence


def test_format_check_shows_the_options_of_a_format() -> None:
    shown = CliRunner().invoke(format_group, ["check", "ev"]).stdout
    assert "  current_charge: unit %, min 0, max 100\n" in shown
    assert "  indoor_temp: half true, unit °C, min -100, max 150\n" in shown
    fields = json.loads(CliRunner().invoke(format_group, ["check", "--json", "ev"]).stdout)["fields"]
    assert fields[1]["options"] == {"unit": "%", "min": 0.0, "max": 100.0}
    assert "options" not in fields[0]
