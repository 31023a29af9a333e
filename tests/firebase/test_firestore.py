"""Firestore as evd asks it, against emulators: npm's, and at night Google's, which keeps versions and gives pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from firebase_emulators import FIRESTORES, Emulator

from evd.errors import FirebaseAway, FirebaseConflict, FirebaseRefused
from evd.firebase.access import FirebaseAccess
from evd.firebase.documents import UserDocument, UserWrites
from evd.firebase.firestore import Firestore

ACCESS = FirebaseAccess("demo-evd", None, "bucket", 10)
ZOE = {"id": "386625", "name": "Zoe", "regNumber": "", "maxVoltage": 0, "imageFilename": ""}


@pytest.fixture(scope="module", params=["npm", pytest.param("google", marks=pytest.mark.nightly)])
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with FIRESTORES[request.param]() as one:
        yield one


@pytest.fixture
def firestore(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Firestore]:
    monkeypatch.setenv(emulator.variable, emulator.host)
    one = Firestore(ACCESS)
    yield one
    one.close()


def put(firestore: Firestore, uid: str, **fields: Any) -> None:
    firestore._client.document(f"users/{uid}").set(fields)


def kept(firestore: Firestore, path: str) -> Any:
    return firestore._client.document(path).get().to_dict()


def test_users_are_read_and_what_evd_writes_leaves_the_rest(firestore: Firestore) -> None:
    put(firestore, "anna", vehicles={"386625": ZOE, "ab": {"id": "ab"}}, last_logged_in=7)
    put(firestore, "ben", language="sk")
    assert [(user.uid, user.vehicles is None) for user in firestore.page("", 9)] == [("anna", False), ("ben", True)]
    assert firestore.count() == 2
    users = firestore.read(["anna", "nobody", "a/b"])
    assert [*users] == ["anna"] and users["anna"].vehicles["386625"] == ZOE
    status = {"state": 1, "range": 211, "current": 32.5, "advanced": True, "location": "48.1,17.1"}
    firestore.write(UserWrites(users["anna"], {"386625": {"name": "Zoe 2"}}, {"386625": status, "a/b": status}))
    assert kept(firestore, "users/anna") == {
        "vehicles": {"386625": {**ZOE, "name": "Zoe 2"}, "ab": {"id": "ab"}},
        "last_logged_in": 7,
    }
    assert kept(firestore, "users/anna/statuses/386625") == kept(firestore, "users/anna/statuses/a%2Fb") == status
    firestore.write(UserWrites(users["anna"], gone=["386625", "never"]))
    assert kept(firestore, "users/anna/statuses/386625") is None


def test_what_firestore_cannot_keep_is_refused(firestore: Firestore) -> None:
    with pytest.raises(FirebaseRefused, match="no such value"):
        firestore.write(UserWrites(UserDocument("anna", {}), statuses={"386625": {"state": 1 << 70}}))


@pytest.mark.nightly
def test_a_document_that_changed_since_is_not_overwritten(firestore: Firestore, request: Any) -> None:
    if "google" not in request.node.name:
        pytest.skip("npm's emulator keeps no versions")
    put(firestore, "carl", vehicles={"386625": ZOE})
    before = firestore.read(["carl"])["carl"]
    put(firestore, "carl", vehicles={})
    with pytest.raises(FirebaseConflict):
        firestore.write(UserWrites(before, {"386625": {"name": "Zoe 2"}}, {"386625": {"state": 1}}))
    assert kept(firestore, "users/carl") == {"vehicles": {}} and kept(firestore, "users/carl/statuses/386625") is None
    for number in range(5):
        put(firestore, f"dora{number}")
    pages = [firestore.page("carl", 2), firestore.page("dora1", 2), firestore.page("dora3", 2)]
    assert [[user.uid for user in page] for page in pages] == [["dora0", "dora1"], ["dora2", "dora3"], ["dora4"]]


def test_a_firestore_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    firestore = Firestore(ACCESS._replace(timeout_s=1))
    with pytest.raises(FirebaseAway):
        firestore.page("", 1)
    firestore.close()
