"""`evd decode`: payloads to JSON, for people (as arguments) and for other programs (as lines, to a co-process)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

import click
import msgspec
import orjson

from evd.cli.common import directory_option, named_format
from evd.cli.format import show_refusal
from evd.cli.printing import json_line
from evd.errors import CodecError, ConfigError, EvdError, FormatError
from evd.payload.field_options import FieldOptions
from evd.payload.grammar import parse

if TYPE_CHECKING:
    from evd.payload.codec import Decoder

# A line holds a format (8 KiB at most) and a payload, both possibly written with \u escapes.
LINE_BYTES_MAX = 65536

# Compiled formats that a co-process caches: more than a fleet has device types; a plan takes a few KiB.
PLANS_MAX = 256


class PayloadLine(msgspec.Struct):
    """A line of standard input; other members are ignored."""

    payload: str
    format: str | None = None


@lru_cache(maxsize=PLANS_MAX)
def _decoder(text: str, halves: tuple[str, ...]) -> Decoder:
    grammar, options = named_format(text, None)
    return _compiled(grammar, {**options, **{name: FieldOptions(half=True) for name in halves}})


def _compiled(grammar: str, options: Mapping[str, FieldOptions]) -> Decoder:
    # Imported here because EVD_CODEC may require a codec that is not built; here the error is reported properly.
    from evd.payload.codec import decoder_for

    return decoder_for(parse(grammar, options))


def _error(error: Exception | str) -> bytes:
    return orjson.dumps({"error": str(error)})


def answer(line: bytes, fallback: str | None, halves: tuple[str, ...]) -> bytes:
    """The answer to one line of standard input: {"fields": …}, or {"error": …} for any fault in it."""
    if len(line) > LINE_BYTES_MAX:
        return _error(f"the line is longer than {LINE_BYTES_MAX} bytes; send one object a line")
    try:
        asked = msgspec.json.decode(line, type=PayloadLine)
        text = fallback if asked.format is None else asked.format
        if text is None:
            return _error('the line names no "format" and there is no --format')
        return b'{"fields":' + _decoder(text, halves).json_hex(asked.payload) + b"}"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _error(f'the line is not a JSON object {{"format":…,"payload":…}}: {error}')
    except EvdError as error:
        return _error(error)


def _read_line(stream: BinaryIO) -> bytes:
    """The next line with its line break, empty at the end of the stream; of one that is too long, its beginning."""
    line = stream.readline(LINE_BYTES_MAX + 2)
    rest = line
    while len(rest) == LINE_BYTES_MAX + 2 and not rest.endswith(b"\n"):
        rest = stream.readline(LINE_BYTES_MAX + 2)
    return line


def _serve_lines(source: BinaryIO, out: BinaryIO, fallback: str | None, halves: tuple[str, ...]) -> None:
    while line := _read_line(source):
        out.write(json_line(answer(line.rstrip(b"\r\n"), fallback, halves)) + b"\n")
        out.flush()


def _decode_all(decoder: Decoder, texts: Sequence[str], out: BinaryIO) -> bool:
    """One JSON line each; True if every text was a payload."""
    good = True
    for text in texts:
        try:
            shown = decoder.json_hex(text)
        except CodecError as error:
            shown = _error(error)
            good = False
        out.write(json_line(shown) + b"\n")
    out.flush()
    return good


@click.command("decode")
@click.option("--format", "grammar", metavar="GRAMMAR", help="Sigfox's custom payload grammar, or a format's name.")
@click.option(
    "--half", "halves", metavar="NAME", multiple=True, help="A uint:16 field that is a half float; repeatable."
)
@click.argument("payloads", metavar="[HEX]...", nargs=-1)
@directory_option
@click.option("--json", is_flag=True, expose_value=False, help="No effect: the output is always JSON.")
@click.pass_context
def decode(
    ctx: click.Context,
    grammar: str | None,
    halves: tuple[str, ...],
    payloads: tuple[str, ...],
    directory: str | None,
) -> None:
    """Decode payloads: each HEX becomes a line of JSON with its fields.

    An invalid HEX becomes a line {"error": "…"}, and the exit code is 1 at the end.

    Without HEX, reads lines {"format": "…", "payload": "…"} and answers each at once with a line {"fields": {…}} or
    {"error": "…"}, until the input ends; --format is then the default for lines without "format".
    """
    out = sys.stdout.buffer
    if grammar is None and payloads:
        raise click.UsageError("--format is missing: give the payload format, such as --format 'speed::uint:8'.")
    decoder = None
    try:
        if grammar is not None:
            grammar, options = named_format(grammar, directory)
            decoder = _compiled(grammar, {**options, **{name: FieldOptions(half=True) for name in halves}})
    except FormatError as error:
        show_refusal(grammar or "", error)
        ctx.exit(1)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    if decoder is not None and payloads:
        ctx.exit(0 if _decode_all(decoder, payloads, out) else 1)
    _serve_lines(sys.stdin.buffer, out, grammar, halves)
