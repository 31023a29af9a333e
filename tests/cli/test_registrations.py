"""evd registration: lines are imported in requests of a bounded size, and a bad line costs itself only."""

from __future__ import annotations

import io
import json
from typing import Any

from command_line import Evd

from evd.cli.exits import PARTLY
from evd.cli.registrations import BYTES_AT_ONCE, LINE_MAX, LINES_AT_ONCE, SHOWN_MAX, _batches


def batches(*lines: bytes) -> tuple[list[list[tuple[int, Any]]], list[dict[str, Any]]]:
    refused: list[dict[str, Any]] = []
    return list(_batches(io.BytesIO(b"\n".join(lines)), refused)), refused


def test_lines_keep_their_numbers_though_blank_and_bad_ones_are_left_out() -> None:
    made, refused = batches(b"{}", b"", b"nonsense", b"  ", b"[1]")
    assert made == [[(1, {}), (5, [1])]]
    assert [one["line"] for one in refused] == [3]
    assert refused[0]["error"].startswith("not JSON (")
    assert batches() == ([], [])


def test_a_request_has_so_many_lines_at_most() -> None:
    made, _ = batches(*[b"1"] * (2 * LINES_AT_ONCE + 1))
    assert [len(batch) for batch in made] == [LINES_AT_ONCE, LINES_AT_ONCE, 1]
    assert made[2][0][0] == 2 * LINES_AT_ONCE + 1


def test_a_request_has_so_many_bytes_at_most() -> None:
    line = json.dumps("x" * 10_000).encode()
    made, _ = batches(*[line] * 7)
    assert [len(batch) for batch in made] == [3, 3, 1]
    assert 3 * (len(line) + 1) <= BYTES_AT_ONCE < 4 * (len(line) + 1)


def test_a_line_that_is_too_long_is_refused_and_the_next_one_taken() -> None:
    made, refused = batches(b'"' + b"x" * LINE_MAX + b'"', b"7")
    assert [document for batch in made for _, document in batch] == [7]
    assert refused and refused[0]["line"] == 1


def test_phones_are_imported_once_and_what_cannot_be_is_listed(evd: Evd) -> None:
    phones = [{"vehicle": "C1A1", "token": f"secret-token-{number}", "uid": "reg-ann"} for number in range(2)]
    lines = "\n".join([*map(json.dumps, phones), "nonsense", '{"vehicle": "C1A1"}'])
    done = evd("registration", "import", stdin=lines)
    assert (done.code, done.out) == (PARTLY.code, "2 registered, 2 refused\n")
    assert [line.split(":")[0] for line in done.err.splitlines()] == ["line 3", "line 4"]
    again = evd("registration", "import", "--json", stdin="\n".join(map(json.dumps, phones)))
    assert (again.code, again.json["refused"]) == (0, [])
    listed = evd("registration", "list", "C1A1")
    assert len(listed.out.splitlines()) == 3, "a heading and two phones"
    assert "secret-token-0" not in listed.out + evd("registration", "list", "C1A1", "--json").out


def test_of_many_refused_lines_the_first_are_shown_and_all_are_counted(evd: Evd) -> None:
    done = evd("registration", "import", stdin="nonsense\n" * (SHOWN_MAX + 5))
    assert len(done.err.splitlines()) == SHOWN_MAX
    assert done.out == f"0 registered, {SHOWN_MAX + 5} refused\n"
