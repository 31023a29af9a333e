"""What is made of the answers of Sigfox's REST API: callbacks, deliveries, counts."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from backfill_messages import NOW, PLAIN, SECOND, TYPE, items, message, rendered, undelivered
from hypothesis import given
from hypothesis import strategies as st

from evd.sigfox_api.backfill.mapping import (
    DUPLICATES_MAX,
    ITEMS_MAX,
    OUTAGE_MS,
    BackfillCounts,
    Item,
    deliveries,
    of_message,
    of_undelivered,
    outage,
    waves,
)


@pytest.mark.parametrize(
    ("entry", "document"),
    [
        (message(), PLAIN),
        (message(time=SECOND * 1000), PLAIN),
        (message(time=SECOND), PLAIN),
        (message(device={"name": "a car"}), PLAIN),
        (message(device="386625"), PLAIN),
        (message(seqNumber=None), {k: v for k, v in PLAIN.items() if k != "seqNumber"}),
        (message(data=""), PLAIN | {"data": ""}),
        (message(lqi=4, rinfos=[], computedLocation=[], country="FRA"), PLAIN),
    ],
)
def test_a_message_of_the_api_becomes_its_data_callback(entry: dict[str, Any], document: dict[str, Any]) -> None:
    assert of_message(entry, "386625") == [Item("uplink", document)]


@pytest.mark.parametrize("time", [None, "now", 0, -5, True])
def test_an_entry_without_a_time_is_no_message(time: Any) -> None:
    assert of_message(message(time=time), "386625") == []


def test_the_device_type_is_handed_on_for_its_format() -> None:
    assert of_message(message(), "386625", TYPE)[0].document["deviceTypeId"] == TYPE


def test_what_the_network_knows_becomes_an_advanced_callback_beside_it() -> None:
    entry = message(
        lqi=2,
        computedLocation=[{"lat": 43.45, "lng": 6.54, "radius": 400, "source": 2}],
        rinfos=[{"baseStation": {"id": "1E6AB"}, "rssi": -128.5, "snr": 14.3, "rep": 2, "cbStatus": {"status": 200}}],
    )
    data, advanced = of_message(entry, "386625")
    assert data == Item("uplink", PLAIN)
    assert advanced == Item(
        "advanced",
        PLAIN
        | {
            "lqi": "GOOD",
            "linkQuality": 2,
            "computedLocation": {"status": 1, "lat": 43.45, "lng": 6.54, "radius": 400, "source": 2},
            "duplicates": [{"bsId": "1E6AB", "rssi": -128.5, "snr": 14.3, "nbRep": 2}],
        },
        extra=True,
    )


def test_the_stations_of_a_message_are_bounded() -> None:
    _, advanced = of_message(message(rinfos=[{"rssi": n} for n in range(1000)]), "386625")
    assert len(advanced.document["duplicates"]) == DUPLICATES_MAX


STATUS = {"device": "386625", "time": SECOND, "batt": 3.2, "temp": 21.0}


@pytest.mark.parametrize(
    ("callback", "kind", "document"),
    [
        (rendered("sigfox/uplink", json.dumps(PLAIN)), "uplink", PLAIN),
        (rendered("v3/sigfox/bidir/", json.dumps(PLAIN | {"ack": True, "longPolling": False})), "uplink", PLAIN),
        (rendered("sigfox/status", json.dumps(STATUS)), "status", STATUS),
        (rendered("sigfox/status", STATUS), "status", STATUS),
        (rendered("sigfox/callback", json.dumps(STATUS)), "", STATUS),
        (rendered("sigfox/event", json.dumps({"eventType": "X"})), "event", {"eventType": "X"}),
        (
            rendered(
                "sigfox/error",
                "device=386625&info=lost&key=evd_secret",
                contentType="application/x-www-form-urlencoded",
            ),
            "error",
            {"device": "386625", "info": "lost"},
        ),
        (rendered("sigfox/uplink?device=386625&data=&key=k", method="GET"), "uplink", {"device": "386625", "data": ""}),
    ],
)
def test_a_callback_to_evd_is_taken_as_sigfox_had_written_it(
    callback: dict[str, Any], kind: str, document: dict[str, Any]
) -> None:
    assert of_undelivered(undelivered(callback)) == [Item(kind, document)]


@pytest.mark.parametrize(
    "callback",
    [
        rendered("somewhere/else", json.dumps(STATUS)),
        rendered("sigfox/batch", "386625;1;aa;2;"),
        rendered("sigfox/uplink", "386625 deadbeef", contentType="text/plain"),
        rendered("sigfox/uplink", "[1]"),
        {"subject": "email title", "message": "email body"},
        {"url": "http://[x"},
        None,
    ],
)
def test_of_any_other_callback_the_entrys_own_message_is_taken(callback: Any) -> None:
    assert of_undelivered(undelivered(callback)) == [Item("uplink", PLAIN | {"deviceTypeId": TYPE})]


@pytest.mark.parametrize("missing", [{"data": None}, {"parameters": None}, {"deviceId": None}, {"time": "?"}])
def test_an_entry_that_does_not_identify_its_message_is_left_to_the_devices_messages(missing: dict[str, Any]) -> None:
    assert of_undelivered(undelivered(None, **missing)) == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(), one, max_size=3),
    max_leaves=8,
)


NAMES = (
    "device",
    "deviceId",
    "time",
    "data",
    "seqNumber",
    "callback",
    "parameters",
    "lqi",
    "rinfos",
    "computedLocation",
)


@given(st.dictionaries(st.sampled_from(NAMES), anything | st.dictionaries(st.sampled_from(("url", "body")), anything)))
def test_whatever_the_api_answers_is_read_without_an_error(entry: dict[str, Any]) -> None:
    for item in (*of_message(entry, "386625"), *of_undelivered(entry)):
        assert item.document


@given(st.integers(0, 50), st.integers(120, 2_000))
def test_deliveries_keep_the_order_and_fit(number: int, bytes_max: int) -> None:
    given_items = items(number)
    lists = list(deliveries(given_items, bytes_max=bytes_max))
    assert [item for one in lists for item in one] == given_items
    assert all(
        len(json.dumps([{"kind": i.kind, "document": i.document} for i in one], separators=(",", ":"))) <= bytes_max
        for one in lists
    )


def test_a_delivery_has_a_bounded_number_of_documents_and_none_that_is_too_long() -> None:
    long = Item("uplink", {"device": "x" * 1000})
    lists = list(deliveries([*items(ITEMS_MAX), long, *items(1)], bytes_max=1_000_000))
    assert [len(one) for one in lists] == [ITEMS_MAX, 2]
    assert list(deliveries([long], bytes_max=1000)) == []


@pytest.mark.parametrize("levels", [300, 1000])  # beyond what orjson writes, though it reads them
def test_a_document_too_deep_for_json_costs_no_other_one(levels: int) -> None:
    deep = orjson.loads(b'{"device":' + b"[" * levels + b"]" * levels + b"}")
    (one,) = deliveries([Item("uplink", deep), *items(1)], bytes_max=1_000_000)
    assert one == items(1)


def test_the_newest_of_each_vehicle_goes_ahead() -> None:
    mixed = [Item("advanced", {"device": "0"}, extra=True), *items(5, vehicles=2)]
    assert waves(mixed) == ([1, 2], [0, 3, 4, 5])


@pytest.mark.parametrize(
    ("verdict", "count"),
    [
        *(("newest", "new"), ("late", "new"), ("ahead", "new"), ("noted", "new"), ("status", "new")),
        *(("duplicate", "known"), ("too old", "too_old"), ("no room", "too_old"), ("rejected", "refused")),
    ],
)
def test_a_verdict_is_counted(verdict: str, count: str) -> None:
    counts = BackfillCounts()
    counts.add([*items(1), Item("advanced", {}, extra=True)], [verdict, verdict])
    assert getattr(counts, count) == 1
    assert counts.new + counts.known + counts.too_old + counts.refused == 1


@pytest.mark.parametrize("operator", ["SIGFOX_France", {"id": "5", "name": "SIGFOX_France"}])
def test_a02_an_operator_is_a_text_or_an_object(operator: Any) -> None:
    _, advanced = of_message(message(operator=operator), "386625")
    assert advanced.document["operatorName"] == "SIGFOX_France"


@pytest.mark.parametrize(
    ("last", "missed"),
    [(None, None), (NOW, None), (NOW + 5, None), (NOW - OUTAGE_MS, None), (NOW - OUTAGE_MS - 1, OUTAGE_MS + 1)],
)
def test_an_outage_is_longer_than_sigfox_tries(last: int | None, missed: int | None) -> None:
    assert outage(last, NOW) == missed
