"""Codes of invitations: their form, and how many wrong ones may be sent."""

from __future__ import annotations

import pytest
from guessing import let_through
from turned_clock import TurnedClock

from evd.auth.invitations import ADDRESS_AT_ONCE, GUESSES_AT_ONCE, GUESSES_PER_S, CodeGuesses, code_of, new_code
from evd.auth.secret_texts import digest_of, new_secret_text


def test_a_code_is_read_as_it_was_made_also_with_blanks_around_it() -> None:
    code = new_code()
    assert code.digest == digest_of(code.text) and code.invitation_id in code.text
    assert code_of(code.text) == code_of(f"\t{code.text} \n") == code


@pytest.mark.parametrize(
    "text",
    ["", "x", new_code().text[:-1], new_secret_text("token"), new_code().text + "x"],
    ids=["none", "a letter", "cut off", "a token", "with a letter more"],
)
def test_what_was_mistyped_is_no_code(text: str) -> None:
    assert code_of(text) is None


def test_a_user_may_try_so_many_codes_wherever_from_and_then_slowly() -> None:
    clock = TurnedClock()
    guesses = CodeGuesses(clock)
    assert let_through(guesses.attempt, [("anna", f"192.0.2.{number}") for number in range(50)]) == GUESSES_AT_ONCE
    clock.now += round(1000 / GUESSES_PER_S)
    assert let_through(guesses.attempt, [("anna", "192.0.2.1")] * 5) == 1


def test_an_address_may_try_so_many_codes_whoever_sends_them() -> None:
    tries = [(f"u{number}", f"2001:db8::{number:x}") for number in range(2 * ADDRESS_AT_ONCE)]
    guesses, by_socket = (CodeGuesses(TurnedClock()) for _ in range(2))
    assert let_through(guesses.attempt, tries) == ADDRESS_AT_ONCE, "an IPv6 client has a whole /64"
    assert let_through(by_socket.attempt, [(uid, "") for uid, _ in tries]) == len(tries), "the control socket"


def test_a_refused_attempt_counts_for_nobody() -> None:
    guesses = CodeGuesses(TurnedClock())
    let_through(guesses.attempt, [("anna", "192.0.2.1")] * 200)
    assert let_through(guesses.attempt, [("ben", "192.0.2.1")] * 50) == GUESSES_AT_ONCE


def test_right_codes_are_no_guesses() -> None:
    guesses = CodeGuesses(TurnedClock())
    for _ in range(2 * ADDRESS_AT_ONCE):
        guesses.attempt("anna", "192.0.2.1")
        guesses.right("anna", "192.0.2.1")
