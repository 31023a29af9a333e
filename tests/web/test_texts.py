"""The console's texts: none is missing, unused, or written in one language only."""

from __future__ import annotations

import ast
import posixpath
import re
from collections import Counter

from folders import ROOT

STATIC = ROOT / "evd/web/static"
ROW = re.compile(r'^\s*"([\w.]+)":\s*\[\s*("(?:[^"\\]|\\.)*"),\s*("(?:[^"\\]|\\.)*"),?\s*\]', re.MULTILINE)
CALL = re.compile(r"\btn?\(\s*\"([^\"]+)\"")
LITERAL = re.compile(r"\"([a-z_]+(?:\.[a-z_0-9]+)+)\"")
PLACE = re.compile(r"\{(\w+)\}")

STATIC_IMPORT = re.compile(r'^(?:import|export)\b[^;"()]*?"(\.[^"]+)"', re.MULTILINE)
DYNAMIC_IMPORT = re.compile(r'\bimport\("(\.[^"]+)"\)')

FILES = sorted((STATIC / "texts").glob("*.js"))
ROWS_OF = {f"texts/{path.name}": ROW.findall(path.read_text("utf-8")) for path in FILES}
ROWS = [row for rows in ROWS_OF.values() for row in rows]
TEXTS = {key: (ast.literal_eval(english), ast.literal_eval(slovak)) for key, english, slovak in ROWS}
SCRIPTS = {
    path: path.read_text("utf-8") for path in STATIC.rglob("*.js") if path.parent.name not in ("texts", "vendor")
}


def test_each_row_is_read_by_this_test() -> None:
    keys = sum(len(re.findall(r'^\s*"[\w.]+":', path.read_text("utf-8"), re.MULTILINE)) for path in FILES)
    assert keys == len(ROWS) > 50


def modules(pattern: re.Pattern[str], name: str) -> set[str]:
    """What the module `name`, a path below static/, imports by this pattern."""
    text = (STATIC / name).read_text("utf-8")
    return {posixpath.normpath(posixpath.join(posixpath.dirname(name), one)) for one in pattern.findall(text)}


def loaded(name: str) -> set[str]:
    """A module with all that it imports at its top, and what this imports, and so on."""
    found, waiting = {name}, [name]
    while waiting:
        new = modules(STATIC_IMPORT, waiting.pop()) - found
        found |= new
        waiting += new
    return found


def test_each_page_loads_the_texts_that_it_shows_before_all_else() -> None:
    frame = loaded("app.js")
    pages = modules(DYNAMIC_IMPORT, "pages.js")
    assert len(pages) == (STATIC / "pages.js").read_text("utf-8").count("load:") > 5
    for page in pages:
        entries, here = [page], frame | loaded(page)
        while entries:
            scripts = loaded(entry := entries.pop())
            with_texts = here | scripts
            known = {row[0] for one in with_texts for row in ROWS_OF.get(one, ())}
            for script in (scripts | frame) & {path.relative_to(STATIC).as_posix() for path in SCRIPTS}:
                text = SCRIPTS[STATIC / script]
                asked = {*CALL.findall(text), *LITERAL.findall(text)} & TEXTS.keys()
                assert asked <= known, f"{script}, by {entry}"
            entries += [
                one
                for name in scripts
                for one in modules(DYNAMIC_IMPORT, name)
                if "vendor" not in one and name != "pages.js"
            ]
        imports = re.findall(r'^import .*"(.+)";$', (STATIC / page).read_text("utf-8"), re.MULTILINE)
        assert "/texts/" in imports[0], f"{page}: what it imports may ask for its texts at once"


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
