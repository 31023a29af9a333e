"""A connection that is handed over begins with the bytes that were read of it, and its writes have a deadline."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from evd.net.server.handover import ReplayStream
from evd.net.socket import PlainSocket

FIRST = b"GET / HTTP"


@pytest.fixture
async def pair() -> AsyncIterator[tuple[ReplayStream, socket.socket]]:
    """A handed-over stream of which some bytes were read, and the other end."""
    one, other = socket.socketpair()
    other.setblocking(False)
    stream = ReplayStream(PlainSocket(one), FIRST, write_s=0.1)
    yield stream, other
    await stream.aclose()
    other.close()


async def test_the_first_bytes_come_again_and_then_those_that_arrive(pair: tuple[ReplayStream, socket.socket]) -> None:
    stream, other = pair
    assert await stream.receive_some(4) == FIRST[:4]
    assert await stream.receive_some() == FIRST[4:]
    other.send(b"rest")
    assert await stream.receive_some(3) == b"res"
    assert await stream.receive_some(3) == b"t"
    got: list[bytes] = []
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def read() -> None:
            got.append(await stream.receive_some())

        await wait_all_tasks_blocked()
        other.shutdown(socket.SHUT_WR)
    assert got == [b""]


async def test_what_is_written_arrives_and_ends(pair: tuple[ReplayStream, socket.socket]) -> None:
    stream, other = pair
    await stream.send_all(bytearray(b"answer"))
    await stream.send_eof()
    assert (other.recv(100), other.recv(100)) == (b"answer", b"")


async def test_who_does_not_read_is_given_up_after_the_write_deadline(pair: tuple[ReplayStream, socket.socket]) -> None:
    stream, other = pair
    began = trio.current_time()
    with trio.fail_after(5), pytest.raises(trio.BrokenResourceError, match="does not read"):
        await stream.send_all(bytes(8 << 20))
    assert trio.current_time() - began >= 0.1
    assert other.recv(10) == bytes(10)


async def test_a_large_answer_is_sent_as_it_is_read(pair: tuple[ReplayStream, socket.socket]) -> None:
    stream, other = pair
    size, seen = 4 << 20, 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, bytes(size))
        with trio.fail_after(10):
            while seen < size:
                await trio.lowlevel.wait_readable(other)
                seen += len(other.recv(1 << 20))
    assert seen == size


async def test_a_client_that_is_gone_and_a_connection_closed_here_are_told_apart(
    pair: tuple[ReplayStream, socket.socket],
) -> None:
    stream, other = pair
    await stream.receive_some()
    other.close()
    with pytest.raises(trio.BrokenResourceError, match="gone"):
        await stream.send_all(b"x")
    for _ in range(2):
        await stream.aclose()
    for operation in (stream.receive_some, stream.send_eof, partial(stream.send_all, b"x")):
        with pytest.raises(trio.ClosedResourceError):
            await operation()


async def test_closing_ends_who_waits_for_bytes(pair: tuple[ReplayStream, socket.socket]) -> None:
    stream, _ = pair
    await stream.receive_some()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def read() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await stream.receive_some()

        await wait_all_tasks_blocked()
        await stream.aclose()
