"""`evd format`: look at a payload format before it is given to a vehicle."""

from __future__ import annotations

import string

import click
import orjson
from rich import box
from rich.console import Console
from rich.table import Table

from evd.cli.common import directory_option, named_format
from evd.errors import FormatError
from evd.grammar import BIG_ENDIAN, PAYLOAD_BYTES_MAX, Field, Plan, parse

# The marks of the bit map, one a field. Fields beyond them are marked "+".
_MARKS = string.ascii_letters + string.digits
_FREE, _SHARED = "·", "*"

# Characters shown before and after the place of an error: what fits a terminal of 80 columns.
_CONTEXT = 36


def caret(text: str, position: int) -> str:
    """Two lines: the part of `text` around `position` (in characters from 0), and a caret below it."""
    first = max(0, position - _CONTEXT)
    last = min(len(text), position + _CONTEXT)
    before = "…" if first else ""
    after = "…" if last < len(text) else ""
    shown = "".join(character if character.isprintable() else " " for character in text[first:last])
    return f"  {before}{shown}{after}\n  {' ' * (len(before) + position - first)}^"


def show_refusal(text: str, error: FormatError) -> None:
    """The sentence and the place of a refused format, to stderr."""
    click.echo(f"Error: {error}", err=True)
    click.echo(caret(text, error.position), err=True)


def layout(plan: Plan) -> dict[str, object]:
    """Where each field lies; bits are counted from the left and from 0, `last_bit` included."""
    return {
        "bytes": plan.length,
        "fields": [
            {
                "name": field.name,
                "type": field.type,
                "bits": field.bits,
                "byte": field.index,
                "offset": field.offset,
                "first_bit": field.start,
                "last_bit": field.end - 1,
                "endianness": field.endianness or None,
            }
            for field in plan.fields
        ],
    }


def _mark(number: int) -> str:
    return _MARKS[number] if number < len(_MARKS) else "+"


def bit_map(plan: Plan) -> list[str]:
    """One row of eight marks a byte, bit 7 first, for the bytes a codec reads."""
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


def _show(plan: Plan, console: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("", "field", "type", "size"):
        table.add_column(heading, overflow="fold")
    for heading in ("first bit", "last bit"):
        table.add_column(heading, justify="right")
    table.add_column("endianness")
    for number, field in enumerate(plan.fields):
        endianness = field.endianness if field.bits > 8 or field.endianness != BIG_ENDIAN else ""
        row = (field.name, field.type, _size(field), str(field.start), str(field.end - 1), endianness)
        table.add_row(_mark(number), *row)
    console.print(table)
    bits = Table(box=box.SIMPLE_HEAD)
    bits.add_column("byte", justify="right")
    bits.add_column("7 6 5 4 3 2 1 0")
    for number, row_of_marks in enumerate(bit_map(plan)):
        bits.add_row(str(number), row_of_marks)
    console.print(bits)
    console.print(f"{plan.length} bytes; {_FREE} no field, {_SHARED} several fields", highlight=False)


@click.group("format")
def format_group() -> None:
    """Look at payload formats (Sigfox's custom payload grammar)."""


@format_group.command("check")
@click.argument("grammar")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; a refusal too, on standard output.")
@directory_option
@click.pass_context
def check(ctx: click.Context, grammar: str, as_json: bool, directory: str | None) -> None:
    """Show which bits each field of GRAMMAR (or of the format of this name) takes, or why it is refused.

    GRAMMAR is fields name:index:type:parameter[:endianness][:bit offset], separated by spaces, in one argument. Bits
    are counted from the left of the payload, from 0. Exit code 1 if the format is refused.
    """
    try:
        grammar, options = named_format(grammar, directory)
        plan = parse(grammar, options)
    except FormatError as error:
        if as_json:
            refusal = {"error": str(error), "field": error.field, "position": error.position}
            click.echo(orjson.dumps(refusal))
        else:
            show_refusal(grammar, error)
        ctx.exit(1)
    if as_json:
        click.echo(orjson.dumps(layout(plan)))
    else:
        _show(plan, Console())
