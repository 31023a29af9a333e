"""SIGINT and SIGTERM during a command's work: the first is noted, the second ends it at once."""

from __future__ import annotations

import signal

import pytest

from evd.cli.interruption import Interruption

BOTH = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("first", BOTH)
@pytest.mark.parametrize("second", BOTH)
def test_the_first_signal_is_noted_and_the_second_ends_the_work(first: signal.Signals, second: signal.Signals) -> None:
    before = [signal.getsignal(number) for number in BOTH]
    interruption = Interruption()
    with pytest.raises(KeyboardInterrupt), interruption.watched():
        assert not interruption.noted
        signal.raise_signal(first)
        assert interruption.noted
        signal.raise_signal(second)
    assert [signal.getsignal(number) for number in BOTH] == before, "afterwards signals do what they did"
