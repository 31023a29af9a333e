"""What the tests of FCM's pusher share: a push, and servers that answer as a test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from evd.push.protocols import STATE, Push
from evd.push.providers.fcm.sender import FcmPusher

Account = dict[str, str]


def push(target: str = "phone", **changes: Any) -> Push:
    arguments: dict[str, Any] = {
        "target_kind": "token",
        "target": target,
        "what": STATE,
        "event_id": "s1",
        "time_ms": 1_700_000_000_000,
        "serialized": '{"vehicleId": "386625", "location": "Plzeň"}',
        "ttl_s": 60,
        "priority": "normal",
        "package": "com.martin.carcharge",
        **changes,
    }
    return Push(**arguments)


Connect = Callable[..., FcmPusher]


async def answer_all(nursery: trio.Nursery, answer: bytes) -> str:
    """A server that answers whatever comes with `answer`, and closes; returns its base URL."""

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some(65536)
            await stream.send_all(answer)

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, handle, listeners)
    return f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"


def http(status: int, body: bytes, more: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body
