"""Messages: spliced from a shape, they are what firebase-admin writes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import GiveUp
from evd.push.protocols import STATE, Push
from evd.push.providers.fcm.message import PARTS, MessageShape, encode, message_of, template_of

DOCUMENT = '{"vehicleId": "386625", "location": "Plzeň"}'


def push(**changes: Any) -> Push:
    arguments: dict[str, Any] = {
        "target_kind": "token",
        "target": "phone",
        "what": STATE,
        "event_id": "s1",
        "time_ms": 1_700_000_000_000,
        "serialized": DOCUMENT,
        "ttl_s": 60,
        "priority": "normal",
        **changes,
    }
    return Push(**arguments)


def event(**changes: Any) -> Push:
    return push(what="target_reached", title="Charged", body="80 % at home", ttl_s=14_400, priority="high", **changes)


STATE_DATA = {"serialized": DOCUMENT, "event_id": "s1", "time": "1700000000000"}


@pytest.mark.parametrize(
    ("given_push", "message"),
    [
        (
            push(package="com.martin.carcharge"),
            {
                "token": "phone",
                "data": STATE_DATA,
                "android": {"ttl": "60s", "priority": "normal", "restricted_package_name": "com.martin.carcharge"},
            },
        ),
        (
            push(target_kind="fid", ttl_s=0, collapse_key="386625"),
            {
                "fid": "phone",
                "data": STATE_DATA,
                "android": {"ttl": "0s", "priority": "normal", "collapse_key": "386625"},
            },
        ),
        (
            event(),
            {
                "token": "phone",
                "data": {**STATE_DATA, "event": "target_reached", "title": "Charged", "body": "80 % at home"},
                "notification": {"title": "Charged", "body": "80 % at home"},
                "android": {"ttl": "14400s", "priority": "high", "notification": {"tag": "s1"}},
            },
        ),
    ],
    ids=["a state, for the original's app", "a state, for an installation", "an event"],
)
def test_a_push_is_a_message(given_push: Push, message: dict[str, Any]) -> None:
    assert json.loads(encode(given_push)) == {"message": message}


MARKS = [f"<{name}>" for name in PARTS] + [f'"<{name}>"' for name in PARTS]
TEXTS = st.text(max_size=30) | st.sampled_from([*MARKS, '"', "\\", "\0", "\x1f\x7f", "\u2028", "🚗", "{}", ""])
PUSHES = st.builds(
    Push,
    target_kind=st.sampled_from(["token", "fid"]),
    target=TEXTS.filter(bool),
    what=st.just(STATE) | TEXTS,
    event_id=TEXTS,
    time_ms=st.integers(0, 2**53),
    serialized=TEXTS,
    ttl_s=st.integers(0, 2_419_200),
    priority=st.sampled_from(["normal", "high"]),
    collapse_key=st.none() | TEXTS,
    package=st.none() | TEXTS,
    title=TEXTS,
    body=TEXTS,
)


@given(PUSHES)
def test_whatever_its_texts_are_it_is_what_firebase_admin_writes(given_push: Push) -> None:
    shape = MessageShape(
        given_push.target_kind,
        given_push.ttl_s,
        given_push.priority,
        given_push.what == STATE,
        bool(given_push.collapse_key),
        bool(given_push.package),
    )
    texts = [part(given_push) for part in PARTS.values()]
    assert json.loads(encode(given_push)) == {"message": json.loads(str(message_of(shape, *texts)))}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"target": ""}, "its target is empty"),
        ({"ttl_s": -1}, "ttl must not be negative"),
        ({"ttl_s": 10**15}, "cannot be written"),
        ({"priority": "urgent"}, "priority must be"),
        ({"serialized": "\ud800"}, "surrogates"),
    ],
)
def test_what_cannot_be_a_message_is_given_up(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(GiveUp, match=says) as caught:
        encode(push(**changes))
    assert str(caught.value).startswith("Push s1 cannot be written as an FCM message: ")


def test_a_shape_is_written_once() -> None:
    encode(push(ttl_s=61))
    before = template_of.cache_info()
    for number in range(10):
        encode(push(ttl_s=61, target=f"phone-{number}", event_id=f"s{number}", collapse_key="", package=""))
    after = template_of.cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (10, 0)
