"""evd import dynamodb: requests of a bounded size, items that are of no table, and files that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Evd

from evd.cli.exits import PARTLY
from evd.cli.import_dynamodb import AT_ONCE_MAX, INVALID, NO_TABLE, TOO_LONG, Sent, _batches, _require_readable
from evd.errors import ConfigError
from evd.transfer.summary import Place


def sent(*lengths: int) -> list[Sent]:
    return [Sent(Place("x", number), "y" * length) for number, length in enumerate(lengths, 1)]


@pytest.mark.parametrize(
    ("lengths", "batches"),
    [
        ([], []),
        ([10], [1]),
        ([3, 3], [2]),  # each with two bytes between it and the next
        ([3, 4], [1, 1]),
        ([8, 1], [1, 1]),
        ([20, 1], [1, 1]),  # one that is too long by itself goes alone
        ([0] * 12, [5, 5, 2]),
    ],
)
def test_a_request_has_so_many_bytes_at_most(lengths: list[int], batches: list[int]) -> None:
    things = sent(*lengths)
    made = list(_batches(things, 10))
    assert [len(batch) for batch in made] == batches
    assert [one for batch in made for one in batch] == things


def test_a_request_has_so_many_things_at_most() -> None:
    made = list(_batches(sent(*[1] * (AT_ONCE_MAX + 1)), 1 << 20))
    assert [len(batch) for batch in made] == [AT_ONCE_MAX, 1]


def test_each_file_must_be_one_that_can_be_read_before_anything_is_written(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.touch()
    _require_readable((str(file), str(file), "-"))
    for files, says in (
        ((str(file), str(tmp_path / "none")), "none is no file that can be read"),
        ((str(tmp_path),), "is no file that can be read"),
        (("-", str(file), "-"), "name - once"),
    ):
        with pytest.raises(ConfigError, match=says):
            _require_readable(files)


def exported(folder: Path, *items: Any) -> str:
    """A file of an export to S3, with an item a line."""
    path = folder / "items.json"
    path.write_text("".join(json.dumps({"Item": item}) + "\n" for item in items))
    return str(path)


OWNER = {"userId": {"S": "dynamo-ann"}, "vehicleId": {"S": "A5A1"}}


def test_what_cannot_be_imported_is_counted_by_its_reason_and_the_rest_is_imported(tmp_path: Path, evd: Evd) -> None:
    phone = {"vehicleId": {"S": "A5A1"}, "fcmToken": {"S": "x" * 70_000}, "renewTimestamp": {"N": "1639400000"}}
    items = OWNER, {"colour": {"S": "red"}}, {**OWNER, "userId": {"X": "1"}}, phone
    done = evd("import", "dynamodb", exported(tmp_path, *items), "--json")
    found = json.loads(done.out)
    assert (done.code, found["complete"], found["dry_run"]) == (PARTLY.code, True, False)
    assert found["tables"]["owners"]["new"] == 1
    reasons = {one["reason"]: one["example"]["line"] for one in found["skipped"]}
    assert reasons[NO_TABLE] == 2
    assert reasons[INVALID] == 3
    assert {one: line for one, line in reasons.items() if one not in (NO_TABLE, INVALID)} == {TOO_LONG: 4}
    again = evd("import", "dynamodb", exported(tmp_path, OWNER))
    assert (again.code, again.out) == (0, "owners: 1 read, 0 new, 1 known\n")


def test_a_rehearsal_writes_nothing(tmp_path: Path, evd: Evd) -> None:
    owner = {"userId": {"S": "dynamo-ben"}, "vehicleId": {"S": "A5A2"}}
    done = evd("import", "dynamodb", exported(tmp_path, owner), "--dry-run")
    assert (done.code, done.out) == (0, "owners: 1 read, 1 can be imported\n")
    assert "dynamo-ben" not in evd("owner", "list").out
    assert evd("import", "dynamodb", exported(tmp_path)).out == "no item was found\n"
