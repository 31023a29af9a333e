"""Which names mark a secret: certainly, in doubt, never; however the name is written."""

from __future__ import annotations

import pytest
from secret_samples import CERTAIN, DOUBTFUL, HARMLESS

from evd.model.measures import MEASURES
from evd.redaction.names import ALWAYS, NAME_MAX, UNFOLDED_MAX, from_length, is_suspect
from evd.sigfox.kinds.registry import VARIABLES


@pytest.mark.parametrize("name", CERTAIN)
def test_some_names_are_a_secrets_always(name: str) -> None:
    assert from_length(name) == ALWAYS
    assert is_suspect(name)


@pytest.mark.parametrize("name", DOUBTFUL)
def test_some_names_are_a_secrets_where_a_doubt_is_enough(name: str) -> None:
    assert from_length(name) != ALWAYS
    assert is_suspect(name)


@pytest.mark.parametrize("name", [*HARMLESS, *sorted(VARIABLES - {"key"}), *MEASURES])
def test_a_vehicles_and_sigfoxs_names_are_no_secrets(name: str) -> None:
    assert from_length(name) is None
    assert not is_suspect(name)


@pytest.mark.parametrize(
    "name", ["\\u006bey", "k\\u0065y", "\\u004bEY", "%6bey", "k%2565y", "\\\\u006bey", "k\\u00256\\u0035y"]
)
def test_a_name_is_known_through_its_encodings(name: str) -> None:
    assert from_length(name) == ALWAYS


@pytest.mark.parametrize(
    ("name", "length"),
    [("code", 16), ("lastCode", 16), ("pin", 8), ("user_pass", 8), ("pw", 1), ("otp2", 1), ("code_of_key_fob", None)],
)
def test_a_last_word_says_from_how_many_characters_on_its_text_is_a_secret(name: str, length: int | None) -> None:
    assert from_length(name) == length


def test_only_the_end_of_an_endless_name_is_examined() -> None:
    assert from_length("x" * 100_000 + "_token") == ALWAYS
    assert not is_suspect("token" + "_x" * (NAME_MAX // 2))


def test_a_name_is_read_through_as_many_encodings_as_parsers_may_remove_and_no_more() -> None:
    name = "key"
    for _ in range(UNFOLDED_MAX):
        name = "%" + "%".join(f"{byte:02x}" for byte in name.encode())
        assert from_length(name) == ALWAYS
    assert from_length("%" + "%".join(f"{byte:02x}" for byte in name.encode())) is None
