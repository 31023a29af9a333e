"""A text of a support bundle loses what is secret by name, by shape, as an address, or because evd knows it."""

from __future__ import annotations

import pytest

from evd.cli.bundle_members import cleaned


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"url": "https://u:p@a.example/hook/s3cret?t=1"}', '{"url": "https://a.example"}'),
        ("smtps://u:pa/ss@a.example:465", "smtps://u"),
        ("https://a.example:8443/h?key=s3cret, and more", "https://a.example:8443 and more"),
        ("http://[::1]:8080/metrics", "http://[::1]:8080"),
        ("Authorization: Bearer abcdefghijklmnop0123", "Authorization: ***"),
        ("the word s3same stands here", "the word *** stands here"),
        ("evd.db 4096", "evd.db 4096"),
    ],
)
def test_a_text_loses_its_secrets_and_nothing_else(text: str, shown: str) -> None:
    assert cleaned(text, {"s3same": "***"}) == shown
