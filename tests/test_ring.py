"""Who stays in a ring and who falls out (DESIGN, promises 3 and 4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.ring import TRIM_MAX, Place, Rank, Verdict, needs_look, place

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
    ("rank", "newest", "oldest", "kept", "expected"),
    [
        pytest.param(Rank(T, 5, 0), None, None, 0, Place(Verdict.NEWEST), id="the first"),
        pytest.param(Rank(T, 6, 0), Rank(T, 5, 0), None, 2, Place(Verdict.NEWEST), id="newer, room left"),
        pytest.param(Rank(T, 6, 0), Rank(T, 5, 0), None, 3, Place(Verdict.NEWEST, 1), id="newer, full"),
        pytest.param(Rank(T, 5, 0), Rank(T, 5, 0), Rank(T, 1, 0), 3, Place(Verdict.NEWEST, 1), id="a tie: the later"),
        pytest.param(Rank(T, 4, 0), Rank(T, 5, 0), None, 2, Place(Verdict.LATE), id="late, room left"),
        pytest.param(Rank(T, 4, 0), Rank(T, 5, 0), Rank(T, 3, 0), 3, Place(Verdict.LATE, 1), id="late, full"),
        pytest.param(
            Rank(T, 3, 0), Rank(T, 5, 0), Rank(T, 3, 0), 3, Place(Verdict.LATE, 1), id="late, ties the oldest"
        ),
        pytest.param(
            Rank(T, 2, 0), Rank(T, 5, 0), Rank(T, 3, 0), 3, Place(Verdict.TOO_OLD), id="older than a full ring"
        ),
        pytest.param(
            Rank(T, 2, 0), Rank(T, 5, 0), Rank(A, 99, 0), 3, Place(Verdict.LATE, 1), id="a future one goes first"
        ),
        pytest.param(Rank(A, 99, 0), Rank(T, 5, 0), None, 2, Place(Verdict.AHEAD), id="ahead, room left"),
        pytest.param(Rank(A, 99, 0), Rank(T, 5, 0), Rank(T, 3, 0), 3, Place(Verdict.NO_ROOM), id="ahead, full"),
        pytest.param(Rank(A, 99, 0), None, Rank(A, 98, 0), 3, Place(Verdict.NO_ROOM), id="ahead, full of such"),
        pytest.param(
            Rank(T, 5, 0), None, Rank(A, 98, 0), 3, Place(Verdict.NEWEST, 1), id="timely, full of future ones"
        ),
        pytest.param(Rank(T, 6, 0), Rank(T, 5, 0), None, 8, Place(Verdict.NEWEST, 6), id="the ring was lowered"),
        pytest.param(Rank(T, 6, 0), Rank(T, 5, 0), None, 9999, Place(Verdict.NEWEST, TRIM_MAX), id="lowered by much"),
    ],
)
def test_where_a_status_goes_in_a_ring_of_three(
    rank: Rank, newest: Rank | None, oldest: Rank | None, kept: int, expected: Place
) -> None:
    assert place(rank, newest=newest, kept=kept, capacity=3, oldest=oldest) == expected


def test_a_duplicate_is_one_whatever_the_ring_holds() -> None:
    for kept in (0, 3, 9):
        for rank in (Rank(T, 1, 0), Rank(T, 99, 0), Rank(A, 99, 0)):
            given_place = place(rank, newest=Rank(T, 5, 0), kept=kept, capacity=3, duplicate=True)
            assert given_place == Place(Verdict.DUPLICATE)


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
    placed = place(
        rank,
        newest=timely[-1] if timely else None,
        kept=len(held),
        capacity=capacity,
        oldest=held[0] if len(held) == capacity else None,
    )
    after = sorted([*held, rank])[placed.trim :] if placed.verdict.kept else held
    assert len(after) <= capacity
    if rank.timely:
        assert after == sorted([*held, rank])[-capacity:]
    else:
        assert [one for one in after if one.timely] == timely, "a future time never costs a timely status its place"
    assert (placed.verdict is Verdict.NEWEST) == (rank.timely and all(rank >= one for one in timely))
