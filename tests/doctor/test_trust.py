"""Whom evd believes: keys that are old, too wide or too many, and variables that open it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from doctor_place import examine, settings

from evd.doctor import trust
from evd.store.sqlite.sqlite_library import sqlite3


def age_keys(directory: Path) -> None:
    with sqlite3.connect(str(directory / "evd.db")) as connection:
        connection.execute("UPDATE keys SET created = created - 1000 * 86400 * 1000 WHERE role = 'app'")
    connection.close()


def revoke_keys(directory: Path) -> None:
    with sqlite3.connect(str(directory / "evd.db")) as connection:
        connection.execute("UPDATE keys SET revoked = created")
    connection.close()


@pytest.mark.parametrize(
    ("name", "make", "state", "what"),
    [
        ("keys", lambda directory: (directory / "evd.db").write_text("no database"), "fail", "is no SQLite database"),
        ("keys", age_keys, "warn", "older than 2 years: first (app)"),
        ("keys", revoke_keys, "fail", "there is no key"),
        ("keys", lambda directory: None, "ok", "4 keys are in use"),
        ("user-header", settings("[app]\ntrust_user_header = true\n"), "warn", "insecure"),
    ],
)
def test_a_finding(name: str, make: Callable[[Path], Any], state: str, what: str, directory: Path) -> None:
    make(directory)
    verdict = examine(name, directory)
    assert (verdict.state, what in verdict.what) == (state, True), verdict
    assert bool(verdict.remedy) == (state in ("warn", "fail"))


@pytest.mark.parametrize(("env", "state"), [({}, "ok"), ({"FIREBASE_AUTH_EMULATOR_HOST": "x:1"}, "fail"),
                                            ({"FIRESTORE_EMULATOR_HOST": "x:1"}, "warn")])  # fmt: skip
def test_emulators(env: Mapping[str, str], state: str, directory: Path) -> None:
    assert examine("emulators", directory, env=env).state == state


def key(role: str = "app", **more: Any) -> Any:
    return {"id": "k1", "name": "first", "role": role, "created": 0, "vehicle": None, "revoked": None, **more}


@pytest.mark.parametrize(
    ("living", "state", "what"),
    [
        ([key()], "ok", "1 key is in use"),
        ([key(created=-1)], "warn", "1 key is older than 2 years: first (app)"),
        ([key(created=-1, name="")], "warn", "2 years: k1 (app)"),
        ([key(created=-1, vehicle="A1B2"), key()], "ok", "2 keys are in use"),
        ([key(role="admin,app")], "warn", "first is an administrator's key and has other roles"),
        ([key(role="admin"), key(role="sigfox,app")], "ok", "2 keys are in use"),
        ([key()] * trust.MANY, "ok", "50 keys are in use"),
        ([key()] * (trust.MANY + 1), "warn", "51 keys are good for every vehicle"),
        ([key(vehicle="A1B2")] * (trust.MANY + 1), "ok", "51 keys are in use"),
        ([], "fail", "there is no key"),
    ],
)
def test_keys_that_many_know_are_found_but_not_those_of_one_vehicle(living: Any, state: str, what: str) -> None:
    seen = trust.KeysSeen(living, trust.OLD_DAYS * 86_400_000, "evd key list")
    verdict = trust.judge_keys(seen)
    assert (verdict.state, what in verdict.what) == (state, True), verdict


def test_emulators_that_are_set_to_nothing_are_none(directory: Path) -> None:
    assert examine("emulators", directory, env={"FIREBASE_AUTH_EMULATOR_HOST": ""}).state == "ok"
