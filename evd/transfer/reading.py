"""Read items from the files in which DynamoDB gives them: exports to S3, and the output of `aws dynamodb scan`.

An export has one item on each line, `{"Item": {…}}`. A scan is one JSON document, `{"Items": […], …}`, of any length,
so it is not parsed as a whole. Either may be gzip. What cannot be read is a Skipped, and reading goes on.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import orjson

ITEM_MAX = 2 * 1024 * 1024
"""Bytes of an item: DynamoDB's have 400 KB at most, and their JSON some more."""

CHUNK = 64 * 1024
"""Bytes that are read at once."""

GZIP_MAGIC = b"\x1f\x8b"
_SCAN = re.compile(rb'\s*(?:\[|\{\s*"(?:Items|Count|ScannedCount|ConsumedCapacity|LastEvaluatedKey|NextToken)")')
_ITEMS = re.compile(r'"Items"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_HEAD_KEPT = 64
"""Characters that may be the beginning of `"Items": [`."""

NOT_JSON = "not JSON"
NO_ITEM = "no item"
TOO_LONG = "too long"
BROKEN_OFF = "breaks off"


class Found(NamedTuple):
    """An item as it stands in its file; lines count from 1."""

    line: int
    item: dict[str, Any]


class Skipped(NamedTuple):
    """What is no item, and why."""

    line: int
    reason: str
    detail: str


class CountingFile(io.RawIOBase):
    """A file that counts the bytes read from it, compressed ones if it is gzip."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


def items(raw: CountingFile) -> Iterator[Found | Skipped]:
    """All items of a file."""
    file: io.BufferedReader[Any] = io.BufferedReader(raw, CHUNK)
    if file.peek(2)[:2] == GZIP_MAGIC:
        file = io.BufferedReader(_Unpacked(file), CHUNK)
    line = 1
    try:
        reader = _scanned if _SCAN.match(file.peek(CHUNK)) else _lines
        for found in reader(file):
            line = found.line
            yield found
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        yield Skipped(line, BROKEN_OFF, f"the gzip is damaged or incomplete behind this place ({error})")


class _Unpacked(io.RawIOBase):
    """A gzip file's content."""

    def __init__(self, file: io.BufferedReader[Any]) -> None:
        super().__init__()
        self._gzip = gzip.GzipFile(fileobj=file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._gzip.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _lines(file: io.BufferedReader[Any]) -> Iterator[Found | Skipped]:
    number = 0
    while text := file.readline(ITEM_MAX):
        number += 1
        if len(text) == ITEM_MAX and not text.endswith(b"\n"):
            while (more := file.readline(CHUNK)) and not more.endswith(b"\n"):
                pass
            yield Skipped(number, TOO_LONG, f"the line has more than {ITEM_MAX} bytes")
        elif text.strip():
            yield _read(number, text)


def _read(number: int, text: bytes) -> Found | Skipped:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Skipped(number, NOT_JSON, f"the line is not JSON ({error.msg}, column {error.colno})")
    return _found(number, document)


def _found(number: int, document: Any) -> Found | Skipped:
    """An item may be wrapped as `{"Item": …}`, with further members; an export of changes has `NewImage`."""
    if type(document) is dict:
        item = next((document[name] for name in ("Item", "NewImage") if name in document), document)
        if type(item) is dict and item:
            return Found(number, item)
    return Skipped(number, NO_ITEM, 'an object such as {"Item": {"vehicleId": {"S": "386625"}}} is needed')


def _scanned(file: io.BufferedReader[Any]) -> Iterator[Found | Skipped]:
    """Decodes one item after the other from the text that is in memory, and reads more when it ends within one."""
    decode, text = json.JSONDecoder().raw_decode, codecs.getincrementaldecoder("utf-8")("replace")
    line, ended, inside = 1, False, file.peek(CHUNK).lstrip()[:1] == b"["
    if inside:  # a list by itself
        line += file.read(file.peek(CHUNK).index(b"[") + 1).count(b"\n")
    buffer = ""
    while not ended:
        data = file.read1(CHUNK)
        ended = not data
        buffer += text.decode(data, final=ended)
        at = 0
        while True:
            if not inside:
                head = _ITEMS.search(buffer, at)
                end = head.end() if head else max(at, len(buffer) - _HEAD_KEPT)
                line, at, inside = line + buffer.count("\n", at, end), end, head is not None
                if head is None:
                    break
            start = _end_of(_BETWEEN, buffer, at)
            line, at = line + buffer.count("\n", at, start), start
            if at >= len(buffer):
                break
            if buffer[at] == "]":
                at, inside = at + 1, False
                continue
            try:
                document, end = decode(buffer, at)
            except (json.JSONDecodeError, RecursionError) as error:
                if ended or len(buffer) - at > ITEM_MAX:
                    yield Skipped(line, BROKEN_OFF, f"no item can be read from here on ({type(error).__name__})")
                    return
                break
            yield _found(line, document)
            line, at = line + buffer.count("\n", at, end), end
        buffer = buffer[at:]
    if inside:
        yield Skipped(line, BROKEN_OFF, "the list of items has no end")


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
