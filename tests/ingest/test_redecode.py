"""Formats in the store, and kept payloads decoded anew: what changes, what stays, and that it can be done again."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
from builders import NOW
from hypothesis import given
from hypothesis import strategies as st

from evd.config.settings import FormatSettings
from evd.ingest.cache import IngestCache
from evd.ingest.redecode import FLAGS, Redecoded, redecode, summary
from evd.model.kept_status import KeptStatus
from evd.payload.formats import Formats
from evd.sigfox.decode_policy import decode
from evd.sigfox.message import read_message
from evd.store.sqlite.tables import formats as format_tables

TYPE = "5d8cdc8fea06bb6e41234567"
FORMATS = Formats({"old": FormatSettings("load::uint:8"), "new": FormatSettings("weight::uint:8 load::int:8")}, "old")


def kept(payload: bytes | None = b"\x05\xff", **others: Any) -> KeptStatus:
    """A status as the format `old` decoded it, of a callback that gave no values of its own."""
    document = {"device": "1A", "time": NOW // 1000, "data": payload.hex() if payload is not None else None}
    given = {
        "vehicle": "1A",
        "status_id": "00",
        "time": NOW,
        "seq": 1,
        "connectivity": 1,
        "payload": payload,
        "fields": b'{"load":5}',
        "received": NOW,
        "document": orjson.dumps(document),
        "flags": "",
    }
    return KeptStatus(**given | others)


def by(format: str | None, *, types: tuple[tuple[str, str], ...] = ()) -> IngestCache:
    """Vehicle 1A has this format."""
    return IngestCache([], [("1A", format)] if format else [], types)


def body(**fields: Any) -> bytes:
    return orjson.dumps({"device": "1A", "time": NOW // 1000, "data": "05ff", **fields})


def after(change: Redecoded | None) -> dict[str, Any]:
    assert change is not None
    fields: dict[str, Any] = orjson.loads(change.fields)
    return fields


# What changes


def test_a_payload_is_read_by_the_vehicles_format_of_today() -> None:
    change = redecode(kept(), by("new"), FORMATS)
    assert after(change) == {"weight": 5, "load": -1}
    assert change is not None and change.differences == {"load": (5, -1), "weight": (None, 5)}


def test_what_comes_out_the_same_is_no_change() -> None:
    assert redecode(kept(), by(None), FORMATS) is None
    assert redecode(kept(), by("old"), FORMATS) is None


def test_the_device_type_of_the_kept_callback_says_which_format_decodes() -> None:
    typed = kept(document=body(deviceTypeId=TYPE.upper()))
    types = ((TYPE, "new"),)
    assert after(redecode(typed, by(None, types=types), FORMATS)) == {"weight": 5, "load": -1}
    assert redecode(typed, by("old", types=types), FORMATS) is None, "the vehicle's own comes first"
    assert redecode(kept(), by(None, types=types), FORMATS) is None, "it named no type"


def test_what_was_masked_is_no_value_of_the_vehicle() -> None:
    assert redecode(kept(document=body(token="***", note="***")), by(None), FORMATS) is None


def test_a_status_without_a_payload_is_read_by_the_rules_of_today() -> None:
    def said(fields: str, *, flags: str = "", **values: Any) -> Redecoded | None:
        document = orjson.dumps({"device": "1A", "time": NOW // 1000, "encoded": True, **values})
        return redecode(kept(None, fields=fields, document=document, flags=flags, connectivity=2), by("new"), FORMATS)

    assert said('{"load":5}', load=5) is None
    change = said('{"indoor_temperature":20616}', indoor_temp=20616)
    assert after(change) == {"indoor_temperature": 36.25}
    change = said('{"current_charge":65535}', flags="ahead", current_charge=65535)
    assert after(change) == {"current_charge": None, "implausible": {"current_charge": 65535}}
    assert change is not None and change.flags == "ahead implausible"
    assert after(said('{"Lat":"{customData#Lat}"}', Lat="{customData#Lat}")) == {}


def test_what_has_neither_a_payload_nor_a_readable_document_stays() -> None:
    assert redecode(kept(None, fields='{"load":9}', document=b"device=1A"), by("new"), FORMATS) is None


def test_a_format_that_is_gone_leaves_the_default_as_when_the_message_came() -> None:
    assert redecode(kept(), by("no such format"), FORMATS) is None


def test_the_senders_own_values_stand_where_no_format_is_assigned() -> None:
    own = kept(fields='{"speed":9}', document=body(speed=9), flags="undecoded")
    assert redecode(own, by(None), FORMATS) is None
    assert after(redecode(own, by("new"), FORMATS)) == {"speed": 9, "weight": 5, "load": -1}


def test_flags_follow_the_values_and_the_one_of_the_clock_stays() -> None:
    contradicted = kept(document=body(load=5), flags="ahead")
    change = redecode(contradicted, by("new"), FORMATS)
    assert change is not None and change.flags == "ahead disagrees"
    assert change.differences[FLAGS] == ("ahead", "ahead disagrees")
    back = msgspec.structs.replace(contradicted, fields='{"weight":5,"load":-1}', flags="ahead disagrees")
    change = redecode(back, by("old"), FORMATS)
    assert change is not None and (after(change), change.flags) == ({"load": 5}, "ahead")


def test_true_is_not_1_and_no_value_is_not_distinguished_from_null() -> None:
    formats = Formats({"bit": FormatSettings("load:0:bool:0 far:9:uint:8")}, "ev")
    change = redecode(kept(b"\x01", fields='{"load":1}'), by("bit"), formats)
    assert change is not None and change.differences == {"load": (1, True)}
    assert redecode(kept(b"\x01", fields='{"load":true}'), by("bit"), formats) is None


RADIO = '{"advanced":{"lqi":"GOOD"},"location":"50.1,14.4","location_from":"advanced"}'


def test_a_location_by_the_network_is_seen_but_not_taken_for_the_vehicles_own() -> None:
    located = kept(fields='{"load":5,"location":"50.1,14.4"}', radio=RADIO)
    assert redecode(located, by("old"), FORMATS) is None
    change = redecode(located, by("new"), FORMATS)
    assert change is not None and set(change.differences) == {"load", "weight"}
    assert "location" not in after(change)


def test_a_kept_document_that_is_no_status_leaves_the_payload_to_speak() -> None:
    for document in (b"device=1A&data=05ff", b"", b"[]", b'{"time":1}'):
        change = redecode(kept(document=document, fields='{"load":5,"location":"1,2"}'), by("new"), FORMATS)
        assert after(change) == {"location": "1,2", "weight": 5, "load": -1}


VALUES = st.one_of(st.integers(0, 255), st.booleans(), st.floats(-9, 9), st.text(max_size=3))
SENT = st.dictionaries(
    st.sampled_from(["load", "weight", "speed", "indoor_temp", "current_charge"]), st.integers(0, 65535), max_size=3
)


@given(
    sent=SENT,
    stale=st.dictionaries(st.sampled_from(["load", "weight", "other", "location"]), VALUES, max_size=3),
    payload=st.none() | st.binary(max_size=12),
    flags=st.sampled_from(["", "ahead", "disagrees", "ahead disagrees"]),
    radio=st.sampled_from([None, "{}", RADIO]),
    format=st.sampled_from([None, "old", "new", "gone", "indoor_temp::uint:16"]),
)
def test_decoded_anew_once_nothing_is_left_to_change(
    sent: dict[str, int],
    stale: dict[str, Any],
    payload: bytes | None,
    flags: str,
    radio: str | None,
    format: str | None,
) -> None:
    document = {"device": "1A", "time": NOW // 1000, "data": payload.hex() if payload is not None else None, **sent}
    before = KeptStatus(
        *("1A", "00", NOW, 1, 1, payload),
        *(orjson.dumps(stale), NOW, flags, orjson.dumps(document), radio),
    )
    change = redecode(before, by(format), FORMATS)
    if change is not None:
        written = format_tables.located(change.fields, radio)
        done = msgspec.structs.replace(before, fields=written, flags=change.flags)
        assert redecode(done, by(format), FORMATS) is None


@given(
    sent=SENT,
    payload=st.none() | st.binary(max_size=12),
    format=st.sampled_from([None, "old", "new"]),
    connectivity=st.sampled_from([1, 2]),
)
def test_what_arrives_under_todays_format_is_never_changed(
    sent: dict[str, int], payload: bytes | None, format: str | None, connectivity: int
) -> None:
    document = {"device": "1A", "time": NOW // 1000, "data": payload.hex() if payload is not None else None, **sent}
    assigned = FORMATS.find(format) if format else None
    arrived = decode(read_message(document), assigned, FORMATS.default, connectivity)
    made = {"fields": arrived.fields.decode(), "flags": arrived.flags, "document": orjson.dumps(document)}
    status = kept(payload, connectivity=connectivity, **made)
    assert redecode(status, by(format), FORMATS) is None


def test_a_summary_counts_and_shows_few() -> None:
    changes = [
        redecode(kept(vehicle=f"{number % 3}", status_id=f"{number}"), by(None), DEFAULT_NEW) for number in range(9)
    ]
    told = summary(change for change in changes if change)
    assert (told["changed"], told["vehicles"]) == (9, ["0", "1", "2"])
    assert told["fields"] == {"load": 9, "weight": 9}
    assert len(told["examples"]) == 10
    assert told["examples"][0] == {"vehicle": "0", "time": NOW, "field": "load", "old": 5, "new": -1}


DEFAULT_NEW = Formats({"new": FormatSettings("weight::uint:8 load::int:8")}, "new")
