"""Local users, sessions and access tokens: what is kept, what ends what, and what makes room."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from any_engine import AnyDatabase
from builders import NOW, ROOMY

from evd.model.operations import (
    AcceptInvitation,
    AddOwner,
    AddToken,
    AddUser,
    EndSessions,
    Invite,
    LimitReached,
    NotOwner,
    OpenSession,
    RemoveOwner,
    RemoveUser,
    RevokeToken,
    SeeSession,
    SetPassword,
    UseToken,
)
from evd.store import records
from evd.store.records import Listing


def user(uid: str = "anna", *, admin: bool = False) -> AddUser:
    return AddUser(uid, "$argon2id$…", admin, NOW)


def session(name: str, uid: str = "anna", at: int = NOW) -> OpenSession:
    return OpenSession(name, name.encode(), uid, False, "Firefox", "192.0.2.1", at)


def token(name: str, uid: str = "anna", **given: Any) -> AddToken:
    usual: dict[str, Any] = {"scopes": frozenset({"read"}), "vehicles": None, "tags": frozenset()}
    return AddToken(name, name.encode(), uid, "", created=NOW, **{"expires": None, **usual, **given})


def sessions_of(database: AnyDatabase, uid: str = "anna") -> list[str]:
    return [row["id"] for row in database.ask(lambda queries: queries.sessions(uid)).rows]


def tokens_of(database: AnyDatabase, uid: str | None = None) -> list[records.AccessTokenRow]:
    return database.ask(lambda queries: queries.access_tokens(uid=uid)).rows


def test_a_user_is_kept_once_and_is_an_administrator_or_not(database: AnyDatabase) -> None:
    assert database.write(user(), user(), user("root", admin=True)) == [True, False, True]
    assert database.ask(lambda queries: queries.password_of("anna")) == ("$argon2id$…", False)
    assert database.ask(lambda queries: queries.password_of("root")) == ("$argon2id$…", True)
    assert database.ask(lambda queries: queries.password_of("eve")) is None
    found = database.ask(lambda queries: queries.users()).rows
    assert [row["uid"] for row in found] == ["anna", "root"]
    assert found[0].keys() == records.UserRow.__annotations__.keys() and found[1]["admin"] is True


def test_a_new_password_ends_the_user_s_sessions_and_nobody_else_s(database: AnyDatabase) -> None:
    database.write(user(), session("s1"), session("s2"), session("s3", "ben"))
    assert database.write(SetPassword("anna", "new", NOW + 1), SetPassword("eve", "new", NOW)) == [("s1", "s2"), False]
    assert (sessions_of(database), sessions_of(database, "ben")) == ([], ["s3"])
    assert database.ask(lambda queries: queries.password_of("anna")) == ("new", False)


def test_a_password_that_is_hashed_again_ends_nothing_and_replaces_no_newer_one(database: AnyDatabase) -> None:
    database.write(user(), session("s1"))
    again = SetPassword("anna", "stronger", NOW, ends_sessions=False, instead_of="$argon2id$…")
    assert database.write(again, again) == [(), False]
    assert sessions_of(database) == ["s1"]


def test_a_user_who_changes_the_password_keeps_the_asking_session(database: AnyDatabase) -> None:
    database.write(user(), session("s1"), session("s2"))
    own = SetPassword("anna", "new", NOW, instead_of="$argon2id$…", keeps="s1")
    assert database.write(own, own) == [("s2",), False], "the second was proven by a password that is no longer right"
    assert sessions_of(database) == ["s1"]


def test_the_removal_of_a_user_ends_sessions_and_tokens(database: AnyDatabase) -> None:
    database.write(user(), session("s1"), token("t1"), session("s2", "ben"), token("t2", "ben"))
    assert database.write(RemoveUser("anna"), RemoveUser("anna")) == [("s1", "t1"), False]
    assert database.write(RemoveUser("ben")) == [("s2", "t2")], "a user of Firebase has no row of its own"
    database.open()
    assert (database.store.living_sessions(), database.store.living_tokens()) == ([], [])


def test_a_removed_user_s_invitations_open_nothing(database: AnyDatabase) -> None:
    database.write(user(), AddOwner("anna", "A", NOW), Invite("i1", b"i1", "A", "owner", "anna", NOW, NOW + 9))
    assert database.write(RemoveUser("anna"), AcceptInvitation("i1", b"i1", "eve", NOW + 1)) == [(), None]


def test_a_session_does_not_begin_with_a_password_that_is_no_longer_the_user_s(database: AnyDatabase) -> None:
    database.write(user())
    signed_in = msgspec.structs.replace(session("s1"), password="$argon2id$…")
    assert database.write(signed_in, SetPassword("anna", "new", NOW), signed_in) == [(), ("s1",), False]
    assert database.write(msgspec.structs.replace(signed_in, password="new", admin=True)) == [False]
    database.write(RemoveUser("anna"))
    assert database.write(signed_in) == [False] and sessions_of(database) == []


def test_sessions_and_tokens_are_there_at_the_next_start(database: AnyDatabase) -> None:
    database.write(AddOwner("anna", "A", NOW), session("s1"), SeeSession("s1", NOW + 9))
    given = {"scopes": frozenset({"read", "ingest"}), "vehicles": frozenset({"A"}), "expires": NOW + 5}
    database.write(
        token("t1", **given), token("t2", vehicles=frozenset(), tags=frozenset({"vans"})), UseToken("t1", NOW + 3)
    )
    database.write(token("t3"), RevokeToken("t3", "ben"), RevokeToken("t3"))
    database.open()
    assert database.store.living_sessions() == [("s1", "anna", False, b"s1", NOW, NOW + 9)]
    none: frozenset[str] = frozenset()
    assert sorted(database.store.living_tokens()) == [
        ("t1", "anna", b"t1", given["scopes"], frozenset({"A"}), none, NOW + 5, NOW + 3, frozenset({"A"})),
        ("t2", "anna", b"t2", frozenset({"read"}), none, frozenset({"vans"}), None, None, none),
    ]


def test_a_token_may_not_post_for_a_vehicle_that_its_user_does_not_own(database: AnyDatabase) -> None:
    posts = token("t1", scopes=frozenset({"ingest"}), vehicles=frozenset({"A"}))
    assert isinstance(database.write(posts)[0], NotOwner)
    assert database.write(AddOwner("anna", "A", NOW), posts)[1] == ()
    database.write(RemoveOwner("anna", "A"))
    database.open()
    assert database.store.living_tokens()[0].posts_for == frozenset()


def test_a_token_whose_vehicles_are_gone_is_good_for_none_and_not_for_all(database: AnyDatabase) -> None:
    database.write(token("t1", vehicles=frozenset()))
    assert tokens_of(database)[0]["vehicles"] == []
    database.open()
    assert database.store.living_tokens()[0].vehicles == frozenset()


def test_tokens_are_listed_of_one_user_or_all_and_revoked_by_their_user(database: AnyDatabase) -> None:
    database.write(token("t1"), token("t2", "ben"))
    assert [row["id"] for row in tokens_of(database)] == ["t1", "t2"]
    assert [row["id"] for row in tokens_of(database, "ben")] == ["t2"]
    assert tokens_of(database)[0].keys() == records.AccessTokenRow.__annotations__.keys()
    assert database.write(RevokeToken("t2", "anna"), RevokeToken("t2", "ben"), RevokeToken("t2")) == [
        False,
        True,
        False,
    ]


def test_a_session_ends_once_and_only_by_its_user(database: AnyDatabase) -> None:
    database.write(session("s1"), session("s2"), session("s3"))
    assert database.write(EndSessions("ben", "s1"), EndSessions("anna", "s1"), EndSessions("anna", "s1")) == [
        (),
        ("s1",),
        (),
    ]
    assert set(database.write(EndSessions("anna"))[0]) == {"s2", "s3"}


def test_the_session_that_was_used_least_lately_makes_room(database: AnyDatabase) -> None:
    database.open(limits=ROOMY._replace(sessions=3, sessions_per_user=2))
    database.write(session("s1", at=NOW), session("s2", at=NOW + 1), SeeSession("s1", NOW + 2))
    assert database.write(session("s3", at=NOW + 3)) == [("s2",)], "of the same user first"
    assert database.write(session("b1", "ben", NOW + 4), session("b2", "ben", NOW + 5)) == [(), ("s1",)]
    assert (sessions_of(database), sessions_of(database, "ben")) == (["s3"], ["b1", "b2"])


def test_sessions_that_ended_by_time_are_removed_with_a_later_sign_in(database: AnyDatabase) -> None:
    database.write(session("s1", "ben", NOW), session("s2", "zoe", NOW + 1), session("s3", at=NOW + 9))
    later = OpenSession("s4", b"s4", "anna", False, "", "", NOW + 9, over=NOW + 1)
    assert database.write(later) == [("s1",)]
    assert (sessions_of(database, "ben"), sessions_of(database, "zoe"), len(sessions_of(database))) == ([], ["s2"], 2)


def test_expired_tokens_make_room_and_no_others(database: AnyDatabase) -> None:
    database.open(limits=ROOMY._replace(tokens=3, tokens_per_user=2))
    database.write(token("t1", expires=NOW), token("t2"))
    assert database.write(token("t3")) == [("t1",)]
    assert isinstance(database.write(token("t4"))[0], LimitReached)
    assert database.write(token("b1", "ben")) == [()]
    assert isinstance(database.write(token("b2", "ben"))[0], LimitReached)


def test_users_are_bounded(database: AnyDatabase) -> None:
    database.open(limits=ROOMY._replace(users=1))
    assert isinstance(database.write(user(), user("ben"))[1], LimitReached)


@pytest.mark.parametrize(
    ("fill", "ask"),
    [
        ([user(name) for name in "edcba"], lambda q, *a: q.users(*a, limit=2)),
        ([session(name) for name in "edcba"], lambda q, *a: q.sessions("anna", *a, limit=2)),
        ([token(name) for name in "edcba"], lambda q, *a: q.access_tokens(*a, limit=2)),
    ],
    ids=["users", "sessions", "tokens"],
)
def test_pages_together_are_the_list(database: AnyDatabase, fill: list[Any], ask: Any) -> None:
    database.write(*fill)
    pages: list[Listing[Any]] = [database.ask(ask)]
    while pages[-1].following is not None:
        cursor = pages[-1].following
        pages.append(database.ask(lambda queries, at=cursor: ask(queries, at)))
    found = [row.get("id", row.get("uid")) for page in pages for row in page.rows]
    assert found == list("abcde") and [len(page.rows) for page in pages] == [2, 2, 1]
