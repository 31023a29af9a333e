"""The operator's pause, and since when nothing keeps pushes back."""

from __future__ import annotations

from math import inf

from evd.push.operator_pause import OperatorPause


def test_only_the_end_of_a_pause_is_one() -> None:
    pause = OperatorPause(lambda: 0.0)
    assert [pause.hold(held) for held in (False, True, True, False, False)] == [False, False, False, True, False]


def test_a_pause_may_begin_before_there_is_a_clock() -> None:
    """The daemon knows of one from its database, before trio runs."""

    def no_clock() -> float:
        raise RuntimeError

    pause = OperatorPause(no_clock)
    pause.hold(True)
    assert pause.held


def test_time_is_free_since_the_start_the_end_of_the_pause_or_the_last_refusal() -> None:
    times = iter([100.0, 130.0, 130.0, 160.0, 165.0])
    pause = OperatorPause(lambda: next(times))
    pause.begin()
    assert (pause.free_s(-inf), pause.free_s(120.0)) == (30, 10)
    pause.hold(True)
    assert pause.free_s(-inf) == 0
    pause.hold(False)
    assert pause.free_s(120.0) == 5
