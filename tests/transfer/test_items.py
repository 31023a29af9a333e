"""Items of the original's tables: recognized, read as what evd keeps, and given back as they were."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from builders import NOW
from dynamodb_items import DESCRIPTORS, TEXTS
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import BadRequest
from evd.model.connectivity import SIGFOX, WLAN
from evd.model.kept_status import KeptStatus
from evd.transfer.items import (
    owner_in,
    owner_out,
    registration_in,
    registration_out,
    sort_key,
    status_in,
    status_out,
    table_of,
)

SIGFOX_ITEM = {
    "id": {"S": "k2j5h8d3s"},
    "vehicleId": {"S": "386625"},
    "timestamp": {"N": "1639400000000"},
    "seqNumber": {"N": "118"},
    "rawdata": {"S": "130a4c0f594e427e4bb45088"},
    "connectivity": {"N": "1"},
    "state": {"N": "0"},
    "indoor_temp": {"N": "20616"},
    "advanced": {"BOOL": False},
}
"""As the original's status-receive stored it: `rawdata` beside what Sigfox decoded, times in ms, a random id."""

WLAN_ITEM = {
    "id": {"S": "a7x"},
    "vehicleId": {"S": "386625"},
    "timestamp": {"N": "1639400000123000"},
    "encoded": {"BOOL": False},
    "connectivity": {"N": "1"},
    "indoor_temp": {"N": "21.5"},
}
"""A post over WLAN, whose ms the original multiplied by 1000."""


def kept(document: dict[str, Any], **values: Any) -> KeptStatus:
    given: dict[str, Any] = {
        "vehicle": "386625",
        "status_id": "0" * 16,
        "time": NOW,
        "seq": None,
        "connectivity": WLAN,
        "payload": None,
        "fields": b"{}",
        "received": NOW,
        "flags": "",
        "document": orjson.dumps(document),
    }
    return KeptStatus(**{**given, **values})


@pytest.mark.parametrize(
    ("item", "connectivity", "shown"),
    [
        (SIGFOX_ITEM, SIGFOX, {"timestamp": 1639400000000, "indoor_temp": 20616, "seqNumber": 118}),
        (WLAN_ITEM, WLAN, {"timestamp": 1639400000123, "indoor_temp": 21.5, "encoded": False}),
        ({**SIGFOX_ITEM, "indoor_temperature": {"N": "15"}}, SIGFOX, {"indoor_temperature": 15.0}),
        ({**WLAN_ITEM, "connectivity": {"N": "2"}, "timestamp": {"N": "1639400000123"}}, WLAN, {}),
        ({"vehicleId": {"S": "A"}, "timestamp": {"N": "1"}, "rawdata": {"S": "00"}}, SIGFOX, {"rawdata": "00"}),
        ({"vehicleId": {"S": "A"}, "timestamp": {"N": "1"}}, WLAN, {}),
        ({**WLAN_ITEM, "dynamodb": {"S": "mine"}}, WLAN, {}),
    ],
)
def test_a_status_is_read_as_its_sender_meant_it_and_given_back_as_it_was(
    item: dict[str, Any], connectivity: int, shown: dict[str, Any]
) -> None:
    moved = status_in(item)
    assert moved.connectivity == connectivity
    assert shown.items() <= moved.document.items()
    assert [type(moved.document[name]) for name in shown] == [type(value) for value in shown.values()]
    assert status_out(kept(moved.document)) == item


@given(st.dictionaries(TEXTS, DESCRIPTORS, max_size=5))
def test_attributes_that_evd_does_not_know_stay_as_they_are(more: dict[str, Any]) -> None:
    for item in ({**more, **SIGFOX_ITEM}, {**more, **WLAN_ITEM}):
        assert status_out(kept(status_in(item).document)) == item
    owner = {**more, "userId": {"S": "anna"}, "vehicleId": {"S": "00386625"}}
    moved = owner_in(owner)
    row = {"uid": moved.uid, "vehicle": "386625", "created": NOW, "relation": "owner"}
    row["imported"] = orjson.dumps(moved.rest).decode()
    assert owner_out(row) == owner
    phone = {**more, "vehicleId": {"S": "00386625"}, "fcmToken": {"S": "t"}, "renewTimestamp": {"N": "1639400000"}}
    known = registration_in(phone)
    kinds = {"number": 1, "vehicle": "386625", "kind": "token", "uid": "anna", "created": NOW, "renewed": NOW}
    imported = orjson.dumps(known.rest).decode()
    assert registration_out({**kinds, "spelling": known.vehicle, "token": known.token, "imported": imported}) == phone
    renewed = registration_out({**kinds, "spelling": known.vehicle, "token": known.token, "imported": None})
    assert renewed["renewTimestamp"] == {"N": str(NOW // 1000)}, "the phone has registered again"


def test_a_status_that_evd_received_itself_becomes_an_item_with_its_decoded_values() -> None:
    sent = {"device": "386625", "time": 1639400000, "data": "13"}
    values = {"payload": b"\x13", "seq": 7, "connectivity": SIGFOX, "fields": b'{"state":0,"range":null}'}
    assert status_out(kept(sent, **values)) == {
        "id": {"S": "0" * 16},
        "vehicleId": {"S": "386625"},
        "timestamp": {"N": str(NOW)},
        "connectivity": {"N": "1"},
        "seqNumber": {"N": "7"},
        "rawdata": {"S": "13"},
        "state": {"N": "0"},
    }
    posted = status_out(kept({"vehicleId": "386625"}, fields=b'{"indoor_temperature":21.0,"implausible":{"range":9}}'))
    assert posted["encoded"] == {"BOOL": False} and "implausible" not in posted
    assert status_in(posted).document["indoor_temperature"] == 21.0


@pytest.mark.parametrize(
    ("names", "table"),
    [
        (("vehicleId", "fcmToken", "renewTimestamp"), "registrations"),
        (("vehicleId", "timestamp", "state"), "statuses"),
        (("vehicleId", "userId"), "owners"),
        (("vehicleId",), None),
        (("userId", "preferences"), None),
    ],
)
def test_an_item_shows_its_table(names: tuple[str, ...], table: str | None) -> None:
    found = table_of(dict.fromkeys(names))
    assert (found.name if found else None) == table


def test_an_item_without_a_name_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        owner_in({"userId": {"N": "1"}, "vehicleId": {"S": "A"}})
    with pytest.raises(msgspec.ValidationError):
        registration_in({"vehicleId": {"S": "A"}})
    with pytest.raises(BadRequest):
        sort_key(status_in({"vehicleId": {"S": "A"}, "timestamp": {"S": "yesterday"}}))


def test_statuses_are_in_order_of_time_and_the_phone_renewed_last_is_first() -> None:
    def status(vehicle: str, time: int, seq: int) -> str:
        return sort_key(
            status_in({"vehicleId": {"S": vehicle}, "timestamp": {"N": str(time)}, "seqNumber": {"N": str(seq)}})
        )

    ordered = [
        status("A", 10**12, 5),
        status("A", 10**12, 10),
        status("000A", 10**12 + 1000, 1),
        status("AB", 10**12, 0),
    ]
    assert ordered == sorted(ordered)
    phones = [{"vehicleId": {"S": "A"}, "fcmToken": {"S": "t"}, "renewTimestamp": {"N": text}} for text in ("9", "10")]
    older, newer = (sort_key(registration_in(phone)) for phone in phones)
    assert newer < older
