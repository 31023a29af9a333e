"""Whose address counts: networks, and what proxies say of their clients."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import ConfigError
from evd.net.addresses import FORWARDED, X_FORWARDED_FOR, Proxies, network_of

PROXIES = Proxies(["10.0.0.0/8", "::1", "2001:db8:f::/48"])
PEER = "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("no:address", "no:address"),
    ],
)
def test_whose_an_address_is(address: str, network: str) -> None:
    assert network_of(address) == network


SAID: list[tuple[str, str]] = [
    ("192.0.2.1", "192.0.2.1"),
    ("203.0.113.9, 192.0.2.1", "192.0.2.1"),
    ("192.0.2.1, 10.0.0.7", "192.0.2.1"),
    ("192.0.2.1,10.0.0.7 ,\t10.0.0.8", "192.0.2.1"),
    ("10.0.0.7", "10.0.0.7"),
    ("2001:db8::7", "2001:db8::7"),
    ("2001:db8::7, 2001:db8:f::1", "2001:db8::7"),
    ("2001:DB8:0::7", "2001:db8::7"),
    ("::ffff:192.0.2.1", "192.0.2.1"),
    ("192.0.2.1:50312", "192.0.2.1"),
    ("[2001:db8::7]:50312", "2001:db8::7"),
    ("[2001:db8::7]", "2001:db8::7"),
    ("192.0.2.1, , ", "192.0.2.1"),
    ("", PEER),
    (" , ,", PEER),
    ("192.0.2.1, unknown", PEER),
    ("192.0.2.1, unknown, 10.0.0.7", "10.0.0.7"),
    ("192.0.2.1, <script>", PEER),
    ("192.0.2.1, 192.0.2", PEER),
    ("192.0.2.1, [2001:db8::7", PEER),
]
"""X-Forwarded-For at a trusted proxy, and from whom the request is."""


@pytest.mark.parametrize(("said", "client"), SAID)
def test_x_forwarded_for_counts_from_the_right_up_to_the_first_address_that_is_no_proxys(
    said: str, client: str
) -> None:
    assert PROXIES.client(PEER, {X_FORWARDED_FOR: said.encode()}) == client


FORWARDED_SAID: list[tuple[str, str]] = [
    ("for=192.0.2.1", "192.0.2.1"),
    ("For=192.0.2.1", "192.0.2.1"),
    ("for=203.0.113.9, for=192.0.2.1", "192.0.2.1"),
    ("for=192.0.2.1, for=10.0.0.7", "192.0.2.1"),
    ("for=192.0.2.1;proto=https;by=10.0.0.1", "192.0.2.1"),
    ('proto=https; host="a, b;for=8.8.8.8" ;for=192.0.2.1', "192.0.2.1"),
    ('for="[2001:db8::7]"', "2001:db8::7"),
    ('for="[2001:db8::7]:4711"', "2001:db8::7"),
    ('for="192.0.2.1:4711"', "192.0.2.1"),
    ('for="192.0.2.1:_port"', "192.0.2.1"),
    ('for="192.0.2\\.1"', "192.0.2.1"),
    ('for=192.0.2.1, for="[2001:db8:f::1]"', "192.0.2.1"),
    ("for=192.0.2.1;, ,", "192.0.2.1"),
    ("for=192.0.2.1, for=unknown", PEER),
    ("for=192.0.2.1, for=_hidden", PEER),
    ('for=192.0.2.1, for="_hidden:80", for=10.0.0.7', "10.0.0.7"),
    ("for=192.0.2.1, proto=https", PEER),
    ("for=192.0.2.1, by=10.0.0.1;proto=https, for=10.0.0.7", "10.0.0.7"),
    ("for=[2001:db8::7]", PEER),
    ("for=192.0.2.1:80", PEER),
    ('for="192.0.2.1', PEER),
    ('for="192.0.2.1"x', PEER),
    ("for", PEER),
    ("for = 192.0.2.1", PEER),
    ("192.0.2.1", PEER),
    ('for=""', PEER),
    ("", PEER),
]
"""Forwarded (RFC 7239) at a trusted proxy. What its grammar does not allow counts for nothing."""


@pytest.mark.parametrize(("said", "client"), FORWARDED_SAID)
def test_forwarded_counts_likewise_by_its_grammar(said: str, client: str) -> None:
    assert PROXIES.client(PEER, {FORWARDED: said.encode("latin-1")}) == client


@pytest.mark.parametrize(
    ("forwarded", "x_forwarded_for", "client"),
    [
        ("for=192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ('for="[2001:db8::7]:1"', "2001:db8:0::7", "2001:db8::7"),
        ("for=8.8.8.8", "192.0.2.1", PEER),
        ("for=192.0.2.1", "8.8.8.8", PEER),
        ("for=unknown", "192.0.2.1", PEER),
    ],
)
def test_where_the_two_differ_a_client_made_one_of_them_up_and_neither_is_believed(
    forwarded: str, x_forwarded_for: str, client: str
) -> None:
    headers = {FORWARDED: forwarded.encode(), X_FORWARDED_FOR: x_forwarded_for.encode()}
    assert PROXIES.client(PEER, headers) == client


@pytest.mark.parametrize("peer", ["203.0.113.9", "2001:db8::1", "", "no address"])
def test_who_is_not_listed_speaks_for_itself(peer: str) -> None:
    headers = {FORWARDED: b"for=192.0.2.1", X_FORWARDED_FOR: b"192.0.2.1"}
    assert PROXIES.client(peer, headers) == peer
    assert Proxies().client(PEER, headers) == PEER


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1", "::1", "2001:db8:f::9"])
def test_a_listed_network_is_trusted_in_each_spelling(peer: str) -> None:
    assert PROXIES.client(peer, {X_FORWARDED_FOR: b"192.0.2.1"}) == "192.0.2.1"


@pytest.mark.parametrize("wrong", ["proxy.example", "10.0.0.0/33", "", "10.0.0.1-9"])
def test_proxies_are_addresses_or_networks(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"server\.trusted_proxies: .*; name addresses or networks"):
        Proxies([wrong])


header_texts = st.text(st.characters(min_codepoint=9, max_codepoint=255), max_size=80)
pieces = st.lists(
    st.sampled_from([*'",;= []\\', "for=", "by=", "10.0.0.7", "8.8.8.8", "2001:db8::9", ":80", "unknown", "_x"]),
    max_size=20,
).map("".join)
spoofed = st.one_of(header_texts, pieces)


@given(spoofed, spoofed)
def test_whatever_a_proxy_passes_on_is_read_without_an_error_as_an_address(forwarded: str, other: str) -> None:
    headers = {FORWARDED: forwarded.encode("latin-1"), X_FORWARDED_FOR: other.encode("latin-1")}
    for some in (headers, {FORWARDED: headers[FORWARDED]}, {X_FORWARDED_FOR: headers[X_FORWARDED_FOR]}):
        assert ip_address(PROXIES.client(PEER, some))


@given(spoofed, st.sampled_from(["192.0.2.1", "2001:db8::7"]), st.booleans())
def test_what_a_client_writes_before_the_first_proxy_changes_nothing(made_up: str, client: str, named: bool) -> None:
    """The proxy adds what it knows behind it; at worst the request counts as the proxy's own."""
    node = f"[{client}]" if ":" in client else client
    added = f'for="{node}:4711";proto=https' if named else f'for="{node}"'
    headers = {FORWARDED: f"{made_up}, {added}".encode("latin-1")}
    assert PROXIES.client(PEER, headers) in (client, PEER)
    headers = {X_FORWARDED_FOR: f"{made_up}, {client}".encode("latin-1")}
    assert PROXIES.client(PEER, headers) == client


@given(spoofed, spoofed, st.booleans())
def test_a_header_that_the_proxy_does_not_write_names_nobody_else(made_up: str, before: str, which: bool) -> None:
    headers = {X_FORWARDED_FOR: f"{before}, 192.0.2.1".encode("latin-1"), FORWARDED: made_up.encode("latin-1")}
    if which:
        headers = {FORWARDED: b"for=192.0.2.1", X_FORWARDED_FOR: made_up.encode("latin-1")}
    assert PROXIES.client(PEER, headers) in ("192.0.2.1", PEER)


@pytest.mark.parametrize(
    ("headers", "secure"),
    [
        ({}, False),
        ({b"x-forwarded-proto": b"https"}, True),
        ({b"x-forwarded-proto": b"HTTPS"}, True),
        ({b"x-forwarded-proto": b"http"}, False),
        ({b"x-forwarded-proto": b"https, http"}, False),  # the nearest proxy wrote the last one
        ({b"x-forwarded-proto": b"http,https"}, True),
        ({FORWARDED: b'for=192.0.2.1;proto="https";by=10.0.0.1'}, True),
        ({FORWARDED: b"proto=https, for=192.0.2.1;proto=http"}, False),
        ({FORWARDED: b"for=192.0.2.1;xproto=https"}, False),
        ({FORWARDED: b"proto=https", b"x-forwarded-proto": b"http"}, False),  # one of them may be the client's
    ],
)
def test_a_trusted_proxy_says_whether_there_was_tls(headers: dict[bytes, bytes], secure: bool) -> None:
    assert PROXIES.had_tls(PEER, headers) is secure
    assert not PROXIES.had_tls("8.8.8.8", headers)
