"""The walk: when a page is due, where it goes on, and that what was forgotten has it begin anew."""

from __future__ import annotations

from evd.events.walk import PAGE, REST, WALK_EVERY_S, Walk

FULL = [f"{number:04X}" for number in range(PAGE)]


def test_pages_follow_each_other_with_rests_until_one_is_not_full() -> None:
    walk = Walk()
    assert walk.is_due(100.0) and not walk.behind
    walk.begin_page()
    walk.end_page(FULL, 100.0, 100.5)
    assert (walk.after, walk.finished, walk.behind) == (FULL[-1], 0, True)
    assert not walk.is_due(100.5 + REST * 0.5 - 0.01) and walk.is_due(100.5 + REST * 0.5)
    walk.begin_page()
    walk.end_page(["FFFF"], 103.0, 103.5)
    assert (walk.after, walk.finished, walk.behind) == ("", 1, False)
    assert not walk.is_due(103.5 + WALK_EVERY_S - 0.01) and walk.is_due(103.5 + WALK_EVERY_S)


def test_what_is_forgotten_between_walks_begins_the_next_one_at_once() -> None:
    walk = Walk()
    walk.end_page([], 0.0, 0.0)
    assert not walk.is_due(1.0)
    walk.forgot = True
    assert walk.behind and walk.is_due(1.0)
    walk.begin_page()
    assert not walk.forgot, "this walk finds it"


def test_what_is_forgotten_during_a_walk_is_found_by_the_one_after_it() -> None:
    walk = Walk()
    walk.end_page(FULL, 0.0, 0.0)
    walk.forgot = True
    walk.begin_page()
    walk.end_page(["FFFF"], 1.0, 1.0)
    assert walk.forgot and walk.is_due(1.0)


def test_a_page_that_could_not_be_read_is_tried_again_where_it_was() -> None:
    walk = Walk()
    walk.end_page(FULL, 0.0, 0.0)
    walk.failed(again_at_s=5.0)
    assert (walk.after, walk.is_due(4.9), walk.is_due(5.0)) == (FULL[-1], False, True)
