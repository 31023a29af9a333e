"""What the fake FCM does to messages on request: by what a token begins with, or all of them, by its mood.

Each is a row of a table; the command's help and the tests read them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import orjson

SLOW_MAX_S = 3600.0


class FakeReply(NamedTuple):
    """An HTTP answer, after `delay_s`; or, by `end`, no answer but silence or a TCP reset."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    end: Literal["answer", "hang", "reset"] = "answer"


def refusal(
    http: int,
    status: str,
    message: str,
    code: str = "",
    *,
    field: str = "",
    quota_of: str = "",
    headers: tuple[tuple[str, str], ...] = (),
) -> FakeReply:
    """FCM's error form: `code` is FCM's own, in an FcmError; `field` the one of the request that is at fault."""
    details: list[dict[str, Any]] = []
    if code:
        details.append({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})
    if field:
        violation = {"field": field, "description": message}
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]})
    if quota_of:
        violations = [{"subject": quota_of, "description": message}]
        details.append({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations})
    error = {"code": http, "message": message, "status": status, "details": details}
    return FakeReply(http, orjson.dumps({"error": error}), headers)


UNAUTHENTICATED = refusal(
    401, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token."
)
NOT_FOUND = refusal(404, "NOT_FOUND", "The requested URL was not found on this server.")
INVALID = "INVALID_ARGUMENT"


class RecentWords:
    """Remembers the newest `size` words."""

    def __init__(self, size: int) -> None:
        self._words: dict[str, None] = {}
        self._size = size

    def before(self, word: str) -> bool:
        """Whether `word` was asked for before; from now on it was."""
        known = word in self._words
        self._words[word] = None
        if len(self._words) > self._size:
            del self._words[next(iter(self._words))]
        return known


class Behaviour(NamedTuple):
    """What happens to a message whose token begins with `prefix`: `plan` gives the Reply, or None to deliver it."""

    prefix: str
    does: str
    plan: Callable[[str, RecentWords], FakeReply | None]


def _always(reply: FakeReply) -> Callable[[str, RecentWords], FakeReply | None]:
    return lambda token, seen: reply


def _slow(token: str, seen: RecentWords) -> FakeReply | None:
    match = re.match(r"slow(\d{1,6}(?:\.\d{1,6})?)", token)
    # The body is filled in on delivery.
    return FakeReply(200, b"", delay_s=min(float(match[1]), SLOW_MAX_S)) if match else None


_UNAVAILABLE = refusal(503, "UNAVAILABLE", "The service is currently unavailable.", "UNAVAILABLE")
_QUOTA = refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", "QUOTA_EXCEEDED")
_HANG = FakeReply(0, b"", end="hang")
_RESET = FakeReply(0, b"", end="reset")


def _flaky(token: str, seen: RecentWords) -> FakeReply | None:
    return None if seen.before(token) else _UNAVAILABLE


def _retry(token: str, seen: RecentWords) -> FakeReply | None:
    match = re.match(r"retry503-(\d{1,6})", token)
    return _UNAVAILABLE._replace(headers=(("Retry-After", match[1]),) if match else ())


BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour(
        "unregistered",
        "404 UNREGISTERED",
        _always(refusal(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED")),
    ),
    Behaviour(
        "mismatch",
        "403 SENDER_ID_MISMATCH",
        _always(refusal(403, "PERMISSION_DENIED", "SenderId mismatch", "SENDER_ID_MISMATCH")),
    ),
    Behaviour(
        "invalid",
        "400 INVALID_ARGUMENT, of the token",
        _always(refusal(400, INVALID, "The registration token is not a valid FCM registration token", INVALID)),
    ),
    Behaviour(
        "badpayload",
        "400 INVALID_ARGUMENT, of the data",
        _always(refusal(400, INVALID, "Invalid data payload key: from", INVALID, field="message.data")),
    ),
    Behaviour(
        "quotadevice",
        "429 QUOTA_EXCEEDED, of one device",
        _always(
            refusal(
                429,
                "RESOURCE_EXHAUSTED",
                "Device message rate exceeded.",
                "QUOTA_EXCEEDED",
                quota_of="device:fake",
            )
        ),
    ),
    Behaviour("quota", "429 QUOTA_EXCEEDED, Retry-After: 2", _always(_QUOTA._replace(headers=(("Retry-After", "2"),)))),
    Behaviour(
        "thirdparty",
        "401 THIRD_PARTY_AUTH_ERROR",
        _always(refusal(401, "UNAUTHENTICATED", "Auth error from APNS or Web Push", "THIRD_PARTY_AUTH_ERROR")),
    ),
    Behaviour("unavailable", "503 UNAVAILABLE", _always(_UNAVAILABLE)),
    Behaviour("retry503", "retry503-75…: 503 UNAVAILABLE, Retry-After: 75", _retry),
    Behaviour("gateway", "502 of a proxy on the way, in HTML", _always(FakeReply(502, b"<html>Bad Gateway</html>"))),
    Behaviour("internal", "500 INTERNAL", _always(refusal(500, "INTERNAL", "Internal error encountered.", "INTERNAL"))),
    Behaviour("slow", "slow2-…, slow0.5-…: delivered after so many seconds", _slow),
    Behaviour("hang", "never answered", _always(_HANG)),
    Behaviour("reset", "the connection is reset", _always(_RESET)),
    Behaviour("flaky", "503 the first time, then delivered", _flaky),
)


_PREFIXES = tuple(row.prefix for row in BEHAVIOURS)


def planned(target: str, seen: RecentWords) -> FakeReply | None:
    """What the target asks for, by the first row that fits; None to deliver. `seen` knows the flaky ones."""
    if not target.startswith(_PREFIXES):
        return None
    return next(row for row in BEHAVIOURS if target.startswith(row.prefix)).plan(target, seen)


MOODS: dict[str, tuple[str, FakeReply | None]] = {
    "ok": ("each message as its token says", None),
    "hang": ("no message is answered", _HANG),
    "unavailable": ("503 UNAVAILABLE", _UNAVAILABLE),
    "refuse": ("the connection is reset", _RESET),
    "quota": ("429 QUOTA_EXCEEDED, without Retry-After", _QUOTA),
    "unauthorized": ("401, whatever the access token", UNAUTHENTICATED),
}
"""What may befall all messages: name → (what it does, the reply)."""
