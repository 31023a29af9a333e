"""How many wrong passwords may be tried, and what is no guess."""

from __future__ import annotations

from guessing import let_through
from turned_clock import TurnedClock

from evd.auth.password_guesses import ADDRESS_AT_ONCE, PAIR_AT_ONCE, PAIR_PER_S, USER_AT_ONCE, PasswordGuesses


def test_guesses_at_a_user_from_an_address_are_few_and_then_slow() -> None:
    clock = TurnedClock()
    guesses = PasswordGuesses(clock)
    assert let_through(guesses.attempt, [("anna", "192.0.2.1")] * 50) == PAIR_AT_ONCE
    clock.now += round(1000 / PAIR_PER_S) + 1
    assert let_through(guesses.attempt, [("anna", "192.0.2.1")] * 5) == 1
    assert let_through(guesses.attempt, [("anna", "192.0.2.2")]) == 1, "another address has its own"


def test_guesses_from_an_address_are_bounded_whoever_is_tried() -> None:
    guesses = PasswordGuesses(TurnedClock())
    assert let_through(guesses.attempt, [(f"u{number}", "192.0.2.1") for number in range(100)]) == ADDRESS_AT_ONCE
    of_one_network = [(f"u{number}", f"2001:db8::{number:x}") for number in range(100)]
    assert let_through(guesses.attempt, of_one_network) == ADDRESS_AT_ONCE, "an IPv6 client has a whole /64"


def test_guesses_at_a_user_are_bounded_from_everywhere_but_lock_out_no_familiar_address() -> None:
    guesses = PasswordGuesses(TurnedClock())
    guesses.attempt("anna", "198.51.100.1")
    guesses.right("anna", "198.51.100.1")
    botnet = [("anna", f"203.0.{number // 250}.{number % 250}") for number in range(500)]
    assert let_through(guesses.attempt, botnet) == USER_AT_ONCE
    assert let_through(guesses.attempt, [("anna", "198.51.100.2")]) == 0
    assert let_through(guesses.attempt, [("anna", "198.51.100.1")]) == 1


def test_what_was_not_checked_is_no_guess() -> None:
    guesses = PasswordGuesses(TurnedClock())
    for _ in range(2 * PAIR_AT_ONCE):
        guesses.attempt("anna", "192.0.2.1")
        guesses.unchecked("anna", "192.0.2.1")


def test_right_passwords_are_no_guesses() -> None:
    guesses = PasswordGuesses(TurnedClock())
    for _ in range(3 * ADDRESS_AT_ONCE):
        guesses.attempt("anna", "192.0.2.1")
        guesses.right("anna", "192.0.2.1")
