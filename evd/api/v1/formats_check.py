"""The check of a format while somebody writes it, `/api/v1/formats/check`; nothing is stored."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import msgspec
import orjson
from quart import Blueprint, Response

from evd.api.described import described
from evd.api.forms import read_form
from evd.api.replies import V1, v1_json
from evd.api.v1.layouts import FIELD
from evd.config.settings import FormatSettings
from evd.errors import CodecError, FormatError
from evd.model.measures import field_name
from evd.payload.formats import Format, compile_format
from evd.payload.grammar import PAYLOAD_BYTES_MAX
from evd.payload.layout import layout
from evd.sigfox.message import PAYLOAD_MAX_BYTES

PAYLOADS_MAX = 20
"""As many as stand on a screen."""

routes = Blueprint("formats_check", __name__, url_prefix=V1)

HexText = Annotated[str, msgspec.Meta(max_length=2 * PAYLOAD_BYTES_MAX)]


class FormatCheck(msgspec.Struct, forbid_unknown_fields=True):
    grammar: str
    fields: dict[str, dict[str, Any]] = {}
    """Field → its options (evd.payload.field_options.FieldOptions)."""
    payloads: Annotated[list[HexText], msgspec.Meta(max_length=PAYLOADS_MAX)] = []
    """Hex texts to be decoded by it."""


class FormatFault(TypedDict):
    sentence: str
    field: str
    position: int | None
    """In characters of the grammar; null: it is not in the grammar."""


class DecodedPayload(TypedDict):
    fields: dict[str, Any] | None
    implausible: list[str]
    """Fields whose values are not plausible."""
    error: str
    """Why it cannot be decoded; else empty."""


class CheckedFormat(TypedDict):
    layout: dict[str, Any] | None
    """Which bits each field takes; null if the format is refused."""
    error: FormatFault | None
    decoded: list[DecodedPayload]


@routes.post("/formats/check")
@described(
    body=FormatCheck,
    body_example={"grammar": "load::uint:8", "payloads": ["2a"]},
    answer=CheckedFormat,
    example={
        "layout": {"bytes": 1, "fields": [FIELD | {"name": "load"}]},
        "error": None,
        "decoded": [{"fields": {"load": 42}, "implausible": [], "error": ""}],
    },
)
async def check_format() -> Response:
    """Which bits the fields of a format take, or why it is refused and where; and what payloads become by it."""
    return v1_json(checked(await read_form(FormatCheck)))


def checked(wish: FormatCheck) -> CheckedFormat:
    settings = FormatSettings(wish.grammar, wish.fields)
    try:
        compiled = compile_format("", settings)
    except FormatError as error:
        return {
            "layout": None,
            "error": {"sentence": str(error), "field": error.field, "position": error.position},
            "decoded": [],
        }
    plan = compiled.plan
    names = [field.name for field in plan.fields]
    return {
        "layout": layout(plan, carried=PAYLOAD_MAX_BYTES),
        "error": None,
        "decoded": [_decoded(compiled, names, text) for text in wish.payloads],
    }


def _decoded(compiled: Format, names: list[str], text: str) -> DecodedPayload:
    """Under the names of the grammar, which evd stores under the app's."""
    try:
        fields = orjson.loads(compiled.decoder.json_hex(text))
    except CodecError as error:
        return {"fields": None, "implausible": [], "error": str(error)}
    implausible = compiled.implausible(fields)
    return {
        "fields": {name: fields.get(field_name(name)) for name in names},
        "implausible": [name for name in names if field_name(name) in implausible],
        "error": "",
    }
