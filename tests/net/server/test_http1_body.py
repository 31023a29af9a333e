"""The body of a request, by its length or chunk by chunk: bounded in bytes, chunks, trailers and turns."""

from __future__ import annotations

from itertools import product

import pytest

from evd.errors import BadRequest, TooLarge
from evd.net.server.http1_body import CHUNKS_MANY, STEPS_AT_ONCE, TRAILERS_MAX, Allowance, BodyWalk


@pytest.mark.parametrize("size", [1, 2, 7])
def test_tiny_chunks_are_joined_whatever_their_number_unless_it_is_bounded(size: int) -> None:
    content = bytes(range(256)) * 7
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in batched(content, size)) + b"0\r\n\r\n"
    number = -(-len(content) // size)
    for allowed, step in product((number, number - 1), (len(chunks), 100, 1)):
        walk = BodyWalk(None, Allowance(len(content), allowed))
        buffer, refused = b"", False
        for start in range(0, len(chunks), step):
            buffer += chunks[start : start + step]
            try:
                walk.step(buffer)
                while walk.paused:
                    buffer = buffer[walk.used :]
                    walk.step(buffer)
            except BadRequest as error:
                refused = str(error) == CHUNKS_MANY
                break
            buffer = buffer[walk.used :]
        assert (refused, walk.done) == ((allowed < number), (allowed == number))
        assert refused or bytes(walk.content) == content


def batched(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@pytest.mark.parametrize("broken", [b"1\r\nbc\r\n", b"1\r\nb\nc", b"1\r\n\r\n\r\r\n"])
def test_a_broken_chunk_behind_tiny_ones_is_refused(broken: bytes) -> None:
    with pytest.raises(BadRequest):
        BodyWalk(None, Allowance(100)).step(b"1\r\na\r\n" * 3 + broken + b"0\r\n\r\n")


def test_a_body_over_its_limit_is_refused_before_its_first_byte() -> None:
    BodyWalk(9, Allowance(9))
    with pytest.raises(TooLarge, match="over 9 bytes"):
        BodyWalk(10, Allowance(9))


@pytest.mark.parametrize("sizes", [(4, 6), (1,) * 10, (10,), (9, 1)])
def test_chunks_may_have_the_limit_together_and_not_one_byte_more(sizes: tuple[int, ...]) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (size, bytes(size)) for size in sizes) + b"0\r\n\r\n"
    walk = BodyWalk(None, Allowance(10))
    walk.step(chunks)
    assert (walk.done, walk.used, len(walk.content)) == (True, len(chunks), 10)
    with pytest.raises(TooLarge):
        BodyWalk(None, Allowance(9)).step(chunks)


def test_so_many_chunks_are_taken_before_others_have_their_turn() -> None:
    """Of different sizes; equal tiny ones count as one."""
    sizes = [1 + number % 2 for number in range(3 * STEPS_AT_ONCE)]
    buffer = b"".join(b"%x\r\n%b\r\n" % (size, bytes(size)) for size in sizes) + b"0\r\n\r\n"
    walk, turns = BodyWalk(None, Allowance(10_000)), 0
    while not walk.done:
        walk.step(buffer)
        turns += 1
        assert walk.paused is not walk.done
        buffer = buffer[walk.used :]
    assert (turns, len(walk.content)) == (4, sum(sizes))
    walk = BodyWalk(None, Allowance(10_000))
    walk.step(b"1\r\nx\r\n" * (3 * STEPS_AT_ONCE))
    assert (walk.paused, len(walk.content)) == (False, 3 * STEPS_AT_ONCE)


@pytest.mark.parametrize(("size", "fits"), [(TRAILERS_MAX, True), (TRAILERS_MAX + 1, False)])
def test_trailers_are_bounded_and_skipped(size: int, fits: bool) -> None:
    trailers = b"A: " + b"b" * (size - 7) + b"\r\n\r\n"
    walk = BodyWalk(None, Allowance(10))
    if fits:
        walk.step(b"0\r\n" + trailers)
        assert (walk.done, bytes(walk.content)) == (True, b"")
    else:
        with pytest.raises(BadRequest, match="malformed"):
            walk.step(b"0\r\n" + trailers)


def test_bytes_behind_a_body_are_left() -> None:
    for length, framed in ((2, b"ab"), (None, b"2\r\nab\r\n0\r\n\r\n")):
        walk = BodyWalk(length, Allowance(10))
        walk.step(framed + b"GET")
        assert (walk.done, walk.used, bytes(walk.content)) == (True, len(framed), b"ab")
