"""Emulators of Firebase are for development only, and Firestore's and Cloud Storage's go together."""

from __future__ import annotations

import pytest

from evd.errors import ConfigError
from evd.firebase.emulators import FIRESTORE, STORAGE, refuse_emulators, require_both_or_none


@pytest.mark.parametrize(("name", "service"), [(FIRESTORE, "Firestore"), (STORAGE, "Cloud Storage")])
def test_an_emulator_is_refused_unless_it_is_for_development(name: str, service: str) -> None:
    env = {name: "localhost:9"}
    with pytest.raises(ConfigError, match=rf"{name} is set, .*{service}: .* use `evd serve --dev`"):
        refuse_emulators(env, "evd serve --dev", dev=False)
    refuse_emulators(env, "evd serve --dev", dev=True)
    refuse_emulators({name: "", "FIREBASE_AUTH_EMULATOR_HOST": "x"}, "evd serve --dev", dev=False)


@pytest.mark.parametrize(
    ("env", "is_right"),
    [
        ({}, True),
        ({FIRESTORE: "a", STORAGE: "b"}, True),
        ({FIRESTORE: "", STORAGE: ""}, True),
        ({FIRESTORE: "a"}, False),
        ({STORAGE: "b", FIRESTORE: ""}, False),
    ],
)
def test_a_real_account_is_shown_to_no_service_beside_an_emulator(env: dict[str, str], is_right: bool) -> None:
    if is_right:
        require_both_or_none(env)
        return
    with pytest.raises(ConfigError, match="belong together"):
        require_both_or_none(env)
