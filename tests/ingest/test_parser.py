"""What a request says, without a database or a loop: its operations, or why it cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

import orjson
import pytest
from builders import NOW

from evd.config.settings import FormatSettings, SigfoxSettings
from evd.errors import BadRequest, ConfigError
from evd.ingest.cache import IngestCache
from evd.ingest.parser import ITEMS_MAX, Parser
from evd.ingest.transaction import Transaction
from evd.model.connectivity import SIGFOX, WLAN
from evd.model.operations import Arrive, OfferDownlink, Operation, Several
from evd.payload.formats import Formats
from evd.request.http import Request
from evd.sigfox.routes import ROUTES, Route

SECONDS = NOW // 1000
UPLINK_ROUTE = ROUTES["/sigfox/uplink"]
BODY = {"device": "00386625", "time": SECONDS, "data": "01", "seqNumber": 7}


def parser(outcomes: Counter[str] | None = None, **settings: Any) -> Parser:
    formats = Formats({"trailer": FormatSettings("load::uint:8")}, "ev")
    cache = IngestCache([], [("1A", "trailer"), ("1B", "gone")])
    return Parser(cache, formats, SigfoxSettings(**settings), Counter() if outcomes is None else outcomes)


def request(body: Any, content_type: str = "application/json", path: str = "/sigfox/uplink") -> Request:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Request("POST", path, b"", {b"content-type": content_type.encode()}, content, "192.0.2.1")


def operations(transaction: Transaction) -> tuple[Operation, ...]:
    whole = transaction.operation
    return whole.operations if isinstance(whole, Several) else (whole,)


def finished(steps: Generator[None, None, Transaction]) -> Transaction:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            transaction: Transaction = end.value
            return transaction


def arrived(body: Any, route: Route = UPLINK_ROUTE, **settings: Any) -> Arrive:
    (only,) = operations(parser(**settings).work(request(body), route, NOW))
    assert isinstance(only, Arrive)
    return only


@pytest.mark.parametrize(
    ("changes", "attribute", "expected"),
    [
        ({}, "vehicle", "386625"),
        ({}, "spelling", "00386625"),
        ({}, "time", SECONDS * 1000),
        ({"time": SECONDS * 1000 + 999}, "time", SECONDS * 1000),
        ({}, "seq", 7),
        ({}, "payload", b"\x01"),
        ({}, "timely", True),
        ({"time": SECONDS + 2 * 86_400}, "timely", False),
        ({"time": SECONDS + 2 * 86_400}, "flags", "ahead"),
        ({}, "received", NOW),
    ],
)
def test_a_message_becomes_an_arrival(changes: dict[str, Any], attribute: str, expected: object) -> None:
    assert getattr(arrived(BODY | changes), attribute) == expected


def test_the_channel_is_the_routes() -> None:
    assert arrived(BODY).connectivity == SIGFOX
    assert arrived(BODY, UPLINK_ROUTE._replace(connectivity=WLAN)).connectivity == WLAN


def test_a_message_is_the_same_whatever_way_it_is_read() -> None:
    some = parser()
    quick = some.ordinary(request(BODY), UPLINK_ROUTE, NOW)
    assert quick == arrived(BODY)


def test_one_that_listens_is_offered_a_downlink_while_it_is_live() -> None:
    body = request(BODY | {"ack": True})
    assert parser().ordinary(body, UPLINK_ROUTE, NOW) is None, "which the fast path knows nothing of"
    live, replayed = (operations(parser().work(body, UPLINK_ROUTE, NOW, live=live)) for live in (True, False))
    assert [type(one) for one in live] == [Arrive, OfferDownlink]
    assert [type(one) for one in replayed] == [Arrive]


def test_a_vehicles_own_format_decodes_its_messages() -> None:
    assert orjson.loads(arrived(BODY | {"device": "1A"}).fields)["load"] == 1


def test_a_format_that_is_gone_costs_no_status() -> None:
    outcomes: Counter[str] = Counter()
    (only,) = operations(parser(outcomes).work(request(BODY | {"device": "1B"}), UPLINK_ROUTE, NOW))
    assert isinstance(only, Arrive)
    assert only.fields == arrived(BODY).fields, "the default format decodes it"
    assert outcomes == {"format missing": 1}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', {"device": "A"}, BODY | {"time": "yesterday"}, BODY | {"data": "xyz"}],
)
def test_what_cannot_be_read_is_a_bad_request(body: Any) -> None:
    with pytest.raises(BadRequest):
        parser().work(request(body), UPLINK_ROUTE, NOW)


def test_names_of_a_route_that_there_is_not_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"sigfox\.names\.nowhere"):
        parser(names={"nowhere": {"device": "data.id"}})


def test_a_variable_is_read_where_the_settings_say_it_stands() -> None:
    nested = {"payload": {"id": "386625"}, "time": SECONDS, "data": "01"}
    assert arrived(nested, names={"uplink": {"device": "payload.id"}}).vehicle == "386625"


def test_bad_lines_cost_a_batch_nothing() -> None:
    lines = b"\n".join([b"A;%d;01;1;;" % SECONDS, b"nonsense", b"B;%d;01;2;;" % SECONDS])
    transaction = finished(parser().batch(request(lines, "text/plain", "/sigfox/batch"), NOW))
    assert [one.vehicle for one in operations(transaction) if isinstance(one, Arrive)] == ["A", "B"]


def test_a_batch_without_a_good_line_is_a_bad_request() -> None:
    with pytest.raises(BadRequest, match="no line of the batch can be read; line 1"):
        finished(parser().batch(request(b"nonsense", "text/plain", "/sigfox/batch"), NOW))


def test_a_list_of_statuses_is_bounded() -> None:
    with pytest.raises(BadRequest, match=f"at most {ITEMS_MAX}"):
        finished(parser().statuses(request([BODY] * (ITEMS_MAX + 1)), UPLINK_ROUTE, NOW))


def test_of_a_list_those_of_another_vehicle_than_the_keys_are_refused() -> None:
    items = [BODY, BODY | {"device": "A"}]
    transaction = finished(parser().statuses(request(items), UPLINK_ROUTE, NOW, only=frozenset({"386625"})))
    assert [one.vehicle for one in operations(transaction) if isinstance(one, Arrive)] == ["386625"]
