"""Which statuses a ring keeps and which it evicts (docs/design.md, promises 3 and 4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.model.retention import Circle, Front, Rank, Verdict, insert, judge, needs_look, shift

T = True  # timely
A = False  # ahead of the server's clock


@pytest.mark.parametrize(
    ("lower", "higher", "because"),
    [
        (Rank(T, 10, 0), Rank(T, 11, 0), "a later time"),
        (Rank(T, 10, 4095), Rank(T, 11, 0), "the time comes before the number, which wraps"),
        (Rank(T, 10, 3), Rank(T, 10, 4), "a higher number at the same time"),
        (Rank(T, 10, -1), Rank(T, 10, 0), "a number is more than none"),
        (Rank(A, 99, 9), Rank(T, 1, 0), "what lies in the future ranks below everything timely"),
        (Rank(A, 98, 0), Rank(A, 99, 0), "among themselves, future ones rank by time"),
    ],
)
def test_the_order_of_a_ring(lower: Rank, higher: Rank, because: str) -> None:
    assert lower < higher, because


@pytest.mark.parametrize(
    ("rank", "newest", "oldest", "full", "expected"),
    [
        pytest.param(Rank(T, 5, 0), None, None, False, Verdict.NEWEST, id="the first"),
        pytest.param(Rank(T, 6, 0), Rank(T, 5, 0), None, False, Verdict.NEWEST, id="newer, room left"),
        pytest.param(Rank(T, 6, 0), Rank(T, 5, 0), None, True, Verdict.NEWEST, id="newer, full"),
        pytest.param(Rank(T, 5, 0), Rank(T, 5, 0), Rank(T, 1, 0), True, Verdict.NEWEST, id="a tie: the later"),
        pytest.param(Rank(T, 4, 0), Rank(T, 5, 0), None, False, Verdict.LATE, id="late, room left"),
        pytest.param(Rank(T, 4, 0), Rank(T, 5, 0), Rank(T, 3, 0), True, Verdict.LATE, id="late, full"),
        pytest.param(Rank(T, 3, 0), Rank(T, 5, 0), Rank(T, 3, 0), True, Verdict.LATE, id="late, ties the oldest"),
        pytest.param(Rank(T, 2, 0), Rank(T, 5, 0), Rank(T, 3, 0), True, Verdict.TOO_OLD, id="older than a full ring"),
        pytest.param(Rank(T, 2, 0), Rank(T, 5, 0), Rank(A, 99, 0), True, Verdict.LATE, id="a future one goes first"),
        pytest.param(Rank(A, 99, 0), Rank(T, 5, 0), None, False, Verdict.AHEAD, id="ahead, room left"),
        pytest.param(Rank(A, 99, 0), Rank(T, 5, 0), Rank(T, 3, 0), True, Verdict.NO_ROOM, id="ahead, full"),
        pytest.param(Rank(A, 99, 0), None, Rank(A, 98, 0), True, Verdict.NO_ROOM, id="ahead, full of such"),
        pytest.param(Rank(T, 5, 0), None, Rank(A, 98, 0), True, Verdict.NEWEST, id="timely, full of future ones"),
    ],
)
def test_what_becomes_of_a_status(
    rank: Rank, newest: Rank | None, oldest: Rank | None, full: bool, expected: Verdict
) -> None:
    outranked = oldest is not None and rank < oldest
    assert judge(rank, newest=newest, full=full, outranked=outranked) is expected


def test_a_duplicate_is_one_whatever_the_ring_holds() -> None:
    for full in (False, True):
        for rank in (Rank(T, 1, 0), Rank(T, 99, 0), Rank(A, 99, 0)):
            assert judge(rank, newest=Rank(T, 5, 0), full=full, duplicate=True) is Verdict.DUPLICATE


def test_only_what_stays_counts_as_kept() -> None:
    assert {verdict for verdict in Verdict if verdict.kept} == {Verdict.NEWEST, Verdict.LATE, Verdict.AHEAD}


@pytest.mark.parametrize(
    ("rank", "newest", "ahead", "look"),
    [
        (Rank(T, 6, 0), Rank(T, 5, 0), False, False),
        (Rank(T, 6, 0), None, False, False),
        (Rank(T, 5, 0), Rank(T, 5, 0), False, True),
        (Rank(T, 4, 0), Rank(T, 5, 0), False, True),
        (Rank(A, 9, 0), None, False, True),
        (Rank(T, 6, 0), Rank(T, 5, 0), True, True),  # it may have come before, when it still lay in the future
    ],
)
def test_a_ring_is_searched_unless_the_status_cannot_be_in_it(
    rank: Rank, newest: Rank | None, ahead: bool, look: bool
) -> None:
    assert needs_look(rank, newest, ahead=ahead) is look


ranks = st.builds(Rank, st.booleans(), st.integers(1, 9), st.integers(-1, 3))


@given(rank=ranks, held=st.lists(ranks, max_size=9), capacity=st.integers(1, 8))
def test_law_a_ring_keeps_exactly_the_highest(rank: Rank, held: list[Rank], capacity: int) -> None:
    held = sorted(held)[-capacity:]
    timely = [one for one in held if one.timely]
    full = len(held) == capacity
    outranked = len([one for one in held if one > rank]) >= capacity
    verdict = judge(rank, newest=timely[-1] if timely else None, full=full, outranked=outranked)
    after = sorted([*held, rank])[-capacity:] if verdict.kept else held
    if rank.timely:
        assert after == sorted([*held, rank])[-capacity:]
    else:
        assert [one for one in after if one.timely] == timely, "a future time never costs a timely status its place"
    assert (verdict is Verdict.NEWEST) == (rank.timely and all(rank >= one for one in timely))


@given(slots=st.integers(1, 7), indexes=st.lists(st.integers(0, 7), max_size=40))
def test_law_the_circle_holds_its_statuses_in_order_wherever_they_are_let_in(slots: int, indexes: list[int]) -> None:
    circle, expected = Circle(slots), list[int]()
    on_disk: dict[int, int] = {}
    for status, wanted in enumerate(indexes):
        index = max(min(wanted, circle.kept), 1 if circle.full else 0)
        moves, slot, after = insert(circle, index)
        assert len(moves) == shift(circle, index) <= circle.slots // 2, "the shorter side moves"
        for come_from, to in moves:
            assert to not in on_disk or (circle.full and to == circle.slot(0)), "only the lowest is written over"
            on_disk[to] = on_disk.pop(come_from)
        assert slot not in on_disk or (circle.full and slot == circle.slot(0))
        on_disk[slot] = status
        expected.insert(index, status)
        expected = expected[-slots:]
        circle = after
        assert circle.kept == len(on_disk) == len(expected)
        assert [on_disk[circle.slot(one)] for one in range(circle.kept)] == expected
        assert circle.slot(circle.kept - 1) == circle.newest


def test_what_comes_in_order_moves_nothing() -> None:
    circle = Circle(3)
    slots = []
    for _ in range(7):
        moves, slot, circle = insert(circle, circle.kept)
        assert moves == []
        slots.append(slot)
    assert slots == [0, 1, 2, 0, 1, 2, 0]


@given(
    slots=st.integers(1, 5),
    arrivals=st.lists(st.tuples(st.integers(-2, 9) | st.just(-(1 << 63)), st.integers(-1, 3)), max_size=30),
)
def test_law_the_front_says_what_looking_would_say(slots: int, arrivals: list[tuple[int, int]]) -> None:
    """What `append` lets in is what needs no look; it goes where `insert` puts it, and is the last from there on."""
    front = Front(Circle(slots))
    for time, seq in arrivals:
        rank, circle, last = Rank(T, time, seq), front.circle, front.last
        slot = front.append(time, seq)
        if needs_look(rank, last, ahead=False):
            assert (slot, front.circle, front.last) == (-1, circle, last)
            continue
        assert judge(rank, newest=last, full=circle.full) is Verdict.NEWEST
        assert ([], slot, front.circle) == insert(circle, circle.kept)
        assert front.last == rank


@pytest.mark.parametrize("last", [None, Rank(T, 5, -1), Rank(T, -5, 4095)])
def test_a_front_remembers_what_it_is_given(last: Rank | None) -> None:
    front = Front(Circle(3), last)
    assert front.last == last
    front.circle = Circle(4, 2, 1)
    assert (front.circle, front.last) == (Circle(4, 2, 1), last)


@pytest.mark.parametrize(
    ("ring", "because"),
    [
        ({"overflow": 1}, "what falls out may stand beside the circle"),
        ({"overflow": 1, "ahead": True}, "what lay in the future may come again"),
        ({"keep": 2}, "more must fall out"),
        ({"keep": 4}, "nothing may fall out"),
    ],
)
def test_a_front_lets_nothing_in_where_the_ring_is_not_its_circle_alone(ring: dict[str, Any], because: str) -> None:
    assert Front(Circle(3, 2, 1), Rank(T, 5, 0), **ring).append(6, 0) == -1, because


@pytest.mark.parametrize(
    ("circle", "keep", "slots"),
    [
        (Circle(3, 0, -1), 5, 5),
        (Circle(3, 3, 2), 5, 5),
        (Circle(3, 3, 0), 5, 3),  # slot 3 would lie between the newest and the lowest
        (Circle(5, 2, 1), 2, 2),
        (Circle(5, 2, 3), 2, 5),  # a row stands beyond
        (Circle(5, 1, 0), 2, 2),
        (Circle(5, 3, 1), 3, 5),  # round the end
    ],
)
def test_a_circle_gets_its_number_of_slots_where_no_row_must_move(circle: Circle, keep: int, slots: int) -> None:
    front = Front(circle, keep=keep)
    assert front.fit() == (slots != circle.slots)
    assert front.circle == circle._replace(slots=slots)
