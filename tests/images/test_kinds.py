"""Types of pictures, and their size, by their first bytes."""

from __future__ import annotations

from typing import Any

import pytest
from pictures_of import picture, webp_of

from evd.images.kinds import kind_of, webp_size


@pytest.mark.parametrize("how", [{"lossless": True}, {"lossless": False}, {"exif": b"Exif\0\0"}])
def test_the_size_of_a_webp_file_is_known_before_it_is_decoded(how: Any) -> None:
    assert webp_size(picture("WEBP", (123, 45), **how)) == (123, 45)
    assert webp_size(b"RIFF0000WEBPVP8 ") is None


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (webp_of(1, 1), (1, 1)),
        (webp_of(1 << 24, 1 << 24), (1 << 24, 1 << 24)),
        (b"RIFF0000WEBPVP8L\0\0\0\0\x2f\xff\xff\xff\xff", (1 << 14, 1 << 14)),
        (b"RIFF0000WEBPVP8L\0\0\0\0\x2e\xff\xff\xff\xff", None),
        (b"RIFF0000WEBPVP8 " + bytes(7) + b"\x9d\x01\x2a\xff\xff\x01\0", (0x3FFF, 1)),
        (b"RIFF0000WEBPVP8 " + bytes(7) + b"\x9d\x01\x2b\xff\xff\x01\0", None),
        (b"RIFF0000WEBPALPH", None),
        (b"", None),
    ],
    ids=[*"01234567"],
)
def test_the_size_stands_in_the_first_chunk_of_any_kind(content: bytes, size: Any) -> None:
    assert webp_size(content) == size


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"RIFF\n\n\n\nWEBP", "WEBP"),
        (b"\x89PNG\n\x1a\n", None),  # as a transfer in text mode leaves it
        (b" \xff\xd8\xff", None),
        (b"RIFF0000WAVE", None),
        (b"", None),
    ],
    ids=[*"0123456"],
)
def test_a_picture_is_what_its_first_bytes_say(content: bytes, name: str | None) -> None:
    found = kind_of(content)
    assert (found and found.name) == name
