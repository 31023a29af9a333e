"""Personal access tokens: which text is one, until when, for which vehicles."""

from __future__ import annotations

import pytest
from builders import NOW

from evd.auth.access_tokens import (
    AccessToken,
    PersonalTokens,
    checked_scopes,
    new_token,
    require_ingest_vehicles,
    shown_token,
)
from evd.auth.sessions import SEEN_EVERY_MS
from evd.errors import BadRequest, Unauthorized

TEXT, TOKEN_ID, DIGEST = new_token()
TOKEN = AccessToken(TOKEN_ID, "anna", DIGEST, frozenset({"read"}), None, frozenset(), NOW + 1000, None)
ONE, OTHER, THIRD = "1A", "1B", "1C"
POSTING = TOKEN._replace(scopes=frozenset({"ingest"}), vehicles=frozenset({ONE, OTHER}))


def held(*tokens: AccessToken) -> PersonalTokens:
    return PersonalTokens(tokens)


def test_a_text_gives_its_token_until_it_expires() -> None:
    assert held(TOKEN).find(TEXT, NOW + 999) == TOKEN
    with pytest.raises(Unauthorized, match="has expired"):
        held(TOKEN).find(TEXT, NOW + 1000)
    assert held(TOKEN._replace(expires=None)).find(TEXT, NOW * 10)


@pytest.mark.parametrize(
    "text",
    ["", TEXT[:-1], new_token()[0], f"evd_token_{TOKEN_ID}_{'x' * 43}_000000"],
    ids=["none", "cut off", "another", "with a wrong secret"],
)
def test_what_is_no_token_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(Unauthorized, match="unknown or revoked") as refused:
        held(TOKEN).find(text, NOW)
    assert not text or text not in str(refused.value)


def test_another_secret_with_the_id_of_a_token_is_refused() -> None:
    with pytest.raises(Unauthorized):
        held(TOKEN._replace(digest=bytes(32))).find(TEXT, NOW)


def test_a_revoked_token_is_unknown_and_posts_for_nothing() -> None:
    tokens = held(POSTING)
    tokens.remove([TOKEN_ID, TOKEN_ID, "never"])
    tokens.owner_changed("anna", ONE, owns=True)
    with pytest.raises(Unauthorized, match="revoked"):
        tokens.find(TEXT, NOW)


def test_a_use_is_written_once_an_hour() -> None:
    tokens = held(TOKEN)
    assert tokens.note_use(TOKEN, NOW)
    used = tokens.find(TEXT, NOW)
    assert used.used == NOW
    assert not tokens.note_use(used, NOW + SEEN_EVERY_MS - 1)
    assert not tokens.note_use(used, NOW - SEEN_EVERY_MS + 1), "the clock was set back"
    assert tokens.note_use(used, NOW + SEEN_EVERY_MS)


def test_a_token_posts_for_the_named_vehicles_that_its_user_owns_now() -> None:
    tokens = held(POSTING)
    for uid, vehicle, owns, expected in [
        ("anna", ONE, True, {ONE}),
        ("anna", OTHER, True, {ONE, OTHER}),
        ("anna", THIRD, True, {ONE, OTHER}),  # it does not name it
        ("ben", ONE, False, {ONE, OTHER}),
        ("anna", ONE, False, {OTHER}),
    ]:
        tokens.owner_changed(uid, vehicle, owns=owns)
        assert tokens.find(TEXT, NOW).posts_for == expected


def test_a_token_without_the_scope_ingest_posts_for_nothing() -> None:
    tokens = held(TOKEN._replace(vehicles=frozenset({ONE})))
    tokens.owner_changed("anna", ONE, owns=True)
    assert tokens.find(TEXT, NOW).posts_for == frozenset()


@pytest.mark.parametrize(
    ("into", "vehicles", "posts_for"),
    [(THIRD, {THIRD, OTHER}, {THIRD}), (OTHER, {OTHER}, {OTHER}), (None, {OTHER}, set())],
)
def test_a_vehicle_that_became_another_is_named_as_that_one(
    into: str | None, vehicles: set[str], posts_for: set[str]
) -> None:
    tokens = held(POSTING._replace(posts_for=frozenset({ONE})))
    tokens.vehicle_gone(THIRD, into)  # none names it
    tokens.vehicle_gone(ONE, into)
    found = tokens.find(TEXT, NOW)
    assert (set(found.vehicles or ()), set(found.posts_for)) == (vehicles, posts_for)


def test_a_vehicle_that_is_gone_widens_no_token() -> None:
    tokens = held(TOKEN._replace(vehicles=frozenset({ONE})))
    tokens.vehicle_gone(ONE, None)
    assert tokens.find(TEXT, NOW).vehicles == frozenset(), "None would be no limit"


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({b"authorization": b"Bearer evd_token_x"}, "evd_token_x"),
        ({b"authorization": b"bEARER   evd_token_x "}, "evd_token_x"),
        ({b"x-api-key": b"evd_token_x"}, "evd_token_x"),
        ({b"authorization": b"Bearer a.b.c", b"x-api-key": b"evd_token_x"}, "evd_token_x"),
        ({b"authorization": b"Bearer evd_token_\xff"}, "evd_token_\xff"),
        ({b"authorization": b"Basic evd_token_x"}, None),
        ({b"authorization": b"evd_token_x"}, None),
        ({b"x-api-key": b"evd_app_x"}, None),
        ({}, None),
    ],
)
def test_where_a_request_shows_a_token(headers: dict[bytes, bytes], shown: str | None) -> None:
    assert shown_token(headers) == shown


def test_scopes_are_read_with_commas_and_blanks() -> None:
    assert checked_scopes(["read, write", "ingest", "read", ""]) == {"read", "write", "ingest"}
    for given, why in ((["admin,read"], "no scope 'admin'"), ([], "has no scope"), ([" , "], "has no scope")):
        with pytest.raises(BadRequest, match=why):
            checked_scopes(given)


def test_a_token_that_may_post_names_its_vehicles_and_no_tags() -> None:
    require_ingest_vehicles(["read"], [], ["fleet"])
    require_ingest_vehicles(["ingest"], [ONE], [])
    for vehicles, tags in (([], []), ([ONE], ["fleet"])):
        with pytest.raises(BadRequest, match="names its vehicles"):
            require_ingest_vehicles(["ingest"], vehicles, tags)
