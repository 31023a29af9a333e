"""A message to the fake FCM, and what it answers by itself, without a socket."""

from __future__ import annotations

import json
from typing import Any

from evd.dev.fake_fcm.answers import Google
from evd.net.client.http import HttpClient

SEND = b"/v1/projects/evd-demo/messages:send"


def message(token: str = "phone", **changes: Any) -> dict[str, Any]:
    return {"token": token, "data": {"serialized": "{}"}, "android": {"ttl": "60s", "priority": "normal"}, **changes}


STATUSES = {
    "unregistered": (404, "UNREGISTERED"),
    "mismatch": (403, "SENDER_ID_MISMATCH"),
    "invalid": (400, "INVALID_ARGUMENT"),
    "quota": (429, "QUOTA_EXCEEDED"),
    "quotadevice": (429, "QUOTA_EXCEEDED"),
    "badpayload": (400, "INVALID_ARGUMENT"),
    "thirdparty": (401, "THIRD_PARTY_AUTH_ERROR"),
    "unavailable": (503, "UNAVAILABLE"),
    "retry503-75": (503, "UNAVAILABLE"),
    "internal": (500, "INTERNAL"),
}


def http_client(timeout_s: float = 5, **more: Any) -> HttpClient:
    return HttpClient(connections_max=8, timeout_s=timeout_s, body_max=10_000, **more)


NOW = 1_700_000_000.0


def google() -> Google:
    made = Google()
    made.issue("good", NOW + 60)
    return made


def ask(document: Any, fake: Google | None = None) -> tuple[int, dict[str, Any], dict[str, Any] | None]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    reply, line = (fake or google()).answer(b"POST", SEND, b"Bearer good", body, NOW)
    return reply.status, json.loads(reply.body) if reply.body else {}, recorded(line)


def recorded(line: bytes | None) -> dict[str, Any] | None:
    return None if line is None else json.loads(line)
