"""Passwords: how they are hashed, which are taken, and how many may be guessed."""

from __future__ import annotations

import argon2
import pytest
import trio

from evd.auth import passwords as subject
from evd.auth.passwords import PASSWORD_MAX_BYTES, WAITING_MAX, Passwords
from evd.errors import BadRequest, Unavailable

GOOD = "correct horse battery"


async def test_a_hash_has_owasp_s_parameters_and_a_salt_of_its_own() -> None:
    passwords = Passwords(2)
    one, other = await passwords.hash(GOOD), await passwords.hash(GOOD)
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and one != other and GOOD not in one
    assert await passwords.is_right(one, GOOD) and await passwords.is_right(other, GOOD)
    assert not await passwords.is_right(one, GOOD + " ")
    assert not passwords.is_outdated(one)


async def test_a_user_who_does_not_exist_has_no_right_password_and_costs_as_much() -> None:
    computed = []
    passwords = Passwords(1)
    await passwords.is_right(None, GOOD)  # makes the dummy
    matches = subject._matches
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "_matches", lambda kept, text: computed.append(kept) or matches(kept, text))
        assert not await passwords.is_right(None, GOOD)
    assert computed[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_hash_with_other_parameters_is_still_right_and_outdated() -> None:
    old = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(GOOD)
    assert await Passwords(1).is_right(old, GOOD) and Passwords(1).is_outdated(old)


@pytest.mark.parametrize("kept", ["", "$argon2id$", "plain", "$2b$12$abcdefghijklmnopqrstuv"])
async def test_what_is_no_hash_is_nobody_s_password(kept: str) -> None:
    assert not await Passwords(1).is_right(kept or "x", GOOD) and not Passwords(1).is_outdated(kept)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short-one", "too short"),
        ("x" * (PASSWORD_MAX_BYTES + 1), "too long"),
        ("ä" * 513, "too long"),
        ("a" * 9 + "\n", "control"),
    ],
)
async def test_a_password_that_is_refused_is_not_quoted(password: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why) as refused:
        await Passwords(1).hash(password)
    assert password not in str(refused.value)


async def test_a_password_is_the_same_however_a_keyboard_composes_it() -> None:
    passwords = Passwords(1)
    assert await passwords.is_right(await passwords.hash("Zürich-Ofen"), "Zu\u0308rich-Ofen")
    assert await passwords.is_right(await passwords.hash("x" * PASSWORD_MAX_BYTES), "x" * PASSWORD_MAX_BYTES)
    assert not await passwords.is_right(await passwords.hash(GOOD), "x" * (PASSWORD_MAX_BYTES + 1))


async def test_a_crowd_is_turned_away_instead_of_waiting() -> None:
    passwords = Passwords(1)
    kept = await passwords.hash(GOOD)
    await passwords.is_right(kept, GOOD)
    answers: list[bool | str] = []

    async def ask() -> None:
        try:
            answers.append(await passwords.is_right(kept, GOOD))
        except Unavailable:
            answers.append("busy")

    async with trio.open_nursery() as nursery:
        for _ in range(WAITING_MAX + 5):
            nursery.start_soon(ask)
    assert answers.count("busy") == 4 and answers.count(True) == WAITING_MAX + 1
