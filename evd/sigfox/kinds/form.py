"""What to type into Sigfox's callback form, so that each kind of callback reaches its route of evd.

The variables of each kind are those of Sigfox's own pages (support.sigfox.com: uplink, bidir, data-advanced,
acknowledge, error-callbacks; resources.sigfox.com: event-type). A template is JSON once Sigfox has put the values in:
texts stand in quotes, numbers and objects do not, for Sigfox inserts them as they are, `null` where it has none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from evd.config.settings import SigfoxSettings
from evd.errors import ConfigError

KEY_PLACEHOLDER = "<key>"
KEY_COMMAND = "evd key create --role sigfox"

JSON = "application/json"
TEXT = "text/plain"

#: Legacy variables (snr, rssi, station, avgSnr, lat, lng, duplicate) are left out: Sigfox gives null for them unless
#: the contract has an option, and evd makes no use of them.
_MESSAGE = {"device": "text", "time": "bare", "data": "text", "seqNumber": "bare", "deviceTypeId": "text"}


class _Kind(NamedTuple):
    """A row of Sigfox's menu. `type` and `subtype` are (its name there, its number in the REST API)."""

    path: str
    type: tuple[str, int | None]
    subtype: tuple[str, int | None]
    variables: dict[str, str]
    """Variable → `text` or `bare`."""
    decodes: bool
    """Whether Sigfox offers a custom payload configuration."""
    purpose: str


#: One row a callback; a new kind is a new row. EVENT has no number: the REST API cannot create it.
KINDS: dict[str, _Kind] = {
    "uplink": _Kind(
        "/sigfox/uplink",
        ("DATA", 0),
        ("UPLINK", 2),
        _MESSAGE,
        decodes=True,
        purpose="every message, as soon as the first base station has it",
    ),
    "bidir": _Kind(
        "/sigfox/bidir",
        ("DATA", 0),
        ("BIDIR", 3),
        {**_MESSAGE, "ack": "bare"},
        decodes=True,
        purpose="every message, and the way back: set the device type's downlink mode to CALLBACK, and tick Downlink "
        "at this one callback",
    ),
    "status": _Kind(
        "/sigfox/status",
        ("SERVICE", 1),
        ("STATUS", 0),
        {"device": "text", "time": "bare", "seqNumber": "bare", "batt": "bare", "temp": "bare", "deviceTypeId": "text"},
        decodes=False,
        purpose="battery and temperature of the modem; and its frames are no messages, so they must not count as lost",
    ),
    "advanced": _Kind(
        "/sigfox/advanced",
        ("SERVICE", 1),
        ("DATA_ADVANCED", 6),
        {
            **_MESSAGE,
            "lqi": "text",
            "linkQuality": "bare",
            "fixedLat": "bare",
            "fixedLng": "bare",
            "operatorName": "text",
            "countryCode": "text",
            "duplicates": "bare",
            "computedLocation": "bare",
        },
        decodes=True,
        purpose="link quality and computed location, half a minute after the message; evd adds them to it",
    ),
    "acknowledge": _Kind(
        "/sigfox/acknowledge",
        ("SERVICE", 1),
        ("ACKNOWLEDGE", 4),
        {
            "device": "text",
            "time": "bare",
            "infoCode": "bare",
            "infoMessage": "text",
            "downlinkAck": "bare",
            "downlinkOverusage": "bare",
            "deviceTypeId": "text",
        },
        decodes=False,
        purpose="what became of a downlink; only needed with BIDIR",
    ),
    "repeater": _Kind(
        "/sigfox/repeater",
        ("SERVICE", 1),
        ("REPEATER", 5),
        {
            "device": "text",
            "time": "bare",
            "batt": "bare",
            "whitelistDevices": "bare",
            "repeatedMsg": "bare",
            "unwantedDevices": "bare",
            "unwantedMsg": "bare",
            "wrongMsg": "bare",
            "overRegulmsg": "bare",
            "deviceTypeId": "text",
        },
        decodes=False,
        purpose="the state of a repeater; only needed where there are some",
    ),
    "error": _Kind(
        "/sigfox/error",
        ("ERROR", 2),
        ("", None),
        {"device": "text", "time": "bare", "info": "text", "severity": "text", "deviceTypeId": "text"},
        decodes=False,
        purpose="a device that went silent, or a base station that is down",
    ),
    "event": _Kind(
        "/sigfox/event",
        ("EVENT", None),
        ("", None),
        # The variables of one event are unknown at another: in quotes the template is JSON at each.
        {
            "time": "bare",
            "severity": "text",
            "eventType": "text",
            "sourceId": "text",
            "sourceType": "text",
            "deviceTypeId": "text",
            "groupId": "text",
            "deviceLastSeqnumber": "text",
            "deviceExpectedSeqnumber": "text",
            "deviceMessageSeqnumber": "text",
            "deviceMessageTime": "text",
            "deviceInfo": "text",
        },
        decodes=False,
        purpose="breaks in the sequence, contracts, first messages; set up at a group, a device type or a device",
    ),
}

#: DATA is one of these two: with both, each message would come twice.
_DATA = ("uplink", "bidir")


class CallbackDefinition(msgspec.Struct, frozen=True):
    """One callback as Sigfox's form has it; empty texts are left empty there."""

    kind: str
    purpose: str
    type: str
    subtype: str
    channel: str
    """`URL` or `BATCH_URL`."""
    url: str
    method: str
    sni: bool
    headers: dict[str, str]
    content_type: str
    body: str
    line_pattern: str
    payload_config: str
    downlink: bool
    """Whether this is the one callback whose answer goes to the device."""


def definitions(
    url: str,
    *,
    bidir: bool = False,
    batch: bool = False,
    batch_pattern: str = SigfoxSettings().batch_pattern,
    grammar: str | None = None,
) -> list[CallbackDefinition]:
    """What to type for each callback, DATA first; `url` is evd's public base address, `grammar` the payload's format.

    With `bidir` devices may ask for downlinks; with `batch` Sigfox collects the messages of a second, and writes each
    as `batch_pattern` says. Raises ConfigError where batch_pattern cannot carry what is wanted.
    """
    data = "bidir" if bidir else "uplink"
    if batch and bidir and "{ack}" not in batch_pattern:
        raise ConfigError(
            f"sigfox.batch_pattern is {batch_pattern!r}, so no line would say whether its device asks for a downlink: "
            "add {ack} to it, or leave out --batch"
        )
    kinds = [data, *(kind for kind in KINDS if kind not in _DATA)]
    return [_definition(kind, url.rstrip("/"), batch_pattern if batch else "", grammar or "") for kind in kinds]


def _definition(kind: str, url: str, line_pattern: str, grammar: str) -> CallbackDefinition:
    row = KINDS[kind]
    batch = bool(line_pattern) and kind in _DATA
    return CallbackDefinition(
        kind=kind,
        purpose=row.purpose,
        type=row.type[0],
        subtype=row.subtype[0],
        channel="BATCH_URL" if batch else "URL",
        url=f"{url}/sigfox/batch" if batch else f"{url}{row.path}",
        method="POST",
        # Off unless it is ticked; without it a server of several names shows Sigfox whichever certificate comes first.
        sni=True,
        headers={"x-api-key": KEY_PLACEHOLDER},
        content_type=TEXT if batch else JSON,
        body="{batch}" if batch else _template(row.variables),
        line_pattern=line_pattern if batch else "",
        payload_config=grammar if row.decodes else "",
        downlink=kind == "bidir",
    )


def _template(variables: dict[str, str]) -> str:
    """A JSON object, one variable a line, as it can be pasted into the form."""
    quote = {"text": '"', "bare": ""}
    lines = [f'  "{name}": {quote[form]}{{{name}}}{quote[form]}' for name, form in variables.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def why_not_creatable(definition: CallbackDefinition) -> str:
    """Why Sigfox's REST API cannot create it, so that it must be typed in; empty where it can."""
    if KINDS[definition.kind].type[1] is None:
        return f"Sigfox's REST API creates no {definition.type} callbacks"
    if definition.channel != "URL":
        return "Sigfox's REST API creates batch callbacks without headers, so without evd's key"
    return ""


def as_api(definition: CallbackDefinition, key: str) -> dict[str, Any]:
    """The body of API v2's `POST /device-types/{id}/callbacks` (createUrlCallback), with `key` filled in.

    Raises ConfigError for a callback that this API cannot create.
    """
    if reason := why_not_creatable(definition):
        raise ConfigError(f"{reason}: type this one into the form")
    row = KINDS[definition.kind]
    # The API's description has no subtype for ERROR.
    optional = {"callbackSubtype": row.subtype[1], "payloadConfig": definition.payload_config or None}
    return {
        "channel": definition.channel,
        "callbackType": row.type[1],
        "enabled": True,
        "url": definition.url,
        "httpMethod": definition.method,
        "headers": {name: value.replace(KEY_PLACEHOLDER, key) for name, value in definition.headers.items()},
        "sendSni": definition.sni,
        "contentType": definition.content_type,
        "bodyTemplate": definition.body,
        **{name: value for name, value in optional.items() if value is not None},
    }
