"""Payload formats, and the formats of device types, `/api/v1`; a change applies from the next message on."""

from __future__ import annotations

from typing import Any, TypedDict

import msgspec
import orjson
from quart import Blueprint, Response

from evd.api.context import here
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.config.settings import FormatSettings
from evd.errors import BadRequest, ConfigError, FormatError, NotFound
from evd.model.operations import AddFormat, FormatInUse, LimitReached, RemoveFormat, SetDeviceType
from evd.payload.formats import NAME, FormatSource, Named, compile_format
from evd.store.records import LISTED_MAX, DeviceTypeRow, FormatUse

routes = Blueprint("formats", __name__, url_prefix=V1)


class NewFormat(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    grammar: str
    fields: dict[str, dict[str, Any]] = {}
    """Field → its options (evd.payload.field_options.FieldOptions)."""


class TypeSettings(msgspec.Struct, forbid_unknown_fields=True):
    format: str | None
    """A format's name or a grammar; null removes the assignment."""


class FormatUses(TypedDict):
    """A format, with the numbers of vehicles and device types that use it."""

    name: str
    origin: str
    default: bool
    vehicles: int
    device_types: int
    grammar: str


class FormatWithUsers(TypedDict):
    name: str
    origin: str
    default: bool
    vehicles: list[str]
    device_types: list[str]
    grammar: str
    fields: dict[str, Any]


class RemovedFormat(TypedDict):
    name: str
    removed: bool


class DeviceTypeFormat(TypedDict):
    device_type: str
    format: str | None


_FORMAT = {
    "name": "van-2",
    "origin": "database",
    "default": False,
    "vehicles": 1,
    "device_types": 0,
    "grammar": "charge::uint:8 temp::int:8",
}


@routes.get("/formats")
@described(answer=list[FormatUses], example=[_FORMAT])
async def list_formats() -> Response:
    """All named formats, with the numbers of vehicles and device types that use them."""
    uses = {row["format"]: row for row in await here().queries.format_uses()}
    return v1_json([_about(name, named, uses.get(name)) for name, named in here().formats.named().items()])


@routes.post("/formats")
@described(
    body=NewFormat,
    body_example={"name": "van-2", "grammar": "charge::uint:8 temp::int:8"},
    answer=FormatWithUsers,
    status=201,
    listed=LISTED_MAX,
    example={**_FORMAT, "fields": {}, "vehicles": [], "device_types": []},
)
async def add_format() -> Response:
    """Add a format, or replace the grammar of an existing one."""
    wish, context = await read_form(NewFormat), here()
    if not NAME.fullmatch(wish.name):
        raise BadRequest(f"{wish.name[:80]!r} is not a name of a format: use 1 to 64 letters, digits, _, - and .")
    if context.formats.is_fixed(wish.name):
        raise BadRequest(f"format {wish.name} is {_where(wish.name)}: choose another name")
    try:
        compile_format(wish.name, FormatSettings(wish.grammar, wish.fields))
    except FormatError as error:
        raise BadRequest(f"the format is invalid: {error}") from None
    try:
        await context.writer.write(AddFormat(wish.name, wish.grammar, orjson.dumps(wish.fields), context.clock()))
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    return await _shown(wish.name, 201)


@routes.get("/formats/<name>")
@described(
    answer=FormatWithUsers,
    listed=LISTED_MAX,
    example={**_FORMAT, "fields": {}, "vehicles": ["386625"], "device_types": []},
)
async def show_format(name: str) -> Response:
    """One format, with a page of the vehicles that use it, as in a list."""
    return await _shown(name, 200)


@routes.delete("/formats/<name>")
@described(answer=RemovedFormat, example={"name": "van-2", "removed": True})
async def remove_format(name: str) -> Response:
    """Remove a format that no vehicle and no device type uses."""
    context = here()
    if context.formats.is_fixed(name) and not context.formats.is_stored(name):
        raise BadRequest(f"format {name} is {_where(name)}: only those of the database can be removed here")
    try:
        gone = await context.writer.write(RemoveFormat(name))
    except FormatInUse as error:
        raise BadRequest(str(error)) from None
    if not gone:
        raise _unknown(name)
    return v1_json({"name": name, "removed": True})


@routes.get("/device-types")
@described(
    answer=list[DeviceTypeRow],
    listed=LISTED_MAX,
    example=[{"device_type": "5d1b…", "format": "van-2", "created": 1764277200000}],
)
async def list_device_types() -> Response:
    """The device types that have a format."""
    return page(await here().queries.device_types(*await asked_page(("",), LISTED_MAX)))


@routes.put("/device-types/<given>")
@described(
    body=TypeSettings,
    body_example={"format": "van-2"},
    answer=DeviceTypeFormat,
    example={"device_type": "5d1b…", "format": "van-2"},
)
async def set_device_type(given: str) -> Response:
    """Set the format of the vehicles of this deviceTypeId that have no format of their own."""
    wish, context = await read_form(TypeSettings), here()
    device_type = given.lower()
    if not 1 <= len(device_type) <= 64 or not device_type.isprintable():
        raise BadRequest("a device type's id has 1 to 64 printable characters: the deviceTypeId of Sigfox's callbacks")
    if wish.format is not None:
        try:
            context.formats.find(wish.format)
        except ConfigError as error:
            raise BadRequest(str(error)) from None
    try:
        await context.writer.write(SetDeviceType(device_type, wish.format, context.clock()))
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    return v1_json({"device_type": device_type, "format": wish.format})


async def _shown(name: str, status: int) -> Response:
    """One format with its users, a page of the vehicles. Raises NotFound."""
    named = here().formats.named().get(name)
    if named is None:
        raise _unknown(name)
    queries = here().queries
    after, limit = await asked_page(("",), LISTED_MAX)
    vehicles = await queries.format_vehicles(name, after, limit=limit)
    shown = {
        **_about(name, named, None),
        "fields": named.settings.fields,
        "vehicles": [row["vehicle"] for row in vehicles.rows],
        "device_types": await queries.format_types(name),
    }
    return page(vehicles, shown, status, path=f"{V1}/formats/{name}")


def _about(name: str, named: Named, uses: FormatUse | None) -> dict[str, Any]:
    return {
        "name": name,
        "origin": named.origin.value,
        "default": name == here().config.ingest.default_format,
        "vehicles": uses["vehicles"] if uses else 0,
        "device_types": uses["device_types"] if uses else 0,
        "grammar": named.settings.grammar,
    }


def _where(name: str) -> str:
    origin = here().formats.named()[name].origin
    return "built in" if origin is FormatSource.BUILT_IN else f"in {origin.value}"


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no format {name!r}: `evd format list` shows them")
