"""Base addresses, taken apart, and what of an address a log may say."""

from __future__ import annotations

import pytest

from evd.errors import ConfigError
from evd.net.client.base_url import origin_of, parse_base_url


@pytest.mark.parametrize(
    ("base", "host", "port", "netloc", "prefix"),
    [
        ("http://a", "a", 80, "a", ""),
        ("https://a/", "a", 443, "a", ""),
        ("https://a:443/v3/", "a", 443, "a", "/v3"),
        ("http://a:8080/x/y", "a", 8080, "a:8080", "/x/y"),
        ("http://[::1]:9", "::1", 9, "[::1]:9", ""),
    ],
)
def test_a_base_address_is_taken_apart(base: str, host: str, port: int, netloc: str, prefix: str) -> None:
    origin = parse_base_url(base)
    assert (origin.host, origin.port, origin.netloc, origin.prefix) == (host, port, netloc, prefix)


@pytest.mark.parametrize(
    "base",
    ["", "a", "ftp://a", "http://", "http:///x", "http://a:x", "http://a:70000", "http://[::1", "http://a?b",
     "http://a#b", "http://a/b c", "http://ä", "http://a\r\nX: y", "http://user:pa55@a"],
)  # fmt: skip
def test_what_is_no_base_address_is_one_sentence_without_a_password(base: str) -> None:
    with pytest.raises(ConfigError, match="is no base address") as caught:
        parse_base_url(base)
    assert "pa55" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://h:8443/a?b", "https://h:8443"),
        ("https://h?b", "https://h"),
        ("https://user:pa55@h/a", "https://h"),
        ("http://[::1]:9/a@b", "http://[::1]:9"),
    ],
)
def test_the_origin_of_an_address_holds_none_of_its_secrets(url: str, origin: str) -> None:
    assert origin_of(url) == origin
