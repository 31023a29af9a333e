"""Signatures in the form of Standard Webhooks, beside its reference library."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from evd.errors import ConfigError
from evd.net.client.signature import Signer, new_secret

SETTING = "push.webhook_secret"


@given(st.binary(min_size=24, max_size=64), st.text(min_size=1), st.integers(0, 2**32), st.text())
def test_a_signature_is_that_of_the_reference_library(key: bytes, name: str, at: int, body: str) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    expected = Webhook(secret).sign(name, datetime.fromtimestamp(at, UTC), body)
    assert Signer(secret, setting=SETTING).sign(name, at, body.encode()) == expected


def test_a_new_secret_signs_and_is_no_other_one() -> None:
    first, second = new_secret(), new_secret()
    assert first.startswith("whsec_")
    assert Signer(first, setting=SETTING).sign("a", 1, b"") != Signer(second, setting=SETTING).sign("a", 1, b"")


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_kurz", "whsec_" + "A" * 28, "whsec_" + "A" * 92, "whsec_" + "Ä" * 40, "correct horse"],
)
def test_a_bad_secret_is_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Signer(secret, setting=SETTING)
    assert str(caught.value).startswith("push.webhook_secret is no secret: write whsec_ and 24 to 64 bytes in base64")
    assert len(secret) < 7 or secret.removeprefix("whsec_") not in str(caught.value)
