"""The console's texts: none is missing, unused, or written in one language only."""

from __future__ import annotations

import ast
import re
from collections import Counter

from folders import ROOT

STATIC = ROOT / "evd/web/static"
ROW = re.compile(r'^\s*"([\w.]+)":\s*\[\s*("(?:[^"\\]|\\.)*"),\s*("(?:[^"\\]|\\.)*"),?\s*\]', re.MULTILINE)
CALL = re.compile(r"\btn?\(\s*\"([^\"]+)\"")
LITERAL = re.compile(r"\"([a-z_]+(?:\.[a-z_0-9]+)+)\"")
PLACE = re.compile(r"\{(\w+)\}")

FILES = sorted((STATIC / "texts").glob("*.js"))
ROWS = [row for path in FILES for row in ROW.findall(path.read_text("utf-8"))]
TEXTS = {key: (ast.literal_eval(english), ast.literal_eval(slovak)) for key, english, slovak in ROWS}
SCRIPTS = {
    path: path.read_text("utf-8") for path in STATIC.rglob("*.js") if path.parent.name not in ("texts", "vendor")
}


def test_each_row_is_read_by_this_test() -> None:
    keys = sum(len(re.findall(r'^\s*"[\w.]+":', path.read_text("utf-8"), re.MULTILINE)) for path in FILES)
    assert keys == len(ROWS) > 50
    table = (STATIC / "texts.js").read_text("utf-8")
    assert [path.name for path in FILES if f"./texts/{path.name}" not in table] == []


def test_each_key_stands_once_and_in_both_languages() -> None:
    assert [key for key, count in Counter(key for key, _, _ in ROWS).items() if count > 1] == []
    for key, (english, slovak) in TEXTS.items():
        assert english.strip() and slovak.strip(), key
        assert set(PLACE.findall(english)) == set(PLACE.findall(slovak)), key
        if "|" in english:
            assert (english.count("|"), slovak.count("|")) == (1, 2), f"{key}: one|other, one|few|other"


def test_none_is_missing_and_none_unused() -> None:
    asked = {key for text in SCRIPTS.values() for key in CALL.findall(text)}
    named = {key for text in SCRIPTS.values() for key in LITERAL.findall(text)}
    assert asked - TEXTS.keys() == set()
    assert TEXTS.keys() - asked - named == set(), "unused"


def test_no_text_stands_in_a_page() -> None:
    """A sentence that a reader sees comes of the table, or it has one language only."""
    found = []
    for path, text in SCRIPTS.items():
        code = re.sub(r"^\s*(//|\*|/\*\*).*$|//[^\n\"]*$", "", text, flags=re.MULTILINE)
        code = re.sub(r"new Error\([^)]*\)", "", code)
        found += [(path.name, one) for one in re.findall(r"\"([A-Z][a-z]+ [a-z]+ [^\"]*)\"", code)]
    assert found == []
