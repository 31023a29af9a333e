"""`evd format`: check payload formats, store them under a name, assign them to vehicles and device types."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from typing import Any

import click
import msgspec
import orjson
from rich import box

from evd.cli import format_testing
from evd.cli.common import (
    agreed,
    ask,
    ask_pages,
    directory_option,
    json_option,
    named_format,
    named_vehicles,
    path_part,
    yes_option,
)
from evd.cli.printing import say, say_error, say_lines, show, show_line, table
from evd.errors import ConfigError, FormatError
from evd.model.plain_text import REPLACEMENT, one_line
from evd.payload.field_options import FieldOptions
from evd.payload.grammar import PAYLOAD_BYTES_MAX, Field, Plan, parse
from evd.payload.layout import given_options, layout, warnings
from evd.payload.types import BIG_ENDIAN
from evd.sigfox.message import PAYLOAD_MAX_BYTES

# The marks of the bit map, one for each field. Further fields are marked "+".
_MARKS = string.ascii_letters + string.digits
_FREE, _SHARED = "·", "*"

NO_FORMAT = "-"
"""In place of a format's name: remove the assignment."""

# Characters shown before and after the position of an error: what fits a terminal of 80 columns.
_CONTEXT = 36


def caret(text: str, position: int) -> str:
    """Two lines: the part of `text` around `position` (in characters from 0), and a caret below it."""
    first = max(0, position - _CONTEXT)
    last = min(len(text), position + _CONTEXT)
    before = "…" if first else ""
    after = "…" if last < len(text) else ""
    shown = one_line(text[first:last]).replace(REPLACEMENT, " ")
    return f"  {before}{shown}{after}\n  {' ' * (len(before) + position - first)}^"


def show_refusal(text: str, error: FormatError) -> None:
    """The sentence and the position, if it has one, of a refused format, on stderr."""
    say_error(error)
    if error.position is not None:
        say_lines(caret(text, error.position), err=True)


def _mark(number: int) -> str:
    return _MARKS[number] if number < len(_MARKS) else "+"


def bit_map(plan: Plan) -> list[str]:
    """One row of eight marks for each byte, bit 7 first, for the bytes that the codec reads."""
    size = 8 * min(plan.length, PAYLOAD_BYTES_MAX)
    marks = [_FREE] * size
    for number, field in enumerate(plan.fields):
        for bit in range(field.start, min(field.end, size)):
            marks[bit] = _mark(number) if marks[bit] == _FREE else _SHARED
    return [" ".join(marks[bit : bit + 8]) for bit in range(0, size, 8)]


def _size(field: Field) -> str:
    if field.type == "char":
        return f"{field.bits // 8} bytes"
    return "1 bit" if field.bits == 1 else f"{field.bits} bits"


FIELD_COLUMNS = {
    "mark": "",
    "field": "field",
    "type": "type",
    "size": "size",
    "first": "first bit",
    "last": "last bit",
    "endianness": "endianness",
}
BIT_COLUMNS = {"byte": "byte", "bits": "7 6 5 4 3 2 1 0"}


def _show(plan: Plan) -> None:
    rows = [{"mark": _mark(number), **_row(field)} for number, field in enumerate(plan.fields)]
    table(rows, FIELD_COLUMNS, empty="There are no fields.", box=box.SIMPLE_HEAD, right=("first", "last"))
    for field in plan.fields:
        if options := given_options(field.options):
            say("  {}: {}", field.name, _in_words(options))
    bits = [{"byte": number, "bits": marks} for number, marks in enumerate(bit_map(plan))]
    table(bits, BIT_COLUMNS, empty="There are no bits.", box=box.SIMPLE_HEAD, right=("byte",))
    say("{} bytes; {} no field, {} several fields", plan.length, _FREE, _SHARED)
    show_warnings(plan)


def show_warnings(plan: Plan) -> None:
    """To stderr: programs may read stdout."""
    for warning in warnings(plan, carried=PAYLOAD_MAX_BYTES):
        say("Warning: {}", warning, err=True)


def _row(field: Field) -> dict[str, Any]:
    return {
        "field": field.name,
        "type": field.type,
        "size": _size(field),
        "first": field.start,
        "last": field.end - 1,
        "endianness": field.endianness if field.bits > 8 or field.endianness != BIG_ENDIAN else "",
    }


def _in_words(options: Mapping[str, object]) -> str:
    return ", ".join(f"{option} {_shown(value)}" for option, value in options.items())


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


@click.group("format")
def format_group() -> None:
    """Payload formats (Sigfox's custom payload grammar): check, store, assign."""


format_group.add_command(format_testing.test)


@format_group.command("check")
@click.argument("grammar")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, also for a refusal.")
@directory_option
@click.pass_context
def check(ctx: click.Context, grammar: str, as_json: bool, directory: str | None) -> None:
    """Show which bits each field of GRAMMAR (or of the format of this name) takes, or why it is refused.

    GRAMMAR is fields name:index:type:parameter[:endianness][:bit offset], separated by spaces, in one argument. Bits
    are counted from the left of the payload, from 0. Exit code 1 if the format is refused.

    \b
    A packed C struct, as most devices send it, is little-endian:
      'mode::uint:8 kg::int:32:little-endian temperature::uint:16:little-endian'
    A tracker with a nibble and a flag in its first byte:
      'type:0:uint:4:big-endian:3 inTrip:0:bool:4 lat:1:int:32:little-endian'
    Flags of one byte, bit 7 first, then a signed byte:
      'button:0:bool:7 gps:0:bool:6 temperature:1:int:8'
    A half float has 16 bits and the option half:
      'temp::uint:16' with `evd decode --half temp`, `evd format add --field temp.half=true`
    """
    try:
        grammar, options = named_format(grammar, directory)
        plan = parse(grammar, options)
    except FormatError as error:
        if as_json:
            refusal = {"error": str(error), "field": error.field, "position": error.position}
            show_line(refusal)
        else:
            show_refusal(grammar, error)
        ctx.exit(1)
    if as_json:
        show_line(layout(plan, carried=PAYLOAD_MAX_BYTES))
    else:
        _show(plan)


@format_group.command("add")
@click.argument("name")
@click.argument("grammar")
@click.option(
    "--field",
    "settings",
    metavar="FIELD.OPTION=VALUE",
    multiple=True,
    help="What the grammar cannot express, such as temp.half=true, temp.scale=0.5, temp.unit=km, temp.none=-32768 (the "
    "number that means no value), temp.min=-40, temp.max=85 (the plausible range); repeatable.",
)
@click.option("--fields-json", metavar="JSON", help='All of these as JSON: {"temp": {"half": true}}.')
@directory_option
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    name: str,
    grammar: str,
    settings: tuple[str, ...],
    fields_json: str | None,
    directory: str | None,
    as_json: bool,
) -> None:
    """Store GRAMMAR under NAME, in place of what NAME was.

    It applies from the next message on; `evd redecode` decodes kept statuses again. Exit code 1 if it is refused.
    """
    fields = field_settings(settings, fields_json)
    try:
        plan = parse(grammar, _options(fields))
    except FormatError as error:
        show_refusal(grammar, error)
        ctx.exit(1)
    added = ask(directory, "POST", "/formats", {"name": name, "grammar": grammar, "fields": fields})
    if as_json:
        show(added)
        return
    show_warnings(plan)
    say("format {} is stored", name)
    if added["vehicles"] or added["device_types"]:
        say("It decodes messages from now on; `evd redecode --since …` decodes kept statuses again.")


@format_group.command("list")
@directory_option
@json_option
def list_(directory: str | None, as_json: bool) -> None:
    """All named formats, and how many vehicles and device types use them."""
    rows = ask(directory, "GET", "/formats")
    if as_json:
        show(rows)
        return
    marked = [{**row, "default": "default" if row["default"] else ""} for row in rows]
    table(marked, LISTED, empty="There are no formats.")


LISTED = {
    "name": "NAME",
    "origin": "FROM",
    "default": "",
    "vehicles": "VEHICLES",
    "device_types": "DEVICE TYPES",
}


@format_group.command("show")
@click.argument("name")
@directory_option
@json_option
def show_(name: str, directory: str | None, as_json: bool) -> None:
    """The format NAME: its grammar, which bits its fields take, and what uses it."""
    found, *others = ask_pages(directory, f"/formats/{path_part(name)}", {})
    found["vehicles"] += [one for page in others for one in page["vehicles"]]
    if as_json:
        show(found)
        return
    say("{} ({}{})", found["name"], found["origin"], ", the default" if found["default"] else "")
    say("{}", found["grammar"])
    _show(parse(found["grammar"], _options(found["fields"])))
    for heading, users in (("vehicles", found["vehicles"]), ("device types", found["device_types"])):
        say("{}: {}", heading, _some(users))


@format_group.command("assign")
@click.argument("name")
@click.option("--vehicle", "vehicles", metavar="ID", multiple=True, help="Or tag:NAME; repeatable.")
@click.option("--device-type", "types", metavar="ID", multiple=True, help="A deviceTypeId of Sigfox; repeatable.")
@click.option("--default", "as_default", is_flag=True, help="Explains where the default format is set.")
@directory_option
@json_option
def assign(
    name: str, vehicles: tuple[str, ...], types: tuple[str, ...], as_default: bool, directory: str | None, as_json: bool
) -> None:
    """Assign the format NAME (or a grammar) to vehicles or device types; NAME - removes their assignment.

    A vehicle's own format comes first, then its device type's, then the default.
    """
    if as_default:
        raise ConfigError("the default format is a setting: write ingest.default_format into evd.toml, and restart evd")
    if not vehicles and not types:
        raise ConfigError("no vehicle and no device type is given: add --vehicle ID or --device-type ID")
    wish = {"format": None if name == NO_FORMAT else name}
    vehicles = tuple(named_vehicles(directory, vehicles))
    for vehicle in vehicles:
        ask(directory, "PATCH", f"/vehicles/{path_part(vehicle)}", wish)
    for one in types:
        ask(directory, "PUT", f"/device-types/{path_part(one)}", wish)
    if as_json:
        show({**wish, "vehicles": vehicles, "device_types": types})
        return
    whose = _some([*vehicles, *(f"device type {one}" for one in types)])
    say("{}: {}", "no format of their own" if name == NO_FORMAT else f"format {name}", whose)


@format_group.command("remove")
@click.argument("name")
@yes_option
@directory_option
@json_option
def remove(name: str, yes: bool, directory: str | None, as_json: bool) -> None:
    """Remove the format NAME, which no vehicle and no device type may still use."""
    if not agreed(f"Remove the format {name}?", yes=yes, as_json=as_json):
        return
    done = ask(directory, "DELETE", f"/formats/{path_part(name)}")
    if as_json:
        show(done)
    else:
        say("format {} is removed", name)


def field_settings(settings: Iterable[str], as_json: str | None) -> dict[str, dict[str, Any]]:
    """Field -> its options, of `--field` and `--fields-json`. Raises ConfigError."""
    fields: dict[str, dict[str, Any]] = {}
    if as_json is not None:
        try:
            fields = msgspec.json.decode(as_json, type=dict[str, dict[str, Any]])
        except msgspec.DecodeError as error:
            raise ConfigError(
                f'--fields-json is not a table of fields ({error}): write {{"temp": {{"half": true}}}}'
            ) from None
    for text in settings:
        path, equals, value = text.partition("=")
        field, dot, option = path.partition(".")
        if not (field and dot and option and equals):
            raise ConfigError(f"--field {text!r} is not an option of a field: write it like temp.half=true")
        fields.setdefault(field, {})[option] = value if option == "unit" else _value(value)
    return fields


def _value(text: str) -> Any:
    try:
        return int(text, 16) if text[:2].lower() == "0x" else orjson.loads(text)
    except ValueError:
        return text


def _options(fields: Mapping[str, dict[str, Any]]) -> dict[str, FieldOptions]:
    """Raises FormatError."""
    from evd.config.settings import FormatSettings
    from evd.payload.formats import field_options

    return field_options(FormatSettings("", dict(fields)))


def _some(names: list[str]) -> str:
    """The first few of them."""
    if not names:
        return "none"
    return ", ".join(names[:USERS_SHOWN]) + (
        f" and {len(names) - USERS_SHOWN} more" if len(names) > USERS_SHOWN else ""
    )


USERS_SHOWN = 20
