"""Sessions and access tokens in memory: a commit counts at once, and uses are handed to the writer."""

from __future__ import annotations

from typing import Any

import pytest
from turned_clock import TurnedClock

from evd.auth.access_tokens import new_token
from evd.auth.identities import Identities
from evd.auth.sessions import SEEN_EVERY_MS, SessionLife, new_session
from evd.errors import Unauthorized, Unavailable
from evd.model.commits import CommitSummary
from evd.model.operations import (
    AddOwner,
    AddToken,
    EndSessions,
    OpenSession,
    Operation,
    RemoveOwner,
    RemoveUser,
    RevokeToken,
    SeeSession,
    SetPassword,
    UseToken,
)

VEHICLE = "1A"
TEXT, TOKEN_ID, DIGEST = new_token()
BEARER = {b"authorization": f"Bearer {TEXT}".encode()}


class Held:
    """Identities with one session and one token of anna's, added by commits, and what they hand to the writer."""

    def __init__(self) -> None:
        self.clock = TurnedClock()
        self.written: list[Operation] = []
        self.cookie, session = new_session("anna", admin=False, at=self.clock())
        self.session_id = session.session_id
        self.identities = Identities(
            [], [], SessionLife(idle_ms=10 * SEEN_EVERY_MS, longest_ms=10**12), clock=self.clock, submit=self.submit
        )
        opened = OpenSession(session.session_id, session.digest, "anna", False, "", "", self.clock())
        scopes, vehicles = frozenset({"ingest"}), frozenset({VEHICLE})
        added = AddToken(TOKEN_ID, DIGEST, "anna", "", scopes, vehicles, frozenset(), self.clock(), None)
        self.commit((opened, ()), (added, ()))

    def submit(self, operation: Operation) -> None:
        self.written.append(operation)

    def commit(self, *done: tuple[Operation, Any]) -> None:
        self.identities.committed(CommitSummary(identities=done))

    def headers(self, name: str = "evd") -> dict[bytes, bytes]:
        return {b"cookie": f"{name}={self.cookie}".encode()}

    def living(self) -> tuple[bool, bool]:
        """Whether the session, and the token, is good."""
        try:
            is_good = self.identities.token(BEARER) is not None
        except Unauthorized:
            is_good = False
        return self.identities.has_session(self.headers()), is_good


@pytest.mark.parametrize(
    ("ended", "living"),
    [
        (lambda held: (EndSessions("anna"), (held.session_id,)), (False, True)),
        (lambda held: (SetPassword("anna", "", 0), (held.session_id,)), (False, True)),
        (lambda held: (RemoveUser("anna"), (held.session_id, TOKEN_ID)), (False, False)),
        (lambda held: (RevokeToken(TOKEN_ID), True), (True, False)),
        (lambda held: (OpenSession("s2", b"", "ben", False, "", "", 0), (held.session_id,)), (False, True)),
        (
            lambda held: (AddToken("t2", b"", "ben", "", frozenset(), None, frozenset(), 0, 1), (TOKEN_ID,)),
            (True, False),
        ),
    ],
    ids=["sign-out", "another password", "a removed user", "a revoked token", "too many sessions", "too many tokens"],
)
def test_what_ended_is_refused_from_its_commit_on(ended: Any, living: tuple[bool, bool]) -> None:
    held = Held()
    assert held.living() == (True, True)
    held.commit(ended(held))
    assert held.living() == living


def test_over_tls_only_the_cookie_that_no_other_host_can_plant_counts() -> None:
    held = Held()
    found = {
        (name, secure): held.identities.session(held.headers(name), secure=secure) is not None
        for name in ("evd", "__Host-evd")
        for secure in (True, False, None)
    }
    assert [key for key, is_found in found.items() if not is_found] == [("evd", True), ("__Host-evd", False)]


def test_a_use_is_written_once_an_hour_of_a_session_and_of_a_token() -> None:
    held = Held()
    held.living()
    assert held.written == [UseToken(TOKEN_ID, held.clock())], "a session begins with its first use"
    held.clock.now += SEEN_EVERY_MS
    for _ in range(3):
        held.living()
    assert held.written[1:] == [UseToken(TOKEN_ID, held.clock()), SeeSession(held.session_id, held.clock())]


def test_a_use_that_cannot_be_written_refuses_nobody() -> None:
    held = Held()

    def full(operation: Operation) -> None:
        raise Unavailable("the queue is full")

    held.identities._submit = full
    held.clock.now += SEEN_EVERY_MS
    assert held.living() == (True, True)


def test_a_session_ends_by_time_and_a_request_without_a_proof_has_none() -> None:
    held = Held()
    assert held.identities.session({}) is None and held.identities.token({}) is None
    began = held.clock()
    held.clock.now += 10 * SEEN_EVERY_MS
    assert held.identities.over() == began
    assert held.living() == (False, True)


def test_a_new_token_posts_for_its_vehicles_while_its_user_owns_them() -> None:
    held = Held()
    posts_for = []
    for change in (
        None,
        RemoveOwner("anna", VEHICLE),
        AddOwner("anna", VEHICLE, 0, "viewer"),
        AddOwner("anna", VEHICLE, 0, "owner"),
    ):
        held.commit(*[(change, None)] if change else [])
        posts_for.append(set(held.identities.token_of(TEXT).posts_for))
    assert posts_for == [{VEHICLE}, set(), set(), {VEHICLE}]
