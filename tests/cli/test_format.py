"""`evd format add|list|show|assign|remove` and `evd redecode`, as they are typed, over a running daemon."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import rows
from daemon_process import RunningDaemon, run_evd, running_daemon

from evd.cli.format import field_settings
from evd.errors import ConfigError

TYPE = "5d8cdc8fea06bb6e41234567"
SETTINGS = """
[ingest]
default_format = "house"

[formats.house]
grammar = "load::uint:8"
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("formats") / "evd", settings=SETTINGS) as one:
        yield one


def evd(daemon: RunningDaemon, *arguments: str, code: int = 0) -> Any:
    """The command's JSON; of one that fails, its sentence."""
    as_json = [] if code else ["--json"]
    done = run_evd(*arguments, "--dir", daemon.directory, *as_json)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stderr if code else json.loads(done.stdout)


def send(daemon: RunningDaemon, vehicle: str, payload: str, *, ago_s: int = 0, **more: Any) -> None:
    document = {"device": vehicle, "time": int(time.time()) - ago_s, "data": payload, **more}
    answer = httpx.post(f"{daemon.url}/sigfox/uplink", json=document, headers={"x-api-key": daemon.keys["sigfox"]})
    assert answer.status_code == 201, answer.text


def fields_of(daemon: RunningDaemon, vehicle: str) -> list[dict[str, Any]]:
    """Of the vehicle's statuses, the oldest first."""
    found = rows(daemon.database, "SELECT fields FROM ring WHERE vehicle = ? ORDER BY position", vehicle)
    return [json.loads(fields) for (fields,) in found]


def test_a_format_is_added_shown_given_out_taken_back_and_removed(daemon: RunningDaemon) -> None:
    added = evd(daemon, "format", "add", "trailer", "weight::uint:8", "--field", "weight.scale=2.5")
    assert (added["origin"], added["fields"]) == ("database", {"weight": {"scale": 2.5}})
    assert evd(daemon, "format", "assign", "trailer", "--vehicle", "00A1", "--device-type", TYPE.upper())
    listed = {row["name"]: row for row in evd(daemon, "format", "list")}
    assert {name: row["origin"] for name, row in listed.items()} == {
        "ev": "built in",
        "house": "evd.toml",
        "trailer": "database",
    }
    assert [name for name, row in listed.items() if row["default"]] == ["house"]
    assert (listed["trailer"]["vehicles"], listed["trailer"]["device_types"]) == (1, 1)
    shown = evd(daemon, "format", "show", "trailer")
    assert (shown["vehicles"], shown["device_types"]) == (["A1"], [TYPE])
    assert "used by 1 vehicle(s) and 1 device type(s)" in evd(daemon, "format", "remove", "trailer", "--yes", code=1)
    evd(daemon, "format", "assign", "-", "--vehicle", "A1", "--device-type", TYPE)
    assert evd(daemon, "format", "remove", "trailer") == {"name": "trailer", "removed": True}
    assert "there is no format 'trailer'" in evd(daemon, "format", "show", "trailer", code=1)


def test_people_see_the_bit_map_and_the_users(daemon: RunningDaemon) -> None:
    evd(daemon, "format", "add", "shown", "weight::uint:8 low:1:bool:0", "--field", "weight.unit=kg")
    evd(daemon, "format", "assign", "shown", "--vehicle", "B1")
    page = run_evd("format", "show", "shown", "--dir", daemon.directory).stdout
    for text in ("shown (database)", "weight: unit kg", "a a a a a a a a", "vehicles: B1", "device types: none"):
        assert text in page
    assert "house" in run_evd("format", "list", "--dir", daemon.directory).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["add", "bad", "weight::uint:99"], 1, "^"),
        (["add", "bad", "weight::uint:8", "--field", "other.half=true"], 1, "other"),
        (["add", "bad", "weight::uint:8", "--field", "weight"], 2, "write it like temp.half=true"),
        (["add", "bad", "weight::uint:8", "--fields-json", "[]"], 2, "--fields-json is not a table of fields"),
        (["add", "bad name", "weight::uint:8"], 1, "is not a name of a format"),
        (["add", "-", "weight::uint:8"], 1, "is not a name of a format"),
        (["add", "ev", "weight::uint:8"], 1, "format ev is built in: choose another name"),
        (["add", "house", "weight::uint:8"], 1, "format house is in evd.toml: choose another name"),
        (["add", "both", "indoor_temp::uint:8 indoor_temperature::uint:8"], 1, "both of its spellings"),
        (["remove", "house", "--yes"], 1, "format house is in evd.toml"),
        (["remove", "nothing", "--yes"], 1, "there is no format 'nothing'"),
        (["assign", "nothing", "--vehicle", "A1"], 1, "there is no format 'nothing'"),
        (["assign", "nothing", "--device-type", TYPE], 1, "there is no format 'nothing'"),
        (["assign", "house", "--device-type", "x" * 65], 1, "1 to 64 printable characters"),
        (["assign", "house"], 2, "no vehicle and no device type is given"),
        (["assign", "house", "--default"], 2, "write ingest.default_format into evd.toml"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    daemon: RunningDaemon, arguments: list[str], code: int, says: str
) -> None:
    before = evd(daemon, "format", "list")
    assert says in evd(daemon, "format", *arguments, code=code)
    assert evd(daemon, "format", "list") == before


def test_formats_are_for_admins(daemon: RunningDaemon) -> None:
    for method, path in (
        ("GET", "formats"),
        ("GET", "device-types"),
        ("POST", "redecode"),
        ("POST", "redecode/preview"),
    ):
        answer = httpx.request(
            method, f"{daemon.url}/api/v1/{path}", headers={"x-api-key": daemon.keys["sigfox"]}, json={"since": 0}
        )
        assert answer.status_code == 403


def test_a_format_counts_from_the_next_message_on_and_redecoding_reaches_those_before(daemon: RunningDaemon) -> None:
    evd(daemon, "format", "add", "own", "first::uint:8")
    evd(daemon, "format", "assign", "own", "--vehicle", "C1", "--device-type", TYPE)
    send(daemon, "C1", "0505", ago_s=60, seqNumber=1)
    send(daemon, "C2", "0606", ago_s=60, seqNumber=1, deviceTypeId=TYPE)
    send(daemon, "C3", "0707", ago_s=60, seqNumber=1)
    evd(daemon, "format", "add", "own", "first::uint:8 second::uint:8")
    send(daemon, "C1", "0808", seqNumber=2)
    assert fields_of(daemon, "C1") == [{"first": 5}, {"first": 8, "second": 8}]
    assert (fields_of(daemon, "C2"), fields_of(daemon, "C3")) == ([{"first": 6}], [{"load": 7}])

    asked = run_evd("redecode", "--since", "1h", "--dir", daemon.directory)
    assert "2 of 4 statuses of 2 vehicles change" in asked.stdout
    assert "--yes changes it" in asked.stderr
    assert fields_of(daemon, "C1")[0] == {"first": 5}, "without --yes and a terminal it only shows"

    told = evd(daemon, "redecode", "--since", "1h", "--vehicle", "C1", "--yes")
    assert (told["read"], told["changed"], told["written"], told["gone"]) == (2, 1, 1, 0)
    assert told["examples"][0]["vehicle"] == "C1"
    assert (told["examples"][0]["field"], told["examples"][0]["old"], told["examples"][0]["new"]) == ("second", None, 5)
    assert fields_of(daemon, "C1") == [{"first": 5, "second": 5}, {"first": 8, "second": 8}]
    assert fields_of(daemon, "C2") == [{"first": 6}]

    assert evd(daemon, "redecode", "--since", "1h", "--yes")["written"] == 1
    assert fields_of(daemon, "C2") == [{"first": 6, "second": 6}]
    again = evd(daemon, "redecode", "--since", "1h", "--yes")
    assert (again["changed"], again["written"]) == (0, 0)
    assert rows(daemon.database, "SELECT count(*) FROM outbox") == [(0,)], "nobody is told of it"


def test_formats_are_there_after_a_restart_and_one_that_evd_toml_has_too_is_hidden(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd", settings=SETTINGS) as first:
        evd(first, "format", "add", "trailer", "weight::uint:8")
        evd(first, "format", "assign", "trailer", "--device-type", TYPE)
    with running_daemon(tmp_path / "evd", keys=first.keys) as second:
        send(second, "E1", "09", deviceTypeId=TYPE)
        assert fields_of(second, "E1") == [{"weight": 9}]
    more = SETTINGS + '\n[formats.trailer]\ngrammar = "mine::uint:8"\n'
    with running_daemon(tmp_path / "evd", keys=first.keys, settings=more) as third:
        send(third, "E2", "09", deviceTypeId=TYPE)
        assert fields_of(third, "E2") == [{"mine": 9}]


def test_a_command_without_a_daemon_is_the_writer_itself(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        pass
    assert evd(daemon, "format", "add", "trailer", "weight::uint:8")["name"] == "trailer"
    assert "trailer" in {row["name"] for row in evd(daemon, "format", "list")}


@pytest.mark.parametrize(
    ("given", "as_json", "expected"),
    [
        ([], None, {}),
        (["a.half=true", "a.unit=12"], None, {"a": {"half": True, "unit": "12"}}),
        (['m.enum={"0": "off"}', "m.unit=a=b"], None, {"m": {"enum": {"0": "off"}, "unit": "a=b"}}),
        (["a.scale=2"], '{"a": {"offset": 1}, "b": {}}', {"a": {"offset": 1, "scale": 2}, "b": {}}),
    ],
)
def test_what_the_grammar_cannot_say_is_typed_field_by_field_or_as_json(
    given: list[str], as_json: str | None, expected: dict[str, Any]
) -> None:
    assert field_settings(given, as_json) == expected


@pytest.mark.parametrize("given", ["a", "a.half", "half=true", ".half=true", "a.=true", "=", "a=b.c"])
def test_what_is_no_setting_of_a_field_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match=r"write it like temp\.half=true"):
        field_settings([given], None)


def test_a_number_that_is_no_value_and_plausible_ones_are_options(daemon: RunningDaemon) -> None:
    options = ("temp.scale=0.1", "temp.none=-32768", "temp.max=85", "load.none=0xFF", "load.min=1")
    settings = [part for option in options for part in ("--field", option)]
    added = evd(daemon, "format", "add", "options", "temp::int:16 load::uint:8", *settings)
    assert added["fields"] == {"temp": {"scale": 0.1, "none": -32768, "max": 85}, "load": {"none": 255, "min": 1}}
    evd(daemon, "format", "assign", "options", "--vehicle", "F1")
    for number, payload in enumerate(("015e05", "8000ff", "035200")):
        send(daemon, "F1", payload, ago_s=9 - number)
    assert fields_of(daemon, "F1") == [
        {"temp": 35.0, "load": 5},
        {"temp": None, "load": None},
        {"temp": 85.0, "load": None, "implausible": {"load": 0}},
    ]


def test_vehicle_show_says_what_the_flags_mean(daemon: RunningDaemon) -> None:
    for number, load in enumerate((1, 1, 42)):
        send(daemon, "F2", "2a", ago_s=9 - number, load=load)
    found = evd(daemon, "vehicle", "show", "F2")
    assert found["flagged"] == {"disagrees": 2}
    page = run_evd("vehicle", "show", "F2", "--dir", daemon.directory).stdout
    assert "flagged         disagrees 2\n" in page
    assert "Vehicle F2 sends values that its format does not explain (load), in 2 of its 3 kept statuses: " in page
    evd(daemon, "format", "add", "half", "load::uint:8", "--field", "load.offset=-41")
    evd(daemon, "format", "assign", "half", "--vehicle", "F2")
    page = run_evd("vehicle", "show", "F2", "--dir", daemon.directory).stdout
    assert "Vehicle F2 sent values that its format of then did not explain, in 2 of its 3" in page
    run_evd("redecode", "--since", "1h", "--vehicle", "F2", "--yes", "--dir", daemon.directory)
    assert evd(daemon, "vehicle", "show", "F2")["flagged"] == {}


def test_a_format_longer_than_a_message_is_kept_with_a_warning(daemon: RunningDaemon) -> None:
    done = run_evd("format", "add", "long", "a:12:uint:8", "--dir", daemon.directory)
    assert done.returncode == 0
    assert "Warning: field a lies behind byte 12" in done.stderr
