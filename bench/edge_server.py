"""Two servers in a process of their own: evd's edge, and the least that trio can do for a callback.

python bench/edge_server.py edge PORT      evd.net.server.edge with a `take` that answers 201 and does nothing else
python bench/edge_server.py echo PORT      no HTTP: whatever comes is a request, and a ready-made 201 is its answer
"""

from __future__ import annotations

import argparse
import logging

import structlog
import trio

from evd.config.settings import Config
from evd.daemon import wiring
from evd.net.server.connection import Answer
from evd.net.server.edge import Edge
from evd.request.http import Reply, Request

BACKLOG = 1024
CREATED = Reply(201, b"", ())
READY_MADE = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


def take(request: Request, answer: Answer) -> None:
    answer(CREATED)


async def hand_over(stream: trio.abc.HalfCloseableStream) -> None:
    await stream.aclose()


async def serve_edge(listeners: list[trio.SocketListener]) -> None:
    logger = structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    config = Config()
    edge = Edge(
        take=take,
        is_ingest=lambda method, path: True,
        hand_over=hand_over,
        limits=wiring.edge_limits(config),
        log=logger,
        admission=wiring.admission(config),
    )
    await edge.serve(listeners)


async def echo(stream: trio.SocketStream) -> None:
    try:
        while await stream.receive_some(65536):
            await stream.send_all(READY_MADE)
    except trio.BrokenResourceError:
        pass  # the load ended


async def serve_echo(listeners: list[trio.SocketListener]) -> None:
    await trio.serve_listeners(echo, listeners)


SERVERS = {"edge": serve_edge, "echo": serve_echo}


async def main(server: str, port: int) -> None:
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1", backlog=BACKLOG)
    await SERVERS[server](listeners)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", choices=SERVERS)
    parser.add_argument("port", type=int)
    given = parser.parse_args()
    trio.run(main, given.server, given.port)
