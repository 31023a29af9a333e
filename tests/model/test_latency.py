"""How long something takes: what is summed, and what whoever looks takes away."""

from __future__ import annotations

from evd.model.latency import Latency


def test_the_sum_stays_and_the_longest_is_taken() -> None:
    latency = Latency()
    for duration_s in (0.5, 2.0, -30.0):
        latency.note(duration_s)
    assert (latency.count, latency.sum_s) == (3, 2.5)
    assert latency.take_worst_s() == 2.0
    assert latency.take_worst_s() == 0.0
    latency.note(0.25)
    assert (latency.count, latency.take_worst_s()) == (4, 0.25)
