"""A message to the fake FCM."""

from __future__ import annotations

from typing import Any

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
