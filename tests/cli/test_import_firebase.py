"""`evd import firebase` against an emulator: owners and profiles, repeatable, with reasons for what is skipped."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, init, run_evd, running_daemon
from firebase_emulators import Emulator, firestore_emulator, put_file, put_users, storage_emulator
from PIL import Image

PROJECT = "demo-evd"
USERS: dict[str, Any] = {
    "anna": {
        "vehicles": {
            "00386625": {
                "id": "00386625",
                "name": "Zoe",
                "regNumber": "1AB 2345",
                "maxVoltage": 230,
                "imageFilename": "zoe.png",
            },
            "386626": {"id": "386626", "name": "", "regNumber": "", "maxVoltage": 0, "imageFilename": "text.jpg"},
        },
        "language": "sk",
    },
    "ben": {"vehicles": {"386626": {"id": "386626", "name": "Leaf", "maxVoltage": -1, "imageFilename": "gone.jpg"}}},
    "carl": {"language": "en"},
    "dora": {"vehicles": {"386627": {"id": "386628"}}},
}


BUCKET = f"{PROJECT}.appspot.com"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with firestore_emulator() as one:
        put_users(one, PROJECT, USERS)
        yield one


@pytest.fixture(scope="module")
def files() -> Iterator[Emulator]:
    """Cloud Storage."""
    drawn = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(drawn, "PNG")
    with storage_emulator(BUCKET) as one:
        put_file(one, BUCKET, "user_files/anna/media/zoe.png", drawn.getvalue())
        put_file(one, BUCKET, "user_files/anna/media/text.jpg", b"no picture")
        yield one


def test_pictures_move_in_from_cloud_storage(emulator: Emulator, files: Emulator, tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        found = imported(emulator, daemon.directory, files=files)
        assert found["tables"]["images"] == {"read": 3, "new": 1, "known": 0, "too_old": 0}
        said = {one["reason"]: one["example"]["detail"] for one in found["skipped"]}
        assert "user_files/ben/media/gone.jpg" in said["picture is not in Cloud Storage"]
        assert "picture refused" in said
        picture = httpx.get(f"{daemon.url}/api/v1/vehicles/386625/image", headers={"x-api-key": daemon.keys["admin"]})
        assert Image.open(io.BytesIO(picture.content)).size == (40, 30)
        assert imported(emulator, daemon.directory, files=files)["tables"]["images"]["known"] == 1


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("daemon") / "evd") as one:
        yield one


def imported(emulator: Emulator, directory: Path, *more: str, files: Emulator | None = None) -> Any:
    env = {**emulator.env, **(files.env if files else {}), "EVD_APP__FIREBASE_PROJECT": PROJECT}
    without = () if files else ("--no-images",)
    done = run_evd("import", "firebase", "--dev", "--json", "--dir", directory, *without, *more, env=env)
    assert done.returncode == 6, f"some users are skipped: {done.stderr}"
    return json.loads(done.stdout)


def test_owners_and_profiles_move_in_once(daemon: RunningDaemon, emulator: Emulator) -> None:
    with httpx.Client(base_url=f"{daemon.url}/api/v1", headers={"x-api-key": daemon.keys["admin"]}) as admin:
        assert_moved(daemon, emulator, admin)


def assert_moved(daemon: RunningDaemon, emulator: Emulator, admin: httpx.Client) -> None:
    tried = imported(emulator, daemon.directory, "--dry-run")
    assert (tried["users"], tried["tables"]["owners"]["readable"], admin.get("/owners").json()) == (4, 3, [])
    admin.post("/owners", json={"uid": "anna", "vehicle": "386625"}).raise_for_status()
    admin.patch("/vehicles/386625/profile", json={"name": "Renault", "zone": "Europe/Prague"}).raise_for_status()
    found = imported(emulator, daemon.directory)
    assert found["tables"] == {
        "owners": {"read": 3, "new": 2, "known": 1, "too_old": 0},
        "profiles": {"read": 2, "new": 2, "known": 0, "too_old": 0},
    }
    assert {one["reason"]: one["example"]["document"] for one in found["skipped"]} == {
        "invalid maxVoltage": "users/ben: vehicles.386626",
        "user without vehicles": "users/carl",
        "invalid vehicle id": "users/dora: vehicles.386627",
    }
    profile = admin.get("/vehicles/386625/profile").json()
    assert (profile["name"], profile["regNumber"], profile["maxVoltage"]) == ("Renault", "1AB 2345", 230)
    owners = {(row["uid"], row["vehicle"]) for row in admin.get("/owners").json()}
    assert owners == {("anna", "386625"), ("anna", "386626"), ("ben", "386626")}
    again = imported(emulator, daemon.directory)["tables"]
    assert [again[name]["known"] for name in again] == [3, 2] and {again[name]["new"] for name in again} == {0}


def test_without_a_daemon_and_for_people(emulator: Emulator, tmp_path: Path) -> None:
    init(tmp_path / "evd")
    env = {**emulator.env, "EVD_APP__FIREBASE_PROJECT": PROJECT}
    done = run_evd("import", "firebase", "--dev", "--no-images", "--dir", tmp_path / "evd", env=env)
    assert done.stdout.splitlines() == [
        "4 users read",
        "owners: 3 read, 3 new, 0 known",
        "profiles: 2 read, 2 new, 0 known",
    ]
    assert "1 skipped: user without vehicles; the first in users/carl: there is nothing to import" in done.stderr


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, "Firestore needs a service account: set push.credentials"),
        ({"FIRESTORE_EMULATOR_HOST": "127.0.0.1:9"}, "FIRESTORE_EMULATOR_HOST is set, so an emulator would be used"),
        ({"STORAGE_EMULATOR_HOST": "http://127.0.0.1:9"}, "STORAGE_EMULATOR_HOST is set, so an emulator would be used"),
        ({"EVD_PUSH__CREDENTIALS": "/nowhere/fcm.json"}, "push.credentials: cannot read /nowhere/fcm.json"),
    ],
)
def test_what_it_needs_is_said_in_a_sentence(tmp_path: Path, env: dict[str, str], said: str) -> None:
    init(tmp_path / "evd")
    done = run_evd("import", "firebase", "--dir", tmp_path / "evd", env=env)
    assert done.returncode == 2 and done.stdout == "" and said in done.stderr and "Traceback" not in done.stderr
