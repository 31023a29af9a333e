"""What a window of a ring's newest statuses says of a late message, and when it leaves the answer to a search."""

from __future__ import annotations

import pytest

from evd.model.connectivity import SIGFOX, WLAN
from evd.store.sqlite.frame_counts import Neighbours
from evd.store.sqlite.ring_window import Window

ROWS = [
    (10, 1, "a", SIGFOX, ""),
    (20, 2, "b", SIGFOX, ""),
    (20, 2, "c", SIGFOX, "alone"),
    (20, 5, "d", WLAN, ""),
    (30, 6, "e", SIGFOX, ""),
]
WHOLE, PART = Window(0, ROWS), Window(7, ROWS)


@pytest.mark.parametrize(
    ("time", "seq", "whole", "part"),
    [
        pytest.param(5, 0, 0, -1, id="below all: a part does not say how far"),
        pytest.param(10, 1, 1, 8, id="as the lowest"),
        pytest.param(15, 9, 1, 8, id="between two"),
        pytest.param(20, 2, 3, 10, id="above its equals"),
        pytest.param(20, 3, 3, 10, id="of an equal time, by its seqNumber"),
        pytest.param(30, 5, 4, 11, id="of the newest time, with a lower seqNumber"),
        pytest.param(31, 0, 5, 12, id="newest"),
    ],
)
def test_a_message_goes_above_those_that_do_not_rank_above_it(time: int, seq: int, whole: int, part: int) -> None:
    assert (WHOLE.index_of(time, seq), PART.index_of(time, seq)) == (whole, part)


@pytest.mark.parametrize(
    ("time", "seq", "whole", "part"),
    [
        pytest.param(15, 1, [], [], id="none"),
        pytest.param(20, 2, ["b", "c"], ["b", "c"], id="two"),
        pytest.param(10, 1, ["a"], None, id="the lowest: below a part there may be more"),
    ],
)
def test_equals_are_known_where_the_window_shows_the_status_below_them(
    time: int, seq: int, whole: list[str], part: list[str] | None
) -> None:
    for window, expected in ((WHOLE, whole), (PART, part)):
        equals = window.equals(time, seq, window.index_of(time, seq))
        assert (None if equals is None else [row[2] for row in equals]) == expected


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        pytest.param(7, None, id="nothing before it in the window"),
        pytest.param(8, Neighbours((10, 1), (20, 2)), id="between two frames"),
        pytest.param(10, Neighbours((20, 2), (30, 6)), id="WLAN has no frames"),
        pytest.param(12, Neighbours((30, 6), None), id="behind the newest"),
    ],
)
def test_the_frames_around_a_place(index: int, expected: Neighbours | None) -> None:
    assert PART.neighbours(index) == expected
