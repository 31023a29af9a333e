"""The form of all secrets: what is one, and what is not."""

from __future__ import annotations

import hashlib
import re

import pytest

from evd.auth.secret_texts import _checksum, digest_of, id_in, is_well_formed, new_secret_text

TEXT = new_secret_text("token")
KINDS = frozenset({"token", "session"})


def test_a_new_secret_has_its_form_its_id_and_a_digest_of_all_of_it() -> None:
    assert re.fullmatch(r"evd_token_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}", TEXT)
    assert is_well_formed(TEXT, KINDS) and TEXT.startswith(f"evd_token_{id_in(TEXT)}_")
    assert digest_of(TEXT) == hashlib.sha256(TEXT.encode()).digest()
    assert new_secret_text("token") != TEXT


def test_a_known_secret_stays_well_formed() -> None:
    """Texts that users hold were made by earlier versions."""
    assert is_well_formed("evd_app_01234567_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg_14esWM", {"app"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "____",
        TEXT[:-1],
        TEXT + "0",
        TEXT + "_",
        TEXT.upper(),
        f" {TEXT}",
        TEXT.replace("token", "session"),  # the checksum is of the kind too
        TEXT.replace("evd", "env"),
        TEXT[:-6] + "ä" * 6,
        *(new_secret_text("token")[:-6] + checksum for checksum in ("000000", TEXT[-6:])),
    ],
    ids=str.__len__,
)
def test_what_is_no_secret(text: str) -> None:
    assert not is_well_formed(text, KINDS)


def test_a_secret_of_another_kind_is_none() -> None:
    assert not is_well_formed(new_secret_text("invitation"), KINDS)


@pytest.mark.parametrize(
    "body",
    [
        f"env_token_{'i' * 8}_{'s' * 43}",
        f"evd_admin_{'i' * 8}_{'s' * 43}",
        f"evd_token_{'i' * 7}_{'s' * 43}",
        f"evd_token_{'i' * 8}_{'s' * 42}",
        f"evd_token_{'i' * 8}_{'s' * 43}_",
    ],
)
def test_a_right_checksum_alone_makes_no_secret(body: str) -> None:
    assert not is_well_formed(f"{body}_{_checksum(body)}", KINDS)
