"""Which Firebase project evd uses, and by whose right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google_identity import PROJECT, Google

from evd.config.loading import load
from evd.errors import ConfigError
from evd.firebase.access import FirebaseAccess, firebase_access
from evd.firebase.emulators import FIRESTORE


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Any:
    one = Google()
    yield one.service_account(tmp_path_factory.mktemp("account"))
    one.close()


def access(env: dict[str, str], **settings: Any) -> FirebaseAccess:
    given = {name.replace("__", "."): value for name, value in settings.items()}
    return firebase_access(load(None, {}, given), env)


def test_the_project_is_the_service_account_s_unless_the_settings_name_one(account: Path) -> None:
    found = access({}, push__credentials=str(account))
    assert (found.project, found.credentials, found.bucket) == (PROJECT, account, f"{PROJECT}.appspot.com")
    named = access({}, push__credentials=str(account), app__firebase_project="other", firebase__bucket="pictures")
    assert (named.project, named.bucket) == ("other", "pictures")


def test_an_emulator_is_given_no_token(account: Path) -> None:
    env = {FIRESTORE: "localhost:9"}
    assert access(env, push__credentials=str(account)).credentials is None
    assert access(env, app__firebase_project="demo").project == "demo"


def test_what_is_missing_is_said() -> None:
    with pytest.raises(ConfigError, match=r"set push\.credentials to its JSON file"):
        access({}, app__firebase_project="demo")
    with pytest.raises(ConfigError, match=r"app\.firebase_project is empty"):
        access({FIRESTORE: "localhost:9"})
