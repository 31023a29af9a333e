"""A line pattern is compiled or refused, reads the lines that fit it, and masks what it marks as a secret."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import BadRequest, ConfigError
from evd.request.body import LinePattern


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        ("{device};{time};", "A;1;", {"device": "A", "time": "1"}),
        ("{device};{time};", "A;1", {"device": "A", "time": "1"}),
        ("{device};{time};", "A;1;;;", {"device": "A", "time": "1"}),
        ("{device};{time}", "A;1;", {"device": "A", "time": "1"}),
        ("{device};{time};{data};", "A;1;;", {"device": "A", "time": "1", "data": ""}),
        ("{device};{data};{time};", "A;;1;", {"device": "A", "data": "", "time": "1"}),
        ("{device};{time};", " A ; 1 ; ", {"device": "A", "time": "1"}),
        ("{device};{info}", "A;one;two", {"device": "A", "info": "one;two"}),
        ("{device} {time} {data}", "A 1 ", {"device": "A", "time": "1", "data": ""}),
        ("{device}\t{data}\t{time}", "A\t\t1\r\n", {"device": "A", "data": "", "time": "1"}),
        ("{device}, {time}", "A, 1", {"device": "A", "time": "1"}),
        ("id={device}&t={time}#", "id=A&t=1#", {"device": "A", "time": "1"}),
        ("{device}:::{time}", "A:::1", {"device": "A", "time": "1"}),
        ("{device};{customData#indoor_temp};", "A;20616;", {"device": "A", "indoor_temp": "20616"}),
        ("{device}", "A", {"device": "A"}),
        ("<{device}>", "<A>", {"device": "A"}),
        ("{a-b};{_c}", "1;2", {"a-b": "1", "_c": "2"}),
    ],
)
def test_a_line_is_read_by_its_pattern(pattern: str, line: str, expected: dict[str, str]) -> None:
    assert LinePattern.parse(pattern).read(line) == expected


@pytest.mark.parametrize(
    ("pattern", "line", "says"),
    [
        ("{device};{time};{data};", "A;1", "lacks ';' after time"),
        ("{device};{time};", "", "lacks ';' after device"),
        ("id={device};{time}", "A;1", "does not begin with 'id='"),
    ],
)
def test_a_line_that_does_not_fit_its_pattern_is_refused(pattern: str, line: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says) as caught:
        LinePattern.parse(pattern).read(line)
    assert caught.value.error == "Line parsing error"


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("", "no variables"),
        ("device;time", "no variables"),
        ("{device}{time}", "nothing between"),
        ("{device};{device}", "twice"),
        ("{customData#time};{time}", "twice"),
        ("{device};{time", "at character 9"),
        ("{device};{}", "at character 9"),
        ("{device};{a b}", "at character 9"),
        ("{{device}}", "at character 0"),
    ],
)
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        LinePattern.parse(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "left"),
    [
        ("{device};{key};{time};", "A1;C;5;\nB2;D;6;\r\n\n", "A1;***;5;\nB2;***;6;\r\n\n"),
        ("id={device}&t={customData#apiToken}#", "id=A1&t=C#", "id=A1&t=***#"),
        ("{device};{password};", "A1;;", "A1;;"),
        ("{device};{key};{time};", "A1 C 5", "***"),
        ("{device};{time};{keyfob};", "A1;5;C;", "A1;5;C;"),
    ],
)
def test_a_pattern_says_where_in_a_line_a_secret_stands(pattern: str, text: str, left: str) -> None:
    assert LinePattern.parse(pattern).masked(text) == left


@given(
    st.sampled_from(["{a};{b};{c};", "{a};{b};{c}", "{a},{b},{c},", "{a}::{b}::{c}"]),
    st.text(alphabet="x1;:, ", max_size=16),
)
def test_law_a_line_that_is_split_in_one_go_says_what_it_says_step_by_step(pattern: str, line: str) -> None:
    compiled = LinePattern.parse(pattern)
    try:
        expected: Any = compiled._walk(line)
    except BadRequest as refusal:
        expected = refusal.detail
    try:
        found: Any = compiled.read(line)
    except BadRequest as refusal:
        found = refusal.detail
    assert found == expected
