"""Firebase Cloud Messaging, HTTP v1: one POST a message, and a table that turns FCM's answer into what to do next.

firebase-admin reads the credentials and writes the message; the sending is an `HttpPool`, because the SDK's own senders
start a thread a message or need asyncio.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import quote

import msgspec
from firebase_admin import messaging

from evd.errors import DropRegistration, GiveUp, HttpError, Pause, PushError, RetryAfter
from evd.httpclient import HttpPool, Response, retry_after_s
from evd.push import Push
from evd.push.credentials import AccessTokens, load_service_account

FCM_URL = "https://fcm.googleapis.com"

# FCM's answers have 100 to 1,000 bytes; they are not trusted to.
ANSWER_MAX = 65_536

# FCM's guide (Scale your FCM send requests): never before 10 s, and 60 s after a 429 that does not say.
RETRY_MIN_S = 10.0
QUOTA_WAIT_S = 60.0

# When the sender itself is refused, someone has to act; it is asked again this often.
REFUSED_WAIT_S = 60.0

# A Retry-After of a day would outlast every message that waits.
WAIT_MAX_S = 3600.0


class FcmPusher:
    """Sends through FCM as one Firebase project.

    Each wait in a `send` ends after the timeout: for another task's token request, for its own, for FCM's answer, and
    the three again if FCM refuses an access token that should still be good.
    """

    name = "fcm"

    def __init__(self, project_id: str, tokens: AccessTokens, pool: HttpPool) -> None:
        self.project_id = project_id
        self._tokens = tokens
        self._pool = pool
        self._path = f"/v1/projects/{quote(project_id, safe=':')}/messages:send"

    @classmethod
    def from_file(
        cls,
        path: Path,
        endpoint: str = FCM_URL,
        *,
        connections_max: int,
        timeout_s: float,
        ssl_context: ssl.SSLContext | None = None,
    ) -> Self:
        """A pusher with the service account in `path`. `timeout_s` is for each request; FCM's guide: not below 10 s.

        Raises ConfigError if the file is no usable service account or `endpoint` no address.
        """
        account = load_service_account(path)
        pool = HttpPool(
            endpoint,
            connections_max=connections_max,
            timeout_s=timeout_s,
            body_max=ANSWER_MAX,
            ssl_context=ssl_context,
        )
        return cls(account.project_id, AccessTokens(account, timeout_s=timeout_s), pool)

    async def send(self, push: Push) -> str:
        """See `Pusher.send`. Returns FCM's name of the message, `projects/…/messages/…`."""
        body = encode(push)
        token = await self._tokens.get()
        response = await self._post(token, body)
        if response.status == 401:
            # It may have been withdrawn before its time; once is enough to know.
            self._tokens.forget(token)
            response = await self._post(await self._tokens.get(), body)
        answer = read_answer(response, push.target, time.time())
        if isinstance(answer, PushError):
            raise answer
        return answer

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def _post(self, token: str, body: bytes) -> Response:
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json; charset=UTF-8",
            "X-GOOG-API-FORMAT-VERSION": "2",  # errors in the form that firebase-admin reads, and ERRORS below
        }
        try:
            return await self._pool.request("POST", self._path, headers, body)
        except HttpError as error:
            raise RetryAfter(str(error), RETRY_MIN_S) from error


def encode(push: Push) -> bytes:
    """The v1 message, in the form the original system sent. Raises GiveUp if firebase-admin refuses a part of it."""
    message = messaging.Message(
        data={"serialized": push.serialized},
        android=messaging.AndroidConfig(
            ttl=push.ttl_s, priority=push.priority, restricted_package_name=push.package or None
        ),
    )
    # Set here and not above, where firebase-admin warns that fid comes in place of token: a registration token is no
    # fid, and FCM keeps the two apart.
    message.token = push.target
    try:
        return f'{{"message": {message}}}'.encode()
    except ValueError as error:
        raise GiveUp(f"Push {push.id} cannot be written as an FCM message: {error}") from error


def read_answer(response: Response, target: str, now: float) -> str | PushError:
    """The message's name, or what is to be done: the first row of ANSWERS that fits. `now` is epoch s.

    `target`, the token the message was for, is taken out of whatever FCM says.
    """
    if response.status == 200:
        try:
            return msgspec.json.decode(response.body, type=_Accepted).name
        except UNREADABLE:
            pass
    error = _read_error(response.body)
    row = next(row for row in ANSWERS if row.fits(response.status, error))
    said = "".join(c for c in error.message.replace(target, "…")[:200] if c.isprintable())
    wait_s = retry_after_s(response, now)
    wait_s = min(max(row.wait_s if wait_s is None else wait_s, RETRY_MIN_S), WAIT_MAX_S)
    fault = " ".join(filter(None, [str(response.status), error.code]))
    return row.verb(f"{row.means} (FCM: {fault}{': ' if said else ''}{said})", wait_s)


# What msgspec raises for bytes that are no JSON, or not of the expected shape, or nested without end.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Accepted(msgspec.Struct):
    name: str


class _Violation(msgspec.Struct):
    field: str = ""
    subject: str = ""


class _Detail(msgspec.Struct):
    type: str = msgspec.field(name="@type", default="")
    errorCode: str = ""
    fieldViolations: list[_Violation] = []
    violations: list[_Violation] = []


_INVALID_TOKEN = re.compile(r"registration token is not|invalid registration", re.IGNORECASE)


class FcmError(msgspec.Struct):
    """What FCM says went wrong (google.rpc.Status with FcmError, BadRequest and QuotaFailure among its details)."""

    status: str = ""
    message: str = ""
    details: list[_Detail] = []

    @property
    def code(self) -> str:
        """FCM's own code, such as UNREGISTERED; Google's general one, such as NOT_FOUND, where FCM gives none."""
        return self.fcm_code or self.status

    @property
    def fcm_code(self) -> str:
        return next((d.errorCode for d in self.details if d.type.endswith("fcm.v1.FcmError")), "")

    @property
    def about_token(self) -> bool:
        """Whether an INVALID_ARGUMENT means the registration token, and not the rest of the message."""
        fields = [violation.field for detail in self.details for violation in detail.fieldViolations]
        if fields:
            return bool(self.fcm_code) and fields == ["message.token"]
        return bool(self.fcm_code) and bool(_INVALID_TOKEN.search(self.message))

    @property
    def about_device(self) -> bool:
        """Whether a quota is that of one device, and not the project's."""
        subjects = [violation.subject for detail in self.details for violation in detail.violations]
        return "device" in " ".join([self.message, *subjects]).lower()


class _Envelope(msgspec.Struct):
    error: FcmError


def _read_error(body: bytes) -> FcmError:
    try:
        return msgspec.json.decode(body, type=_Envelope).error
    except UNREADABLE:
        return FcmError()


Verb = Callable[[str, float], PushError]


def _drop(sentence: str, wait_s: float) -> PushError:
    return DropRegistration(sentence)


def _give_up(sentence: str, wait_s: float) -> PushError:
    return GiveUp(sentence)


def _any(error: FcmError) -> bool:
    return True


class Row(NamedTuple):
    """An answer FCM may give: its HTTP status, what its error says, what to do, and what that means in words."""

    statuses: range
    says: Callable[[FcmError], bool]
    verb: Verb
    means: str
    wait_s: float = RETRY_MIN_S  # without Retry-After

    def fits(self, status: int, error: FcmError) -> bool:
        return status in self.statuses and self.says(error)


def _only(status: int) -> range:
    return range(status, status + 1)


def _code(code: str) -> Callable[[FcmError], bool]:
    return lambda error: error.fcm_code == code


# FCM's ErrorCode table and its guide to token management; an answer nobody has foreseen removes nothing.
ANSWERS: tuple[Row, ...] = (
    Row(_only(404), _code("UNREGISTERED"), _drop, "The app was uninstalled or has a new registration token."),
    Row(_only(403), _code("SENDER_ID_MISMATCH"), _drop, "The registration token belongs to another Firebase project."),
    Row(_only(400), lambda e: e.about_token, _drop, "The registration token is not one of FCM's."),
    Row(_only(400), _any, _give_up, "FCM does not accept this message."),
    Row(_only(413), _any, _give_up, "The message is too large for FCM."),
    Row(_only(429), lambda e: e.about_device, RetryAfter, "Too many messages to one phone.", QUOTA_WAIT_S),
    Row(_only(429), _any, Pause, "The project's quota of messages is used up.", QUOTA_WAIT_S),
    Row(_only(401), _any, Pause, "FCM refuses these credentials: check push.credentials.", REFUSED_WAIT_S),
    Row(_only(408), _any, RetryAfter, "FCM did not get the whole request in time."),
    Row(
        range(400, 500),
        _any,
        Pause,
        "FCM refuses the sender: check push.credentials, push.endpoint and that the project has the FCM API enabled.",
        REFUSED_WAIT_S,
    ),
    Row(range(500, 600), _any, RetryAfter, "FCM is not available."),
    Row(range(1000), _any, RetryAfter, "The answer is not FCM's: check push.endpoint."),
)
