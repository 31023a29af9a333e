"""Who sent a request: which proof counts before which, and whom a row lets in."""

from __future__ import annotations

from typing import Any

import pytest
from turned_clock import TurnedClock

from evd.api.authentication import Asked, NoTokens, Proofs, TokenVerifier, identified
from evd.auth.access import AccessRow
from evd.auth.access_tokens import AccessToken, new_token
from evd.auth.api_keys import KeyRing, new_key
from evd.auth.identities import Identities
from evd.auth.sessions import SessionLife, csrf_token, new_session
from evd.errors import Forbidden, Unauthorized
from evd.model.user_id import UID_MAX

CLOCK = TurnedClock()
KEYS = {role: new_key(role) for role in ("app", "device", "sigfox", "admin")}
COOKIE, SESSION = new_session("sara", admin=False, at=CLOCK())
ROOT_COOKIE, ROOT = new_session("root", admin=True, at=CLOCK())

TEXT, TOKEN_ID, DIGEST = new_token()
NARROW, NARROW_ID, NARROW_DIGEST = new_token()
TOKEN = AccessToken(TOKEN_ID, "tom", DIGEST, frozenset({"read", "ingest"}), None, frozenset(), None, None)
NARROWED = TOKEN._replace(token_id=NARROW_ID, digest=NARROW_DIGEST, vehicles=frozenset({"1A"}))


class FirebaseUsers:
    """Every ID token stands for the user that its signature names."""

    async def uid(self, token: str, *, unrevoked: bool = False) -> str:
        return token.rpartition(".")[2] + ("!" if unrevoked else "")

    async def run(self) -> None: ...


def proofs(*, trusts_header: bool = False, tokens: TokenVerifier | None = None) -> Proofs:
    life = SessionLife(10**9, 10**9)
    identities = Identities([SESSION, ROOT], [TOKEN, NARROWED], life, clock=CLOCK, submit=lambda operation: None)
    ring = KeyRing([key for _, key in KEYS.values()])
    return Proofs(ring, identities, tokens or FirebaseUsers(), trusts_header, ())


def row(relation: Any = "user", method: str = "GET", **more: Any) -> AccessRow:
    return AccessRow(method, "/api/v1/x", relation, more.pop("scope", "read"), **more)


def key(role: str) -> dict[bytes, bytes]:
    return {b"x-api-key": KEYS[role][0].encode()}


def cookie(text: str = COOKIE, *, csrf: bool = False) -> dict[bytes, bytes]:
    token = {b"x-csrf-token": csrf_token(text).encode()} if csrf else {}
    return {b"cookie": f"evd={text}".encode(), **token}


def bearer(text: str) -> dict[bytes, bytes]:
    return {b"authorization": f"Bearer {text}".encode()}


async def who(headers: dict[bytes, bytes], asked: AccessRow, *, local: bool = False, **options: Any) -> tuple[Any, ...]:
    """The caller's user, whether an administrator, and by which means."""
    found = await identified(Asked(asked, headers, "192.0.2.1", local), proofs(**options))
    return found.uid, found.admin, found.means


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (bearer(TEXT), ("tom", False, "token")),
        ({b"x-api-key": TEXT.encode()}, ("tom", False, "token")),
        (cookie(), ("sara", False, "session")),
        (cookie(ROOT_COOKIE), ("root", True, "session")),
        (key("admin"), (None, True, "key")),
        (key("app") | bearer("a.b.fred"), ("fred", False, "firebase")),
        (cookie() | bearer(TEXT), ("tom", False, "token")),  # what was sent on purpose comes first
        (cookie() | key("admin"), (None, True, "key")),
        (cookie() | key("app") | bearer("a.b.fred"), ("fred", False, "firebase")),
    ],
)
async def test_which_proof_counts(headers: dict[bytes, bytes], expected: tuple[Any, ...]) -> None:
    assert await who(headers, row()) == expected


async def test_the_control_socket_needs_no_proof_and_no_proof_counts_there() -> None:
    assert await who({}, row("admin"), local=True) == (None, True, "local")
    assert await who(cookie(), row(), local=True) == (None, True, "local")


async def test_the_bare_header_counts_only_if_it_is_trusted_and_is_no_longer_than_a_user_id() -> None:
    named = key("app") | {b"userid": b"hans"}
    with pytest.raises(Unauthorized, match="names no user"):
        await who(named, row())
    assert await who(named, row(), trusts_header=True) == ("hans", False, "header")
    assert await who(named | bearer("a.b.fred"), row(), trusts_header=True) == ("fred", False, "firebase")
    assert (await who(key("app") | {b"userid": b"u" * UID_MAX}, row(), trusts_header=True))[0] == "u" * UID_MAX
    with pytest.raises(Unauthorized, match="too long"):
        await who(key("app") | {b"userid": b"u" * (UID_MAX + 1)}, row(), trusts_header=True)


async def test_firebase_is_asked_about_revocation_where_the_row_says_so() -> None:
    assert (await who(key("app") | bearer("a.b.fred"), row(unrevoked=True)))[0] == "fred!"
    with pytest.raises(Unauthorized, match=r"app\.firebase_project"):
        await who(key("app") | bearer("a.b.fred"), row(), tokens=NoTokens())


@pytest.mark.parametrize(
    ("headers", "asked", "refusal", "why"),
    [
        ({}, row(), Unauthorized, "x-api-key"),
        (key("app"), row(), Unauthorized, "names no user"),
        (bearer("a.b.fred"), row(), Unauthorized, "key"),  # an ID token alone: a key is needed beside it
        (cookie(), row("admin"), Forbidden, "only an administrator"),
        (bearer(TEXT), row("admin"), Forbidden, "only an administrator"),
        (key("app"), row("admin"), Forbidden, "role"),
        (key("device"), row(), Forbidden, "role"),
        (key("admin"), row(admin=False), Forbidden, "role"),
        (bearer(TEXT), row(scope="write"), Forbidden, "lacks the scope write"),
        (bearer(TEXT), row(person=True), Forbidden, "in person"),
        (bearer(NARROW), row(), Forbidden, "for some vehicles only"),
        (bearer(NARROW), row("admin"), Forbidden, "for some vehicles only"),
        (bearer(TEXT), row("key", scope="ingest", roles=frozenset({"sigfox"})), Forbidden, "a key is needed"),
        (cookie(), row("key", roles=frozenset({"device"})), Unauthorized, "key"),  # a page sends no callbacks
        (cookie(), row(method="POST"), Forbidden, "CSRF"),
        (bearer(new_token()[0]) | cookie(), row(), Unauthorized, "unknown or revoked"),  # a wrong one is no visitor
    ],
)
async def test_whom_a_row_refuses(
    headers: dict[bytes, bytes], asked: AccessRow, refusal: type[Exception], why: str
) -> None:
    with pytest.raises(refusal, match=why):
        await who(headers, asked)


@pytest.mark.parametrize(
    ("headers", "asked", "uid"),
    [
        (bearer(NARROW), row(narrows=True), "tom"),
        (bearer(NARROW), row("viewer"), "tom"),  # which vehicle it is, is checked later
        (cookie(), row(person=True), "sara"),
        (key("app") | bearer("a.b.fred"), row(person=True), "fred"),
        (cookie(csrf=True), row(method="POST"), "sara"),
        (cookie(ROOT_COOKIE), row(admin=False), "root"),  # an administrator who is a user
        (bearer(TEXT), row("key", scope="ingest", roles=frozenset({"device"})), "tom"),
        (key("sigfox"), row("key", roles=frozenset({"sigfox"})), None),
    ],
)
async def test_whom_a_row_lets_in(headers: dict[bytes, bytes], asked: AccessRow, uid: str | None) -> None:
    assert (await who(headers, asked))[0] == uid


async def test_over_tls_a_cookie_of_another_host_counts_for_nothing() -> None:
    with pytest.raises(Unauthorized):
        await identified(Asked(row(), cookie(), "192.0.2.1", local=False, secure=True), proofs())
