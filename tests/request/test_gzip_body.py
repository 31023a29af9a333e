"""gzip bodies are decompressed up to a limit, whatever they would expand to; what is no whole gzip is refused."""

from __future__ import annotations

import gzip
import zlib

import pytest

from evd.errors import BadRequest, TooLarge
from evd.request.gzip_body import MEMBERS_MAX, unzipped


def zipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize("members", [1, 2, MEMBERS_MAX])
def test_a_body_may_have_as_many_members_as_are_allowed(members: int) -> None:
    assert unzipped(zipped(b"ab") * members, 2 * members) == b"ab" * members


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "incomplete"),
        (b"{}", "is not gzip"),
        (zlib.compress(b"ab"), "is not gzip"),
        (zipped(b"ab")[:-1], "incomplete"),
        (zipped(b"ab")[:-5] + b"\0" + zipped(b"ab")[-4:], "is not gzip"),  # another checksum
        (zipped(b"ab") + b"\0", "incomplete"),
        (zipped(b"ab") + b"rest", "is not gzip"),
        (zipped(b"") * (MEMBERS_MAX + 1), "more than 16 gzip members"),
    ],
)
def test_what_is_no_whole_gzip_is_refused_with_a_sentence(body: bytes, says: str) -> None:
    with pytest.raises(BadRequest, match=says) as caught:
        unzipped(body, 100)
    assert caught.value.error == "Body parsing error"


@pytest.mark.parametrize("pieces", [1, 4])
def test_a_body_may_expand_to_its_limit_and_not_by_one_byte_more(pieces: int) -> None:
    body = zipped(bytes(1000 // pieces)) * pieces
    assert unzipped(body, 1000) == bytes(1000)
    with pytest.raises(TooLarge, match="more than 999 bytes"):
        unzipped(body, 999)
