"""Files of items: each form that DynamoDB gives, whole or damaged, and wherever the parts that are read end."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest

from evd.transfer import reading
from evd.transfer.reading import CountingFile, Found, Skipped, items

ITEMS = [{"vehicleId": {"S": f"é{number}"}, "note": {"S": 'a "quote", ] and }'}} for number in range(9)]
LINES = "".join(json.dumps({"Item": item}) + "\n" for item in ITEMS)
SCAN = json.dumps({"Items": ITEMS, "Count": 9, "ScannedCount": 9, "ConsumedCapacity": None}, indent=4)


def read(data: bytes | str) -> list[Found | Skipped]:
    data = data.encode() if isinstance(data, str) else data
    file = CountingFile(io.BytesIO(data))
    found = list(items(file))
    assert file.count == len(data) or isinstance(found[-1], Skipped), "all bytes are read and counted"
    return found


def found_in(data: bytes | str) -> list[Any]:
    return [one.item if isinstance(one, Found) else one.reason for one in read(data)]


@pytest.mark.parametrize("chunk", [64, 64 * 1024])
@pytest.mark.parametrize(
    "text",
    [
        LINES,
        LINES.replace("\n", "\r\n\r\n"),
        "".join(json.dumps(item) + "\n" for item in ITEMS),
        "".join(json.dumps({"Keys": {}, "NewImage": item}) + "\n" for item in ITEMS),
        SCAN,
        json.dumps({"Items": ITEMS, "Count": 9}),
        json.dumps({"Count": 9, "LastEvaluatedKey": {"id": {"S": "x"}}, "Items": ITEMS}),
        json.dumps({"Items": ITEMS[:4]}) + "\n" + json.dumps({"Items": ITEMS[4:]}, indent=1),
        json.dumps(ITEMS, indent=2),
    ],
)
def test_every_form_has_the_same_items(text: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHUNK", chunk)
    assert found_in(text) == ITEMS
    assert found_in(gzip.compress(text.encode())) == ITEMS


def test_places_are_lines_that_count_from_1() -> None:
    assert [one.line for one in read("\n\n" + LINES)] == list(range(3, 12))
    assert [one.line for one in read(SCAN)] == [
        number for number, line in enumerate(SCAN.split("\n"), 1) if line == "        {"
    ]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (LINES[:-3], ["not JSON"]),
        ("no\n" + LINES + "[1]\n", ["not JSON", "no item"]),
        ('{"Item": 5}\n{"Item": {}}\n7\n' + LINES, ["no item"] * 3),
        ("\xff\n".encode("latin-1").decode("utf-8", "surrogateescape"), ["not JSON"]),
        (SCAN[: SCAN.rindex("note")], ["breaks off"]),
        ('{"Items": [{"a": {"S": "b"}}, nonsense, {"a": {"S": "b"}}]}', ["breaks off"]),
        ('{"Items": [5, null, {"a": {"S": "b"}}]}', ["no item"] * 2),
        ('{"Items": [{"a": {"S": "b"}}', ["breaks off"]),
        ('{"Count": 0}', []),
        ("", []),
    ],
)
def test_what_is_no_item_is_skipped_and_what_follows_is_read(text: str, reasons: list[str]) -> None:
    found = read(text.encode("utf-8", "surrogateescape"))
    assert [one.reason for one in found if isinstance(one, Skipped)] == reasons
    if "breaks off" not in reasons:
        assert sum(isinstance(one, Found) for one in found) == text.count('"Item": {"v') + text.count('"a"') - (
            LINES[:-3] == text
        )


@pytest.mark.parametrize("damage", [lambda data: data[:-20], lambda data: data[:60] + b"\0\0\0\0" + data[64:]])
def test_a_damaged_gzip_ends_with_a_reason(damage: Any) -> None:
    long = "".join(json.dumps({"Item": {"a": {"S": f"{number * 7919 % 100_003}"}}}) + "\n" for number in range(9_999))
    assert isinstance(read(damage(gzip.compress(long.encode())))[-1], Skipped)


def test_a_line_that_is_too_long_costs_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ITEM_MAX", 1000)
    assert found_in(LINES + "x" * 200_000 + "\n" + LINES) == [*ITEMS, "too long", *ITEMS]
    assert found_in('{"Items": [' + "x" * 200_000) == ["breaks off"]
