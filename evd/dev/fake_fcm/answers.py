"""What the fake FCM answers: messages checked about as FCM does, tokens issued and known again, failures on request.

No I/O and no clock in here: a request and the time go in, a `FakeReply` and the line of the record come out.
"""

from __future__ import annotations

import base64
import functools
import re
import secrets
from collections import deque
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

import msgspec
import orjson

from evd.dev.fake_fcm.behaviours import (
    INVALID,
    MOODS,
    NOT_FOUND,
    SLOW_MAX_S,
    UNAUTHENTICATED,
    FakeReply,
    RecentWords,
    planned,
    refusal,
)

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = ("https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform")

# FCM's limits: of all keys and values of `data` together, and of a time to live (four weeks).
DATA_MAX_BYTES = 4096
TTL_MAX_S = 2_419_200

# What the fake remembers: access tokens, and registration tokens that began with `flaky`. The oldest go first.
ISSUED_MAX = 1000
FLAKY_MAX = 100_000

NEXT_MAX = 1000
"""Answers that are laid out for the messages to come."""


class _Android(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ttl: Annotated[str, msgspec.Meta(pattern=r"^\d{1,7}(\.\d{1,9})?s$")] = "2419200s"
    priority: Literal["normal", "high", "NORMAL", "HIGH"] = "normal"
    restricted_package_name: str = ""
    collapse_key: str = ""
    data: dict[str, str] = {}
    notification: dict[str, Any] = {}
    fcm_options: dict[str, Any] = {}
    direct_boot_ok: bool = False


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    token: str = ""
    fid: str = ""
    topic: str = ""
    condition: str = ""
    name: str = ""
    data: dict[str, str] = {}
    android: _Android = _Android()
    notification: dict[str, Any] = {}
    apns: dict[str, Any] = {}
    webpush: dict[str, Any] = {}
    fcm_options: dict[str, Any] = {}


class _Send(msgspec.Struct, forbid_unknown_fields=True):
    message: msgspec.Raw
    validate_only: bool = False


_SEND = msgspec.json.Decoder(_Send)
_MESSAGE = msgspec.json.Decoder(_Message)

# What msgspec raises for bytes that are no JSON, or not of the expected shape, or nested without end.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def fault_of(message: _Message) -> tuple[str, str] | None:
    """What FCM would not accept beyond types and names, as (field, sentence)."""
    targets = sum(map(bool, (message.token, message.fid, message.topic, message.condition)))
    if targets != 1:
        return "message.token", "Recipient of the message is not set, or there is more than one."
    if float(message.android.ttl[:-1]) > TTL_MAX_S:
        return "message.android.ttl", f"Invalid TTL: it is more than {TTL_MAX_S} s."
    for key in message.data:
        if key in ("from", "message_type") or key.startswith(("google.", "gcm.")):
            return "message.data", f"Invalid data payload key: {key}"
    if sum(len(key.encode()) + len(value.encode()) for key, value in message.data.items()) > DATA_MAX_BYTES:
        return "message.data", f"Android message is too big: data has more than {DATA_MAX_BYTES} bytes."
    return None


class _Mood(msgspec.Struct, forbid_unknown_fields=True):
    mood: str = "ok"
    latency_s: Annotated[float, msgspec.Meta(ge=0, le=SLOW_MAX_S)] = 0.0


class Google:
    """The two endpoints, and two of the fake's own. `answer` gives the reply and the line of the record.

    `sends` counts messages, `delivered` those that were answered 200.
    """

    def __init__(self, *, token_lifetime_s: int = 3599) -> None:
        self.sends = 0
        self.delivered = 0
        self._lifetime_s = token_lifetime_s
        self._issued: dict[bytes, float] = {}  # Authorization → when it ends (epoch s)
        self._flaky = RecentWords(FLAKY_MAX)
        self._latency_s = 0.0
        self._mood: FakeReply | None = None
        self._next: deque[FakeReply | None] = deque(maxlen=NEXT_MAX)
        self._token_reply: FakeReply | None = None

    def answer(
        self, method: bytes, path: bytes, authorization: bytes, body: bytes, now: float
    ) -> tuple[FakeReply, bytes | None]:
        """`now` is epoch s. The line is JSON, without its line end, and None for what is neither of FCM's endpoints.

        It holds no secret of the sender: neither its assertion nor an access token.
        """
        if method != b"POST":
            return self._own(method, path, body), None
        project = _project_in(path)
        if project is not None:
            return self._send(project, authorization, body, now)
        if path.endswith(b"/token"):  # Google's own address has had several paths
            reply = self._token(body, now)
            return reply, _line(now, b"token", b"null", b"null", reply)
        return NOT_FOUND, None

    def set_mood(self, mood: str, latency_s: float = 0.0) -> None:
        """What befalls all further messages, each after `latency_s`. Raises KeyError if there is no such mood."""
        self._mood = MOODS[mood][1]
        self._latency_s = latency_s

    def answer_next(self, *replies: FakeReply | None) -> None:
        """The next messages are answered so, one after the other; None: as its token says."""
        self._next.extend(replies)

    def refuse_tokens(self, reply: FakeReply | None) -> None:
        """Requests for access tokens are answered so; None: no more."""
        self._token_reply = reply

    def issue(self, token: str, until: float) -> None:
        """An access token that messages may be sent with until then (epoch s)."""
        self._issued[b"Bearer " + token.encode()] = until
        if len(self._issued) > ISSUED_MAX:
            del self._issued[next(iter(self._issued))]

    def revoke_tokens(self) -> None:
        """Every access token issued so far is answered 401."""
        self._issued.clear()

    def _own(self, method: bytes, path: bytes, body: bytes) -> FakeReply:
        if (method, path) == (b"GET", b"/counts"):
            return FakeReply(200, orjson.dumps({"sends": self.sends, "delivered": self.delivered}))
        if (method, path) != (b"PUT", b"/mood"):
            return NOT_FOUND
        try:
            asked = msgspec.json.decode(body, type=_Mood)
            self.set_mood(asked.mood, asked.latency_s)
        except (*UNREADABLE, KeyError):
            return refusal(400, INVALID, f"A mood is one of {', '.join(MOODS)}; latency_s is 0 to {SLOW_MAX_S:g} s.")
        return FakeReply(200, orjson.dumps({"mood": asked.mood, "latency_s": asked.latency_s}))

    def _send(self, project: bytes, authorization: bytes, body: bytes, now: float) -> tuple[FakeReply, bytes]:
        self.sends += 1
        try:
            raw = _SEND.decode(body).message
            text = bytes(raw)
            message: _Message | Exception = _MESSAGE.decode(raw)
        except UNREADABLE as error:
            text, message = _message_in(body), error
        scripted = self._next.popleft() if self._next else None
        if scripted is not None:
            reply = scripted
        elif self._mood is not None:
            reply = self._mood
        elif self._issued.get(authorization, 0.0) <= now:
            reply = UNAUTHENTICATED
        elif isinstance(message, Exception):
            field = "message" if isinstance(message, msgspec.ValidationError) else ""
            reply = refusal(400, INVALID, f"Invalid JSON payload received: {message}", field=field)
        else:
            reply = self._judge(project, message, now)
        if self._latency_s:
            reply = reply._replace(delay_s=reply.delay_s + self._latency_s)
        self.delivered += reply.status == 200
        if b"\n" in text:  # a line of the record is one line
            text = orjson.dumps(orjson.loads(text))
        return reply, _line(now, b"send", b'"%b"' % project, text, reply)

    def _judge(self, project: bytes, message: _Message, now: float) -> FakeReply:
        fault = fault_of(message)
        if fault is not None:
            return refusal(400, INVALID, fault[1], INVALID, field=fault[0])
        delivered = b'{"name":"projects/%b/messages/0:%d%%%08x"}' % (project, now * 1_000_000, self.sends)
        reply = planned(message.token or message.fid, self._flaky)
        if reply is None:
            return FakeReply(200, delivered)
        return reply._replace(body=delivered) if reply.status == 200 else reply

    def _token(self, body: bytes, now: float) -> FakeReply:
        """RFC 7523 §2.1 without the signature: the fake knows no keys."""
        if self._token_reply is not None:
            return self._token_reply
        form = parse_qs(body.decode("latin-1"))
        if form.get("grant_type") != [GRANT_TYPE]:
            return _oauth_error("unsupported_grant_type", f"Invalid grant_type: it must be {GRANT_TYPE}")
        fault = _assertion_fault(form.get("assertion", [""])[0], now)
        if fault:
            return _oauth_error("invalid_grant", fault)
        token = f"ya29.{secrets.token_urlsafe(32)}"
        self.issue(token, now + self._lifetime_s)
        return FakeReply(
            200, orjson.dumps({"access_token": token, "expires_in": self._lifetime_s, "token_type": "Bearer"})
        )


class _Claims(msgspec.Struct):
    iss: str
    scope: str
    exp: float


def _assertion_fault(assertion: str, now: float) -> str:
    parts = assertion.split(".")
    if len(parts) != 3:
        return "Bad Request"
    try:
        claims = msgspec.json.decode(_unbase64url(parts[1]), type=_Claims)
    except (ValueError, msgspec.MsgspecError):
        return "Invalid JWT: its claims are not JSON with iss, scope and exp"
    if claims.exp <= now:
        return "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe"
    if not set(claims.scope.split()) & set(SCOPES):
        return "Invalid scope: it allows no messages"
    return ""


def _unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _oauth_error(error: str, description: str) -> FakeReply:
    return FakeReply(400, orjson.dumps({"error": error, "error_description": description}))


@functools.lru_cache(64)
def _project_in(path: bytes) -> bytes | None:
    """The project of a path of messages:send, safe to be written into JSON."""
    match = re.fullmatch(rb"/v1/projects/([A-Za-z0-9:%._-]+)/messages:send", path)
    return match[1] if match else None


def _message_in(body: bytes) -> bytes:
    """Of a body that is refused: its message, for the record, or null."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return b"null"
    return orjson.dumps(document.get("message")) if isinstance(document, dict) else b"null"


def _line(now: float, kind: bytes, project: bytes, message: bytes, reply: FakeReply) -> bytes:
    return b'{"at":%d,"kind":"%b","project":%b,"message":%b,"status":%d}' % (
        now * 1000,
        kind,
        project,
        message,
        reply.status,
    )
