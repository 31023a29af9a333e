"""Keys: their form, their roles, and what is stored of them."""

from __future__ import annotations

import ast
import base64
import contextlib
import hashlib
import re
from pathlib import Path

import pytest

import evd.auth.api_keys
from evd.auth.api_keys import PROVEN_MAX, ROLES, Key, KeyRing, id_token, imported_key, joined_roles, key_id, new_key
from evd.auth.guess_limit import AT_ONCE, PER_S, GuessLimit
from evd.errors import BadRequest, Forbidden, TooManyRequests, Unauthorized
from evd.ingest.cache import IngestCache
from evd.log.logger import redact
from evd.model.commits import CommitSummary, summarize
from evd.model.operations import AddKey, LimitReached, RevokeKey, SetVehicle
from evd.sigfox.routes import ROUTES

FORM = re.compile(r"evd_(sigfox|device|app|admin)_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}")
CLIENTS_KEY = "hZ3kQ9vT1mB7xW5cR2nL8pD4sF6gJ0aY"  # as an API gateway made it


def basic(password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"anyone:{password}".encode())


@pytest.mark.parametrize("role", ROLES)
def test_the_form_of_a_new_key(role: str) -> None:
    text, kept = new_key(role)
    assert FORM.fullmatch(text)
    assert kept == Key(text.split("_")[2], role, hashlib.sha256(text.encode()).digest(), None)
    assert text not in repr(kept)
    assert text.split("_")[3] not in repr(kept)


def test_a_scan_for_secrets_finds_every_key() -> None:
    for _ in range(200):
        text, _ = new_key("device")
        assert FORM.search(f"x={text};")
        assert redact(None, "", {"event": f"x={text};"}) == {"event": "x=***;"}


def test_one_wrong_character_anywhere_is_found_by_the_checksum() -> None:
    text, _ = new_key("app")
    for position in range(4, len(text)):
        wrong = text[:position] + ("y" if text[position] == "x" else "x") + text[position + 1 :]
        with pytest.raises(BadRequest, match="checksum"):
            imported_key("app", wrong)
        assert key_id(wrong) != key_id(text)


def test_keys_do_not_repeat() -> None:
    texts = {new_key("sigfox")[0] for _ in range(1000)}
    assert len(texts) == 1000


def test_a_clients_own_key_is_taken_in_and_found() -> None:
    key = imported_key("app", CLIENTS_KEY)
    assert key.key_id == "i" + hashlib.sha256(CLIENTS_KEY.encode()).hexdigest()[:15]
    assert KeyRing([key]).find({b"x-api-key": CLIENTS_KEY.encode()}) is key


def test_a_key_of_evds_own_may_move_to_another_evd() -> None:
    text, key = new_key("device")
    assert imported_key("device", text) == key


@pytest.mark.parametrize(
    "text", ["", "short", "x" * 19, "x" * 257, "with\nnewline" * 3, "pässwörter" * 3, "nul\0nul\0" * 3]
)
def test_what_cannot_be_a_key_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        imported_key("app", text)
    assert not text or text not in caught.value.detail


@pytest.mark.parametrize(
    "text", [new_key("device")[0], CLIENTS_KEY, "dots.and.even.more.dots"], ids=["ours", "the client's", "dotted"]
)
def test_a_key_may_stand_in_three_places(text: str) -> None:
    key = imported_key("device", text)
    ring = KeyRing([key])
    assert ring.find({b"x-api-key": text.encode()}) is key
    assert ring.find({b"authorization": b"Bearer " + text.encode()}) is key
    assert ring.find({b"authorization": b"bearer  " + text.encode() + b" "}) is key
    assert ring.find({b"authorization": basic(text)}) is key


def test_a_bearer_with_two_dots_is_an_id_token_and_stands_beside_a_key() -> None:
    text, key = new_key("app")
    headers = {b"x-api-key": text.encode(), b"authorization": b"Bearer head.body.signature"}
    assert id_token(headers) == "head.body.signature"
    assert KeyRing([key]).find(headers) is key
    assert id_token({b"authorization": b"Bearer " + text.encode()}) is None
    assert id_token({b"authorization": basic("a.b.c")}) is None
    assert id_token({}) is None


GOOD, GOOD_KEY = new_key("device")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"x-api-key": b""},
        {b"x-api-key": new_key("device")[0].encode()},
        {b"x-api-key": GOOD.lower().encode()},
        {b"x-api-key": GOOD[:-1].encode()},
        {b"x-api-key": (GOOD + "x").encode()},
        {b"x-api-key": GOOD.replace("device", "admin").encode()},
        {b"x-api-key": GOOD.split("_")[2].encode()},
        {b"x-api-key": hashlib.sha256(GOOD.encode()).hexdigest().encode()},
        {b"x-api-key": b"\xff\xfe\x00"},
        {b"x-api-key": b"x" * 100_000},
        {b"authorization": b""},
        {b"authorization": b"Bearer"},
        {b"authorization": b"Bearer "},
        {b"authorization": b"Bearer a.b.c"},
        {b"authorization": b"Basic"},
        {b"authorization": b"Basic ???"},
        {b"authorization": b"Basic " + base64.b64encode(GOOD.encode())},
        {b"authorization": b"Digest " + GOOD.encode()},
        {b"userid": b"386625"},
    ],
)
def test_what_opens_nothing(headers: dict[bytes, bytes]) -> None:
    ring = KeyRing([GOOD_KEY])
    with pytest.raises(Unauthorized) as caught:
        ring.find(headers)
    assert GOOD not in caught.value.detail


def test_an_unknown_id_is_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same work for an unknown id as for a wrong secret: two digests of equal length, in constant time."""
    compared: list[tuple[bytes, bytes]] = []
    real = evd.auth.api_keys.hmac.compare_digest

    def listening(one: bytes, other: bytes) -> bool:
        if len(one) == 32:
            compared.append((one, other))
        return bool(real(one, other))

    monkeypatch.setattr(evd.auth.api_keys.hmac, "compare_digest", listening)
    ring = KeyRing([GOOD_KEY])
    for text in (GOOD, new_key("device")[0], "nothing like a key"):
        compared.clear()
        with contextlib.suppress(Unauthorized):
            ring.find({b"x-api-key": text.encode()})
        assert [len(other) for _, other in compared] == [32]


def test_no_secret_is_compared_with_equals() -> None:
    """Digests and checksums go through compare_digest; `==` stands only beside lengths, counts and public parts."""
    source = Path(evd.auth.api_keys.__file__).read_text("utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            sides = " ".join(ast.unparse(side) for side in (node.left, *node.comparators))
            assert not re.search(r"digest|secret|checksum|parts\[[34]\](?!\))", sides), ast.unparse(node)


SIGFOX_ROUTES = {
    *("/sigfox/uplink", "/sigfox/bidir", "/sigfox/status", "/sigfox/advanced", "/sigfox/acknowledge"),
    *("/sigfox/repeater", "/sigfox/geoloc", "/sigfox/error", "/sigfox/event", "/sigfox/callback", "/sigfox/batch"),
}


def test_a_role_opens_its_routes_and_no_others() -> None:
    """The roles of the ingest routes; every route has a row, so a new one must say which roles may use it."""
    allowed = {
        "sigfox": SIGFOX_ROUTES,
        "device": {"/wlan", "/wifi"},
        "app": set(),
        "admin": {*SIGFOX_ROUTES, "/wlan", "/wifi"},
    }
    keys = {role: new_key(role) for role in ROLES}
    ring = KeyRing([key for _, key in keys.values()])
    for path, route in ROUTES.items():
        plain = path.rstrip("/").removeprefix("/v2").removeprefix("/v3")
        for role, (text, key) in keys.items():
            headers = {b"x-api-key": text.encode()}
            if plain in allowed[role]:
                assert ring.require(headers, route.roles) is key
            else:
                with pytest.raises(Forbidden, match=f"role {role}"):
                    ring.require(headers, route.roles)


def test_a_key_of_several_roles_opens_the_routes_of_each() -> None:
    ring = KeyRing([imported_key(joined_roles(["app", "sigfox,device"]), CLIENTS_KEY)])
    headers = {b"x-api-key": CLIENTS_KEY.encode()}
    assert ring.find(headers).role == "sigfox,device,app"
    for role in ("sigfox", "device", "app"):
        ring.require(headers, frozenset({role, "admin"}))
    with pytest.raises(Forbidden, match="role sigfox,device,app"):
        ring.require(headers, frozenset({"admin"}))


@pytest.mark.parametrize(
    ("given", "words"),
    [(["app,tarte"], "there is no role 'tarte'"), (["app", "admin"], "cannot be combined"), ([""], "''")],
)
def test_roles_that_cannot_be_joined_are_refused_in_a_sentence(given: list[str], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        joined_roles(given)


def test_a_role_that_a_key_gained_counts_from_its_commit() -> None:
    key = imported_key("sigfox", CLIENTS_KEY)
    directory = IngestCache([key], [])
    directory.committed(summarize([add_key(key._replace(role="app"))], ["sigfox,app"]))
    assert directory.keys.find({b"x-api-key": CLIENTS_KEY.encode()}).role == "sigfox,app"


def add_key(key: Key) -> AddKey:
    return AddKey(key.key_id, key.role, key.digest, "", key.vehicle, 1)


def test_a_key_counts_from_its_commit_and_is_gone_with_its_revocation() -> None:
    directory = IngestCache([], [])
    headers = {b"x-api-key": GOOD.encode()}
    directory.committed(CommitSummary(keys=[add_key(GOOD_KEY)]))
    assert directory.keys.find(headers) == GOOD_KEY
    directory.committed(CommitSummary(keys=[RevokeKey(GOOD_KEY.key_id, 2)]))
    with pytest.raises(Unauthorized):
        directory.keys.find(headers)


def test_what_proved_to_be_a_key_is_remembered_and_what_did_not_is_not() -> None:
    texts, keys = zip(*(new_key("device") for _ in range(2 * PROVEN_MAX)), strict=True)
    ring = KeyRing(list(keys))
    for text, key in zip(texts, keys, strict=True):
        for _ in range(2):
            assert ring.find({b"x-api-key": text.encode()}) is key
        with pytest.raises(Unauthorized):
            ring.find({b"x-api-key": text[:-1].encode()})
        assert len(ring._proven) <= PROVEN_MAX
    for text, key in zip(texts[-2:], keys[-2:], strict=True):
        assert ring.find({b"x-api-key": text.encode()}) is key
        ring.remove(key.key_id)
        for headers in ({b"x-api-key": text.encode()}, {b"authorization": b"Bearer " + text.encode()}):
            with pytest.raises(Unauthorized):
                ring.find(headers)


@pytest.mark.parametrize("result", [False, LimitReached("full")])
def test_what_was_not_stored_is_not_believed(result: object) -> None:
    directory = IngestCache([GOOD_KEY], [])
    other = Key(GOOD_KEY.key_id, "admin", bytes(32))
    directory.committed(summarize([add_key(other), RevokeKey(GOOD_KEY.key_id, 2)], [result, result]))
    assert directory.keys.find({b"x-api-key": GOOD.encode()}) == GOOD_KEY


def test_a_vehicles_own_format_follows_the_commits() -> None:
    directory = IngestCache([], [("1A", "ev")])
    assert (directory.format_of("1A"), directory.format_of("1B")) == ("ev", None)
    changes = [SetVehicle("1B", 1, format="trailer"), SetVehicle("1A", 1, format=None)]
    directory.committed(CommitSummary(formats=changes))
    assert (directory.format_of("1A"), directory.format_of("1B")) == (None, "trailer")
    directory.committed(summarize([SetVehicle("1B", 1, keep=5)], [None]))
    assert directory.format_of("1B") == "trailer", "what is not given stays"


HERE, THERE = "192.0.2.1", "192.0.2.2"


class Ring:
    """A ring with one key of evd's own and one that a client brought along, and a clock to turn."""

    def __init__(self) -> None:
        self.ms = 1_000_000
        self.ring = KeyRing([GOOD_KEY, imported_key("sigfox", CLIENTS_KEY)])
        self.ring.limit(GuessLimit(lambda: self.ms))

    def shows(self, text: str, peer: str = HERE) -> int:
        """The status that showing a key gets: 200, 401 or 429."""
        try:
            self.ring.find({b"x-api-key": text.encode()}, peer)
        except (Unauthorized, TooManyRequests) as refusal:
            return refusal.status
        return 200

    def guess(self, count: int, peer: str = HERE) -> list[int]:
        return [self.shows(f"wrong key {number}", peer) for number in range(count)]


def test_an_address_may_guess_so_often_and_then_waits() -> None:
    one = Ring()
    assert one.guess(AT_ONCE + 3) == [401] * AT_ONCE + [429] * 3
    assert one.shows(CLIENTS_KEY) == 429, "not even the right guess is told"
    assert one.guess(1, THERE) == [401]
    one.ms += 250
    assert one.guess(2) == [401, 429]
    one.ms += AT_ONCE * 1000 // PER_S
    assert one.shows(CLIENTS_KEY) == 200


def test_what_cannot_be_guessed_opens_though_wrong_keys_came_from_there() -> None:
    one = Ring()
    one.guess(AT_ONCE)
    assert one.shows(GOOD) == 200
    assert one.shows(new_key("device")[0]) == 401


def test_a_key_that_came_from_there_before_opens_though_wrong_ones_did_too() -> None:
    one = Ring()
    assert one.shows(CLIENTS_KEY) == 200
    one.guess(AT_ONCE)
    assert one.shows(CLIENTS_KEY) == 200
    one.ring.add(new_key("app")[1])
    assert one.shows(CLIENTS_KEY) == 200
    one.ring.remove(imported_key("sigfox", CLIENTS_KEY).key_id)
    assert one.shows(CLIENTS_KEY) == 429


def test_a_key_elsewhere_opens_nothing_here() -> None:
    one = Ring()
    assert one.shows(CLIENTS_KEY, THERE) == 200
    one.guess(AT_ONCE)
    assert one.shows(CLIENTS_KEY) == 429


def test_addresses_of_one_ipv6_network_guess_together() -> None:
    one = Ring()
    one.guess(AT_ONCE, "2001:db8::1")
    assert one.shows(CLIENTS_KEY, "2001:db8::2") == 429
    assert one.shows(CLIENTS_KEY, "2001:db8:0:1::1") == 200


def test_no_key_at_all_and_a_look_beforehand_are_no_guesses() -> None:
    one = Ring()
    for _ in range(AT_ONCE + 1):
        assert one.ring.knows({b"x-api-key": b"wrong"}, HERE) is None
        assert one.shows("") == 401
    assert one.guess(1) == [401]


def test_nobody_waits_at_the_control_socket() -> None:
    assert set(Ring().guess(AT_ONCE + 10, "")) == {401}
