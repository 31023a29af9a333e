"""How many wrong secrets an address may send: the burst, the pace after it, and what is forgotten."""

from __future__ import annotations

import pytest
from turned_clock import TurnedClock

from evd.auth import guess_limit
from evd.auth.guess_limit import GuessLimit


def limit(clock: TurnedClock) -> GuessLimit:
    return GuessLimit(clock, at_once=3, per_s=0.5)


def test_after_the_burst_a_guess_waits_its_share_of_time() -> None:
    clock = TurnedClock()
    guesses = limit(clock)
    waits = []
    for _ in range(4):
        waits.append(guesses.wait_s("a"))
        guesses.wrong("a")
    assert waits == [0, 0, 0, 2]
    assert guesses.wait_s("b") == 0
    clock.now += 1_999
    assert guesses.wait_s("a") == 1
    clock.now += 1
    assert guesses.wait_s("a") == 0
    guesses.wrong("a")
    assert guesses.wait_s("a") == 2


def test_wrong_guesses_while_an_address_waits_make_it_wait_no_longer() -> None:
    guesses = limit(TurnedClock())
    for _ in range(100):
        guesses.wrong("a")
    assert guesses.wait_s("a") == 2


def test_a_right_guess_takes_one_back_and_never_more_than_was_counted() -> None:
    guesses = limit(TurnedClock())
    for _ in range(5):
        guesses.right("a")
    for _ in range(3):
        guesses.wrong("a")
    assert guesses.wait_s("a") == 2
    guesses.right("a")
    assert guesses.wait_s("a") == 0


def test_a_clock_that_goes_back_frees_nobody_and_locks_nobody_out() -> None:
    clock = TurnedClock()
    guesses = limit(clock)
    for _ in range(3):
        guesses.wrong("a")
    clock.now -= 3_600_000
    assert guesses.wait_s("a") == 2


def test_addresses_are_bounded_and_the_one_that_was_wrong_the_longest_ago_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guess_limit, "ADDRESSES_MAX", 2)
    guesses = limit(TurnedClock())
    for address in ("a", "b", "a", "c"):
        for _ in range(3):
            guesses.wrong(address)
    assert [guesses.wait_s(address) for address in "abc"] == [2, 0, 2]
