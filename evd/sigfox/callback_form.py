"""The values to enter in Sigfox's callback form, so that each kind of callback reaches its route of evd.

A template becomes JSON when Sigfox has inserted the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from evd.config.settings import SigfoxSettings
from evd.errors import ConfigError
from evd.sigfox.kinds.kind import FormRow
from evd.sigfox.kinds.registry import BIDIR, DATA_KINDS, KINDS, UPLINK

KEY_PLACEHOLDER = "<key>"
KEY_COMMAND = "evd key create --role sigfox"

JSON = "application/json"
TEXT = "text/plain"

#: Kind → its row of the form, in the order in which the rows are printed.
ROWS: Mapping[str, FormRow] = dict(
    sorted(
        ((name, kind.form) for name, kind in KINDS.items() if kind.form is not None),
        key=lambda item: item[1].order,
    )
)


class CallbackDefinition(msgspec.Struct, frozen=True):
    """One callback as Sigfox's form shows it; a field that is an empty text here stays empty in the form."""

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
    """Whether this is the one callback whose answer Sigfox sends to the device."""


def definitions(
    url: str,
    *,
    bidir: bool = False,
    batch: bool = False,
    batch_pattern: str = SigfoxSettings().batch_pattern,
    grammar: str | None = None,
) -> list[CallbackDefinition]:
    """The form of each callback, DATA first; `url` is evd's public base address, `grammar` the payload's format.

    With `bidir` devices may ask for downlinks. With `batch` Sigfox collects the messages of one second and writes each
    by `batch_pattern`. Raises ConfigError if `batch_pattern` lacks a variable that is needed.
    """
    left_out = UPLINK if bidir else BIDIR  # with both, each message would come twice
    if batch and bidir and "{ack}" not in batch_pattern:
        raise ConfigError(
            f"sigfox.batch_pattern is {batch_pattern!r}, so no line would say whether its device asks for a downlink: "
            "add {ack} to it, or leave out --batch"
        )
    names = [name for name in ROWS if name != left_out]
    return [_definition(name, url.rstrip("/"), batch_pattern if batch else "", grammar or "") for name in names]


def _definition(name: str, url: str, line_pattern: str, grammar: str) -> CallbackDefinition:
    kind, row = KINDS[name], ROWS[name]
    batch = bool(line_pattern) and name in DATA_KINDS
    return CallbackDefinition(
        kind=name,
        purpose=row.purpose,
        type=kind.type.name,
        subtype=kind.subtype.name,
        channel="BATCH_URL" if batch else "URL",
        url=f"{url}/sigfox/batch" if batch else f"{url}/sigfox/{name}",
        method="POST",
        # Sigfox's default is off. Without SNI a server with several names may present the wrong certificate.
        sni=True,
        headers={"x-api-key": KEY_PLACEHOLDER},
        content_type=TEXT if batch else JSON,
        body="{batch}" if batch else _template(row.template),
        line_pattern=line_pattern if batch else "",
        payload_config=grammar if row.decodes else "",
        downlink=kind.downlink,
    )


def _template(variables: Mapping[str, str]) -> str:
    """A JSON object with one variable on each line, ready to paste into the form."""
    lines = [f'  "{name}": {quote}{{{name}}}{quote}' for name, quote in variables.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def why_not_creatable(definition: CallbackDefinition) -> str:
    """The reason why Sigfox's REST API cannot create this callback, so that it must be typed in; empty if it can."""
    if KINDS[definition.kind].type.number is None:
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
    kind = KINDS[definition.kind]
    # The API's description has no subtype for ERROR.
    optional = {"callbackSubtype": kind.subtype.number, "payloadConfig": definition.payload_config or None}
    return {
        "channel": definition.channel,
        "callbackType": kind.type.number,
        "enabled": True,
        "url": definition.url,
        "httpMethod": definition.method,
        "headers": {name: value.replace(KEY_PLACEHOLDER, key) for name, value in definition.headers.items()},
        "sendSni": definition.sni,
        "contentType": definition.content_type,
        "bodyTemplate": definition.body,
        **{name: value for name, value in optional.items() if value is not None},
    }
