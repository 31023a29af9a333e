"""Lines of keys, as tomllib reads the text, and values as TOML."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from evd.config.migration import migrated
from evd.config.toml_lines import LINES_MAX, as_toml, line_of

TEXT = '''# [push]
a.b = 1
[log]
level = """
format = "no key"
"""
format = "text"   # level = 1
[formats."x y"]
grammar = "a"
[[many]]
x = 1
'''


def test_a_key_is_found_in_the_line_where_it_begins() -> None:
    assert line_of(TEXT, ("a", "b")) == 2
    assert line_of(TEXT, ("log", "level")) == 4
    assert line_of(TEXT, ("log", "format")) == 7
    assert line_of(TEXT, ("formats", "x y", "grammar")) == 9
    assert line_of(TEXT, ("many",)) == 10
    assert line_of(TEXT, ("push",)) == 0


def test_a_long_file_is_not_searched() -> None:
    assert line_of("\n" * LINES_MAX + "a = 1\n", ("a",)) == 0


@given(
    st.recursive(
        st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False)
        | st.text(st.characters(codec="utf-8")),
        lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), one, max_size=3),
        max_leaves=6,
    )
)
def test_law_a_value_is_read_as_it_was(value: object) -> None:
    assert tomllib.loads(f"x = {as_toml(value)}")["x"] == value


def test_an_old_name_is_rewritten_where_it_stands_and_nothing_else() -> None:
    text = '[events]   # old_name\nold_name = ["old_name"] # why\n[log]\nold_name = 1\n'
    after, done = migrated(text, {"events.old_name": "events.new"})
    assert after == '[events]   # old_name\nnew = ["old_name"] # why\n[log]\nold_name = 1\n'
    assert [(one.line, one.today) for one in done] == [(2, "events.new")]
    assert migrated(after, {"events.old_name": "events.new"}) == (after, [])
