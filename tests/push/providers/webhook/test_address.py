"""Which addresses are posted to, and what of them is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import BadRequest
from evd.net.client.base_url import origin_of
from evd.push.providers.webhook.address import checked_address, shown_address


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org",
        "https://example.org/hook?key=abc&x=%20",
        "HTTPS://Example.ORG:8443/a/b",
        "https://192.168.1.5/hook",
        "https://[fd00::1]:8443/hook",
        "https://homeassistant/api/webhook/x",
        "http://127.0.0.1:8123/hook",
        "http://127.8.9.10/",
        "http://[::1]:8080/",
        "http://localhost:8123/",
        "https://xn--bcher-kva.example/",
    ],
)
def test_https_anywhere_and_http_on_this_machine_are_taken_as_they_are(address: str) -> None:
    assert checked_address(address) == address


PRIVATE = [
    "http://192.168.1.5:8123/api/webhook/x",
    "http://[fd00::1]/",
    "http://ha.local/",
    "http://homeassistant:8123/",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_http_in_the_private_network_is_taken_if_the_operator_says_so(address: str) -> None:
    assert checked_address(address, private=True) == address
    with pytest.raises(BadRequest, match=r"push\.webhook_private allows"):
        checked_address(address)


@pytest.mark.parametrize(
    "address", ["http://example.org/", "http://8.8.8.8/", "http://local.example/", "ftp://10.0.0.1/"]
)
def test_nothing_else_is_private(address: str) -> None:
    with pytest.raises(BadRequest, match="begins with https://"):
        checked_address(address, private=True)


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("", "has 1 to 2048 characters"),
        ("https://h/" + "x" * 2048, "has 1 to 2048 characters"),
        ("https://example.org/a b", "no spaces"),
        ("https://example.org/\r\nX: y", "no spaces"),
        ("https://bücher.example/", "ASCII"),
        ("https://good.example\\@evil.example/", "ASCII"),
        ("https://me:TOPSECRET@example.org/", "must not hold a user or a password"),
        ("https://me@example.org/", "must not hold a user or a password"),
        ("https://@example.org/", "must not hold a user or a password"),
        ("http://127.0.0.1@example.org/", "must not hold a user or a password"),
        ("https:///hook", "needs a host"),
        ("https:example.org", "needs a host"),
        ("example.org/hook", "needs a host"),
        ("https://exa%6Dple.org/", "needs a host"),
        ("https://-example.org/", "needs a host"),
        ("https://example.org:99999/", "a host or a port that is none"),
        ("https://example.org:x/", "a host or a port that is none"),
        ("https://example.org:0/", "a host or a port that is none"),
        ("https://[::1/", "a host or a port that is none"),
        ("https://example.org/#TOPSECRET", "no #fragment"),
        ("http://example.org/", "begins with https://"),
        ("http://192.168.1.5/", "begins with https://"),
        ("http://127.0.0.1.example.org/", "begins with https://"),
        ("http://localhost.example.org/", "begins with https://"),
        ("http://0.0.0.0/", "begins with https://"),
        ("ftp://127.0.0.1/", "begins with https://"),
        ("file://127.0.0.1/etc/passwd", "begins with https://"),
    ],
)
def test_other_addresses_are_refused_with_a_sentence_that_does_not_quote_them(address: str, part: str) -> None:
    with pytest.raises(BadRequest) as caught:
        checked_address(address)
    assert part in str(caught.value)
    assert "TOPSECRET" not in str(caught.value)


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for candidate in (text, f"https://{text}", f"http://127.0.0.1{text}"):
        try:
            address = checked_address(candidate)
        except BadRequest:
            continue
        assert origin_of(address).lower().startswith(("https://", "http://127.0.0.1"))
        assert "@" not in origin_of(address)


def test_an_address_is_shown_without_its_query() -> None:
    assert shown_address("https://example.org:8443/hook?key=abc") == "https://example.org:8443/hook"
    assert origin_of("https://example.org:8443/hook?key=abc") == "https://example.org:8443"
