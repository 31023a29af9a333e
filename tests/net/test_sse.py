"""Server-sent events are read as they were written, and as browsers read what others write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.net.sse import BEAT, ServerSentEvent, opening, read, written


def lines(text: bytes) -> list[str]:
    return text.decode().split("\n")[:-1]


word = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=20)


@given(st.lists(st.tuples(word, word, word), max_size=4))
def test_what_is_written_is_read(events: list[tuple[str, str, str]]) -> None:
    stream = opening(3000, "7") + b"".join(BEAT + written(name, i, data.encode()) for name, i, data in events)
    first, *others = read(lines(stream))
    assert first == ServerSentEvent("message", "7", ""), "where a reader is may be said without an event"
    assert [event for event in others if event.data] == events
    beats = [event for event in others if not event.data]
    assert [beat.event_id for beat in beats] == ["7", *(i for _, i, _ in events)][: len(events)]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (written("status", "8", b"{}"), b"event: status\nid: 8\ndata: {}\n\n"),
        (written("status", "", b"{}"), b"event: status\ndata: {}\n\n"),
        (opening(3000, "7"), b"retry: 3000\nid: 7\n\n"),
        (opening(3000, ""), b"retry: 3000\n\n"),
    ],
)
def test_a_stream_that_cannot_be_resumed_has_no_ids(event: bytes, text: bytes) -> None:
    assert event == text


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("data: one\ndata:two\n\n", [("message", "", "one\ntwo")]),
        ("data:  two blanks\n\n", [("message", "", " two blanks")]),
        ("data\n\n", [("message", "", "")]),
        (": a comment\nunknown: x\n\n", [("message", "", "")]),
        ("id: 1\ndata: a\n\ndata: b\n\n", [("message", "1", "a"), ("message", "1", "b")]),
        ("id: 1\n\nid\ndata: b\n\n", [("message", "1", ""), ("message", "", "b")]),
        ("id: 1\0\ndata: a\n\n", [("message", "", "a")]),
        ("event: x\n\ndata: a\n\n", [("x", "", ""), ("message", "", "a")]),
        ("data: cut off\n", []),
    ],
)
def test_a_stream_is_read_as_the_standard_says(text: str, events: list[tuple[str, str, str]]) -> None:
    assert [tuple(event) for event in read(text.split("\n")[:-1])] == events
