"""What `evd sigfox config` says: each template is JSON once Sigfox has filled it in, and evd's own reader takes it."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
import pytest

from evd.errors import ConfigError
from evd.model.measures import EV_GRAMMAR
from evd.request import body as shapes
from evd.sigfox.callback_form import ROWS, CallbackDefinition, as_api, definitions, why_not_creatable
from evd.sigfox.kind_recognition import kind_of, require
from evd.sigfox.kinds.registry import DATA_KINDS, KINDS
from evd.sigfox.message import read_message
from evd.sigfox.network_reports import report

URL = "https://evd.example.org"
NOW = 1_700_000_000_000

#: The values that Sigfox substitutes, as it writes them.
SAMPLES = {
    "device": "3A6BF2",
    "time": "1700000000",
    "data": "2ac65fa40ffe0b1e03e84c00",
    "seqNumber": "4095",
    "deviceTypeId": "5aaebe50c563d60a3e2b7f61",
    "ack": "true",
    "batt": "3.42",
    "temp": "21.5",
    "lqi": "GOOD",
    "linkQuality": "2",
    "fixedLat": "50.1",
    "fixedLng": "14.4",
    "operatorName": "SIGFOX_Czech_Republic_SimpleCell",
    "countryCode": "203",
    "duplicates": '[{"bsId":"2C42","rssi":-120.0,"nbRep":3,"snr":14.2}]',
    "computedLocation": '{"lat":50.08,"lng":14.42,"radius":4000,"source":2,"status":1}',
    "infoCode": "0",
    "infoMessage": "Acked",
    "downlinkAck": "true",
    "downlinkOverusage": "false",
    "whitelistDevices": "0",
    "repeatedMsg": "4",
    "unwantedDevices": "15",
    "unwantedMsg": "2",
    "wrongMsg": "1",
    "overRegulmsg": "0",
    "info": "No message for 24 hours",
    "severity": "ERROR",
    "eventType": "SEQUENCE_NUMBER_BREAK",
    "sourceId": "3A6BF2",
    "sourceType": "DEVICE",
    "groupId": "5aaebe50c563d60a3e2b7f62",
    "deviceLastSeqnumber": "17",
    "deviceExpectedSeqnumber": "18",
    "deviceMessageSeqnumber": "25",
    "deviceMessageTime": "1700000000",
    "deviceInfo": "x",
}

#: What is never null in the kinds that have it.
ALWAYS = {"device", "time", "data", "ack", "infoCode", "info", "severity", "eventType", "batt", "repeatedMsg"}


def filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], text)


def everything() -> list[CallbackDefinition]:
    both = [*definitions(URL), *definitions(URL, bidir=True)]
    return list({one.kind: one for one in both}.values())


def test_each_kind_but_the_deprecated_one_is_sent_to_its_own_route() -> None:
    assert {one.kind for one in everything()} == KINDS.keys() - {"geoloc"}
    for one in everything():
        assert one.url == f"{URL}/sigfox/{one.kind}"


@pytest.mark.parametrize("one", everything(), ids=lambda one: one.kind)
@pytest.mark.parametrize("sparse", [False, True], ids=["full", "nulls"])
def test_a_filled_in_template_is_read_as_its_kind(one: CallbackDefinition, sparse: bool) -> None:
    """Sigfox gives the literal null for what it does not have."""
    values = {name: "null" if sparse and name not in ALWAYS else value for name, value in SAMPLES.items()}
    document: dict[str, Any] = json.loads(filled(one.body, values))
    assert kind_of(document) == one.kind
    require(one.kind, document)
    if one.kind in DATA_KINDS:
        message = read_message(document)
        assert (message.vehicle, message.time) == ("3A6BF2", NOW)
        assert message.payload == bytes.fromhex(SAMPLES["data"])
        assert message.fields == {}, "Sigfox's variables are no values of the vehicle"
    else:
        assert report(one.kind, document, now=NOW, raw=orjson.dumps(document)).operations


def test_every_variable_of_a_template_is_one_that_sigfox_knows() -> None:
    for one in everything():
        assert set(re.findall(r"\{(\w+)\}", one.body)) <= SAMPLES.keys()


def test_a_batch_of_two_lines_is_read_as_two_messages() -> None:
    (data, *others) = definitions(URL, batch=True)
    assert (data.channel, data.url, data.body) == ("BATCH_URL", f"{URL}/sigfox/batch", "{batch}")
    assert {other.channel for other in others} == {"URL"}
    batch = "\n".join(filled(data.line_pattern, SAMPLES | {"seqNumber": str(seq)}) for seq in (7, 8))
    lines = list(
        shapes.read_batch(
            headers={b"content-type": data.content_type.encode()},
            query=b"",
            body=filled(data.body, {"batch": batch}).encode(),
            pattern=shapes.LinePattern.parse(data.line_pattern),
            lines_max=10,
        )
    )
    assert [read_message(line.variables).seq for line in lines if isinstance(line.variables, dict)] == [7, 8]


def test_a_batch_whose_lines_cannot_say_who_asks_is_refused() -> None:
    with pytest.raises(ConfigError, match=re.escape("{ack}")):
        definitions(URL, batch=True, bidir=True)
    assert definitions(URL, batch=True, bidir=True, batch_pattern="{device};{time};{data};{ack};")[0].downlink


def test_there_is_one_data_callback_and_sni_is_always_on() -> None:
    for bidir, kind in ((False, "uplink"), (True, "bidir")):
        made = definitions(URL, bidir=bidir)
        assert [one.kind for one in made if one.type == "DATA"] == [kind]
        assert all(one.sni and one.method == "POST" for one in made)


def test_the_grammar_stands_where_sigfox_has_a_field_for_it() -> None:
    with_grammar = {one.kind for one in definitions(URL, grammar=EV_GRAMMAR) if one.payload_config == EV_GRAMMAR}
    assert with_grammar == {"uplink", "advanced"}


def test_what_goes_to_sigfoxs_api_is_its_create_callback() -> None:
    """Names and required ones as in API2's createUrlCallback."""
    advanced = next(one for one in definitions(URL, grammar="a:0:uint:8") if one.kind == "advanced")
    assert as_api(advanced, "the-key") == {
        "channel": "URL",
        "callbackType": 1,
        "callbackSubtype": 6,
        "payloadConfig": "a:0:uint:8",
        "enabled": True,
        "url": f"{URL}/sigfox/advanced",
        "httpMethod": "POST",
        "headers": {"x-api-key": "the-key"},
        "sendSni": True,
        "contentType": "application/json",
        "bodyTemplate": advanced.body,
    }


def test_what_sigfoxs_api_cannot_create_is_left_to_be_typed_in() -> None:
    left = [one for one in definitions(URL, batch=True) if why_not_creatable(one)]
    assert [(one.type, one.channel) for one in left] == [("DATA", "BATCH_URL"), ("EVENT", "URL")]
    for one in left:
        with pytest.raises(ConfigError, match="into the form"):
            as_api(one, "the-key")


@pytest.mark.parametrize("bidir", [False, True])
def test_another_kind_with_a_message_has_a_form_beside_the_data_callback(
    bidir: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for table, row in ((ROWS, ROWS["uplink"]), (KINDS, KINDS["uplink"])):
        monkeypatch.setitem(table, "burst", row)  # type: ignore[misc]
    kinds = [one.kind for one in definitions("https://evd.example", bidir=bidir)]
    assert kinds.count("burst") == 1
    assert ("uplink" in kinds, "bidir" in kinds) == (not bidir, bidir)
