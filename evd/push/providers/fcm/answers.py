"""The meanings of FCM's answers: a table from status and error to what is done with the push."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, NamedTuple

import msgspec

from evd.errors import DropRegistration, ForeignSender, GiveUp, Pause, PushError, QuotaExceeded, RetryAfter, Unreachable
from evd.model.plain_text import excerpt
from evd.net.client.response import Response, retry_after_s
from evd.net.client.retry_delay import FIRST_S
from evd.redaction.requests import masked

QUOTA_WAIT_S = 60.0
"""The wait after a 429 without Retry-After, by the same guide."""

REFUSED_WAIT_S = 60.0
"""If the sender itself is refused, the operator must act; until then FCM is asked this often."""

WAIT_MAX_S = 3600.0
"""Bound of Retry-After: one of a day would outlast every message that waits."""

THIRD_PARTY = "THIRD_PARTY_AUTH_ERROR"
"""FCM's code if a service behind FCM (APNs, web push) refuses FCM, and not FCM the access token."""


def read_answer(response: Response, target: str, now: float) -> str | PushError:
    """The message's name, or what to do, by the first row of ANSWERS that fits. `now` is epoch s.

    `target`, the message's token, is removed from FCM's text.
    """
    if response.status == 200:
        try:
            return _ACCEPTED.decode(response.body).name
        except UNREADABLE:
            pass
    error = read_error(response.body)
    row = next(row for row in ANSWERS if row.fits(response.status, error))
    said = _clean(error.message, target, 200)
    wait_s = retry_after_s(response, now)
    wait_s = min(max(row.wait_s if wait_s is None else wait_s, FIRST_S), WAIT_MAX_S)
    fault = " ".join(filter(None, [str(response.status), _clean(error.code, target, 64)]))
    return row.verb(f"{row.means} (FCM: {fault}{': ' if said else ''}{said})", wait_s)


def _clean(text: str, target: str, length: int) -> str:
    """FCM's text, fit for logs and tables."""
    return excerpt(masked(text.replace(target, "…")[:SAID_MAX]), length)


# What msgspec raises for bytes that are not JSON, not of the expected shape, or nested too deeply.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


SAID_MAX = 4096
"""Characters of FCM's text that are examined."""


class _Accepted(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(pattern="^projects/")]


_ACCEPTED = msgspec.json.Decoder(_Accepted)


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
    """FCM's error (google.rpc.Status with FcmError, BadRequest and QuotaFailure among its details)."""

    status: str = ""
    message: str = ""
    details: list[_Detail] = []

    @property
    def code(self) -> str:
        """FCM's own code, such as UNREGISTERED; if it has none, Google's general one, such as NOT_FOUND."""
        return self.fcm_code or self.status

    @property
    def fcm_code(self) -> str:
        return next((d.errorCode for d in self.details if d.type.endswith("fcm.v1.FcmError")), "")

    @property
    def about_token(self) -> bool:
        """Whether an INVALID_ARGUMENT concerns the registration token, and not the rest of the message."""
        fields = [violation.field for detail in self.details for violation in detail.fieldViolations]
        if fields:
            return bool(self.fcm_code) and fields == ["message.token"]
        return bool(self.fcm_code) and bool(_INVALID_TOKEN.search(self.message))

    @property
    def about_device(self) -> bool:
        """Whether a quota is that of one device, and not that of the project."""
        subjects = [violation.subject for detail in self.details for violation in detail.violations]
        return "device" in " ".join([self.message, *subjects]).lower()


class _Envelope(msgspec.Struct):
    error: FcmError


def read_error(body: bytes) -> FcmError:
    """FCM's error, empty if it cannot be read."""
    try:
        return msgspec.json.decode(body, type=_Envelope).error
    except UNREADABLE:
        return FcmError()


Verb = Callable[[str, float], PushError]


def _drop(sentence: str, wait_s: float) -> PushError:
    return DropRegistration(sentence)


def _foreign(sentence: str, wait_s: float) -> PushError:
    return ForeignSender(sentence)


def _give_up(sentence: str, wait_s: float) -> PushError:
    return GiveUp(sentence)


def _any(error: FcmError) -> bool:
    return True


class Row(NamedTuple):
    """A possible answer of FCM: its HTTP status and error, what to do, and its meaning in words."""

    statuses: range
    says: Callable[[FcmError], bool]
    verb: Verb
    means: str
    wait_s: float = FIRST_S  # without Retry-After

    def fits(self, status: int, error: FcmError) -> bool:
        return status in self.statuses and self.says(error)


def _only(status: int) -> range:
    return range(status, status + 1)


def _code(code: str) -> Callable[[FcmError], bool]:
    return lambda error: error.fcm_code == code


ANSWERS: tuple[Row, ...] = (
    Row(_only(404), _code("UNREGISTERED"), _drop, "The app was uninstalled or has a new registration token."),
    Row(
        _only(403), _code("SENDER_ID_MISMATCH"), _foreign, "The registration token belongs to another Firebase project."
    ),
    Row(_only(400), lambda error: error.about_token, _drop, "The registration token is not one of FCM's."),
    Row(_only(400), _any, _give_up, "FCM does not accept this message."),
    Row(_only(413), _any, _give_up, "The message is too large for FCM."),
    Row(_only(429), lambda error: error.about_device, RetryAfter, "Too many messages to one phone.", QUOTA_WAIT_S),
    Row(_only(429), _any, QuotaExceeded, "The project's quota of messages is used up.", QUOTA_WAIT_S),
    Row(_only(401), _code(THIRD_PARTY), Pause, "FCM is refused by the service behind it.", REFUSED_WAIT_S),
    Row(_only(401), _any, Pause, "FCM refuses these credentials: check push.credentials.", REFUSED_WAIT_S),
    Row(_only(408), _any, RetryAfter, "FCM did not get the whole request in time."),
    Row(
        range(400, 500),
        _any,
        Pause,
        "FCM refuses the sender: check push.credentials, push.endpoint and that the project has the FCM API enabled.",
        REFUSED_WAIT_S,
    ),
    Row(range(500, 600), _any, Unreachable, "FCM is not available."),
    Row(range(1000), _any, Unreachable, "The answer is not FCM's: check push.endpoint."),
)
"""FCM's error codes (firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode) and its guide to token management; an
unknown answer removes no registration."""
