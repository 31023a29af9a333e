"""The message of a push: the status as its user may see it, by the name that the phone registered with."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from builders import NOW, arrival

from evd.config.settings import Config
from evd.model.coarse import CoarseFor
from evd.model.operations import AddOwner, Register
from evd.model.place_privacy import PlacePrivacy
from evd.push.composer import Composer
from evd.push.delivery import Delivery
from evd.push.providers.fcm.message import encode
from evd.store.sqlite.database import SqliteDatabase

Opener = Callable[..., SqliteDatabase]


VEHICLE = "386625"


KINDS = ("token", "fid", "webhook")


def phone(
    token: str = "t", vehicle: str = VEHICLE, *, uid: str = "anna", at: int = NOW, kind: str = "token"
) -> Register:
    return Register(vehicle, vehicle, token, uid, at, kind)


@pytest.mark.parametrize(
    ("level", "exact_for"), [("nobody", {"anna", "eve", "admin"}), ("viewers", {"anna", "admin"}), ("everyone", set())]
)
def test_a_push_says_the_place_as_its_user_may_see_it(
    open_store: Opener, level: CoarseFor, exact_for: set[str]
) -> None:
    store = open_store()
    fields = b'{"state":1,"location":"48.15213,17.10733"}'
    store.write([AddOwner("anna", VEHICLE, NOW), AddOwner("eve", VEHICLE, NOW, "viewer")])
    store.write([*(phone(uid * 6, uid=uid) for uid in ("anna", "eve", "admin")), arrival(fields=fields)])
    pending = store.due_pushes(KINDS)
    composer, last = Composer(Config(), PlacePrivacy("nobody", [(VEHICLE, level)])), pending.last_of(VEHICLE)
    places = {}
    for one in pending.registrations_of(VEHICLE):
        places[one.uid] = json.loads(composer.compose(Delivery(one, last, None, NOW)).serialized)["location"]
    exact, coarse = "48.15213,17.10733", "48.15,17.11"
    assert places == {uid: exact if uid in exact_for else coarse for uid in ("anna", "eve", "admin")}


@pytest.mark.parametrize(("kind", "other"), [("token", "fid"), ("fid", "token")])
def test_a_phone_is_sent_messages_by_the_name_it_registered_with(open_store: Opener, kind: str, other: str) -> None:
    store = open_store()
    store.write([phone("x" * 22, kind=kind), arrival()])
    pending = store.due_pushes(KINDS)
    (one,) = pending.registrations_of(VEHICLE)
    push = Composer(Config(), PlacePrivacy()).compose(Delivery(one, pending.last_of(VEHICLE), None, NOW))
    message = json.loads(encode(push))["message"]
    assert message[kind] == "x" * 22
    assert other not in message
