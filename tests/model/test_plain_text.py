"""Text of strangers as a terminal, a log line or a table may show it."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.model.plain_text import REPLACEMENT, excerpt, json_text, lines, one_line

FORBIDDEN = frozenset(map(chr, [*range(0x20), *range(0x7F, 0xA0)])) | frozenset(
    "\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad\u061c"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ASCII, Čeština, Ελληνικά, 日本語, 😀", None),
        ("", None),
        ("a\x1b[2Jb\rc\nd\te\x00\x7f", "a�[2Jb�c�d�e��"),
        ("a\x9b2Jb\x85c\x90d", "a�2Jb�c�d"),
        ("abc\u202edef\u2066ghi", "abc�def�ghi"),
        ("a\u200bb\u200dc\ufeffd\u00ade", "a�b�c�d�e"),
        ("a\u2028b\u2029c", "a�b�c"),
        ("a\u3164b\u115fc\u2800d", "a�b�c�d"),
        ("\udcff\ud800", "��"),
        ("\ue000\U000e0041", "��"),
        ("1\u00a0000\u3000x", "1 000 x"),
        ("e\u0301\u0301", None),
        ("e" + "\u0301" * 9, "e" + "\u0301" * 4 + REPLACEMENT * 5),
    ],
)
def test_a_strangers_text_in_one_line(text: str, shown: str | None) -> None:
    assert one_line(text) == (text if shown is None else shown)


@given(st.text())
def test_law_one_line_is_printable_and_as_long_as_it_was(text: str) -> None:
    shown = one_line(text)
    assert len(shown) == len(text)
    assert not FORBIDDEN.intersection(shown)
    assert all(unicodedata.category(one)[0] != "C" for one in shown if one != REPLACEMENT)
    assert one_line(shown) == shown


def test_a_text_of_several_lines_keeps_them() -> None:
    assert lines("a\r\nb\n\tc\rd\x1b") == "a\nb\n\tc�d�"


def test_an_excerpt_is_short_and_shows_all_it_has() -> None:
    assert excerpt("a\x1b[1mb\u202ec" + "x" * 100, 10) == "a[1mbcxx"


@given(
    st.recursive(st.text() | st.integers(), lambda one: st.lists(one) | st.dictionaries(st.text(), one), max_leaves=5)
)
def test_law_json_that_may_be_shown_says_the_same(document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1)
    shown = json_text(text)
    assert json.loads(shown) == document
    assert not (FORBIDDEN - {"\n"}).intersection(shown)


def test_an_escaped_character_is_one_that_json_reads_again() -> None:
    assert json_text('{"a":"\x7f"}') == '{"a":"\\u007f"}'
    assert json_text('"\u202e\U000e0041é"') == '"\\u202e\\udb40\\udc41é"'
    assert json_text('[\n\t"é"]') == '[\n\t"é"]'
