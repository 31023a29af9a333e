"""Webhooks: a push as one signed POST of JSON, in the form of Standard Webhooks (standardwebhooks.com).

Only evd's admin adds webhooks, so an address may lie inside his own network; `evd.push.providers.webhook.address` says
which are taken.
"""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime
from typing import Any

import orjson

from evd.clock import Clock, now_ms
from evd.errors import DropRegistration, GiveUp, HttpError, PushError, RetryAfter
from evd.net.client.deadline import Poster
from evd.net.client.response import Response, retry_after_s
from evd.net.client.signature import Signer
from evd.push.protocols import STATE, Push
from evd.push.providers.webhook.address import origin_of
from evd.version import VERSION

ANSWER_MAX = 65_536
"""Bytes; what a receiver says beyond its status is not looked at."""

RETRY_MIN_S = 10.0
"""As for FCM: a receiver in trouble is left alone for a moment."""

RETRY_MAX_S = 3600.0
"""A Retry-After of a day would outlast every push that waits."""

GONE = 410
"""Standard Webhooks: the receiver wants no more of them."""


class WebhookPusher:
    """Posts to the addresses of registrations of kind `webhook`; blocks.

    What one receiver answers says nothing of the others, so it never asks for a pause and is never Unreachable: each
    failure is a RetryAfter of its own registration. `timeout_s` is as in `Poster`; `clock` gives epoch ms.
    """

    def __init__(
        self,
        signer: Signer,
        *,
        connections_max: int,
        timeout_s: float,
        clock: Clock = now_ms,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._signer = signer
        self._clock = clock
        self._poster = Poster(
            connections_max=connections_max, timeout_s=timeout_s, body_max=ANSWER_MAX, ssl_context=ssl_context
        )

    def send(self, push: Push) -> str:
        """See `Pusher.send`. Returns the message's `webhook-id`.

        Raises DropRegistration (410), GiveUp (the push cannot be written) or RetryAfter (anything else but 2xx).
        """
        identity, body, now = message_id(push), document(push), self._clock()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"evd/{VERSION}",
            "webhook-id": identity,
            "webhook-timestamp": str(now // 1000),
            "webhook-signature": self._signer.sign(identity, now // 1000, body),
        }
        try:
            answer = self._poster.post(push.target, headers, body)
        except HttpError as error:
            raise RetryAfter(f"The webhook at {origin_of(push.target)} gave {error}.", RETRY_MIN_S) from None
        refusal = read_answer(answer, origin_of(push.target), now / 1000)
        if refusal is not None:
            raise refusal
        return identity

    def close(self) -> None:
        self._poster.close()


def message_id(push: Push) -> str:
    """The same for each attempt of a push to a registration, another one for each other registration."""
    return f"{push.event_id}_{hashlib.sha256(push.target.encode()).hexdigest()[:16]}"


def document(push: Push) -> bytes:
    """`{"type", "timestamp", "data"}` as Standard Webhooks has them; the timestamp is when the vehicle said so.

    `data` has the status as the app is given it (`null` where an event has none), and of an event its kind, title and
    body, as a person reads them. Raises GiveUp if the push holds no status document.
    """
    try:
        status = orjson.loads(push.serialized or "{}")
        if not isinstance(status, dict):
            raise ValueError("it is no object")
        at = datetime.fromtimestamp(push.time_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError) as error:
        raise GiveUp(f"Push {push.event_id} cannot be written for a webhook: {error}.") from None
    data: dict[str, Any] = {
        "vehicle": status.get("vehicleId"),
        "event_id": push.event_id,
        "status": status if "id" in status else None,
    }
    if push.what != STATE:
        data |= {"event": push.what, "title": push.title, "body": push.body}
    kind = "status" if push.what == STATE else f"event.{push.what}"
    return orjson.dumps({"type": kind, "timestamp": at.replace("+00:00", "Z"), "data": data})


def read_answer(answer: Response, origin: str, now: float) -> PushError | None:
    """What is to be done, None if the push was taken; `now` is epoch s."""
    if 200 <= answer.status < 300:
        return None
    if answer.status == GONE:
        return DropRegistration(f"The webhook at {origin} wants no more pushes (410).")
    asked_s = retry_after_s(answer, now)
    wait_s = min(max(RETRY_MIN_S, asked_s or 0.0), RETRY_MAX_S)
    return RetryAfter(f"The webhook at {origin} did not take the push ({answer.status}).", wait_s)
