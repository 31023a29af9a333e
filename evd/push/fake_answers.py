"""What the fake FCM answers: messages checked about as FCM does, tokens issued and known again, failures on request.

No I/O and no clock in here: a request and the time go in, a `Reply` and the line of the record come out.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import parse_qs

import msgspec
import orjson

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = ("https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform")

# FCM's limits: of all keys and values of `data` together, and of a time to live (four weeks).
DATA_MAX_BYTES = 4096
TTL_MAX_S = 2_419_200

# What the fake remembers: access tokens, and registration tokens that began with `flaky`. The oldest go first.
ISSUED_MAX = 1000
FLAKY_MAX = 100_000

SLOW_MAX_S = 3600.0


class Reply(NamedTuple):
    """An HTTP answer, after `delay_s`; or, by `end`, no answer but silence or a TCP reset."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    end: Literal["answer", "hang", "reset"] = "answer"


def refusal(
    http: int, status: str, message: str, code: str = "", field: str = "", headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """FCM's error form: `code` is FCM's own, in an FcmError; `field` the one of the request that is at fault."""
    details: list[dict[str, Any]] = []
    if code:
        details.append({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})
    if field:
        violation = {"field": field, "description": message}
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]})
    error = {"code": http, "message": message, "status": status, "details": details}
    return Reply(http, orjson.dumps({"error": error}), headers)


UNAUTHENTICATED = refusal(
    401, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token."
)
NOT_FOUND = refusal(404, "NOT_FOUND", "The requested URL was not found on this server.")
INVALID = "INVALID_ARGUMENT"


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
    message: _Message
    validate_only: bool = False


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


class Seen:
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
    plan: Callable[[str, Seen], Reply | None]


def _always(reply: Reply) -> Callable[[str, Seen], Reply | None]:
    return lambda token, seen: reply


def _slow(token: str, seen: Seen) -> Reply | None:
    match = re.match(r"slow(\d{1,6}(?:\.\d{1,6})?)", token)
    # The body is filled in on delivery.
    return Reply(200, b"", delay_s=min(float(match[1]), SLOW_MAX_S)) if match else None


_UNAVAILABLE = refusal(503, "UNAVAILABLE", "The service is currently unavailable.", "UNAVAILABLE")


def _flaky(token: str, seen: Seen) -> Reply | None:
    return None if seen.before(token) else _UNAVAILABLE


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
        "quota",
        "429 QUOTA_EXCEEDED, Retry-After: 2",
        _always(
            refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", "QUOTA_EXCEEDED", headers=(("Retry-After", "2"),))
        ),
    ),
    Behaviour(
        "thirdparty",
        "401 THIRD_PARTY_AUTH_ERROR",
        _always(refusal(401, "UNAUTHENTICATED", "Auth error from APNS or Web Push", "THIRD_PARTY_AUTH_ERROR")),
    ),
    Behaviour("unavailable", "503 UNAVAILABLE", _always(_UNAVAILABLE)),
    Behaviour("internal", "500 INTERNAL", _always(refusal(500, "INTERNAL", "Internal error encountered.", "INTERNAL"))),
    Behaviour("slow", "slow2-…, slow0.5-…: delivered after so many seconds", _slow),
    Behaviour("hang", "never answered", _always(Reply(0, b"", end="hang"))),
    Behaviour("reset", "the connection is reset", _always(Reply(0, b"", end="reset"))),
    Behaviour("flaky", "503 the first time, then delivered", _flaky),
)


class Google:
    """The two endpoints. `answer` gives the reply and the line of the record, None for what is neither endpoint's."""

    def __init__(self, *, token_lifetime_s: int = 3599) -> None:
        self._lifetime_s = token_lifetime_s
        self._issued: dict[str, float] = {}  # access token → when it ends (epoch s)
        self._flaky = Seen(FLAKY_MAX)
        self._sent = 0

    def answer(
        self, method: bytes, path: bytes, authorization: bytes, body: bytes, now: float
    ) -> tuple[Reply, dict[str, Any] | None]:
        """`now` is epoch s. The record holds no secret of the sender: neither its assertion nor an access token."""
        if method != b"POST":
            return NOT_FOUND, None
        if path.endswith(b"/token"):  # Google's own address has had several paths
            reply = self._token(body, now)
            return reply, _line(now, "token", None, None, reply)
        match = re.fullmatch(rb"/v1/projects/([^/?]+)/messages:send", path)
        if match is None:
            return NOT_FOUND, None
        project = match[1].decode("latin-1")
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            document = None
        reply = self._send(project, authorization, document, now)
        message = document.get("message") if isinstance(document, dict) else None
        return reply, _line(now, "send", project, message, reply)

    def issue(self, token: str, until: float) -> None:
        """An access token that messages may be sent with until then (epoch s)."""
        self._issued[token] = until
        if len(self._issued) > ISSUED_MAX:
            del self._issued[next(iter(self._issued))]

    def revoke_tokens(self) -> None:
        """Every access token issued so far is answered 401."""
        self._issued.clear()

    def _send(self, project: str, authorization: bytes, document: Any, now: float) -> Reply:
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        if scheme != "Bearer" or self._issued.get(token, 0.0) <= now:
            return UNAUTHENTICATED
        if document is None:
            return refusal(400, INVALID, "Invalid JSON payload received.")
        try:
            message = msgspec.convert(document, _Send).message
        except msgspec.ValidationError as error:
            return refusal(400, INVALID, f"Invalid JSON payload received: {error}", field="message")
        fault = fault_of(message)
        if fault is not None:
            return refusal(400, INVALID, fault[1], INVALID, field=fault[0])
        self._sent += 1
        delivered = b'{"name":"projects/%b/messages/0:%d%%%x"}' % (project.encode(), now * 1_000_000, self._sent)
        for row in BEHAVIOURS:
            if message.token.startswith(row.prefix):
                reply = row.plan(message.token, self._flaky)
                if reply is None:
                    break
                return reply._replace(body=delivered) if reply.status == 200 else reply
        return Reply(200, delivered)

    def _token(self, body: bytes, now: float) -> Reply:
        """RFC 7523 §2.1 without the signature: the fake knows no keys."""
        form = parse_qs(body.decode("latin-1"))
        if form.get("grant_type") != [GRANT_TYPE]:
            return _oauth_error("unsupported_grant_type", f"Invalid grant_type: it must be {GRANT_TYPE}")
        fault = _assertion_fault(form.get("assertion", [""])[0], now)
        if fault:
            return _oauth_error("invalid_grant", fault)
        token = f"ya29.{secrets.token_urlsafe(32)}"
        self.issue(token, now + self._lifetime_s)
        return Reply(200, orjson.dumps({"access_token": token, "expires_in": self._lifetime_s, "token_type": "Bearer"}))


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


def _oauth_error(error: str, description: str) -> Reply:
    return Reply(400, orjson.dumps({"error": error, "error_description": description}))


def _line(now: float, kind: str, project: str | None, message: Any, reply: Reply) -> dict[str, Any]:
    return {"at": int(now * 1000), "kind": kind, "project": project, "message": message, "status": reply.status}
