"""Webhooks: a push as one signed POST of JSON, in the form of Standard Webhooks (standardwebhooks.com).

Only an admin key adds webhooks, so an address may be inside the operator's own network;
`evd.push.providers.webhook.address` decides which are allowed.
"""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime
from typing import Any

import orjson

from evd.clock import Clock, now_ms
from evd.errors import DropRegistration, GiveUp, HttpError, PushError, RetryAfter
from evd.net.client.base_url import origin_of
from evd.net.client.http import HttpClient
from evd.net.client.response import Response, retry_after_s
from evd.net.client.retry_delay import FIRST_S
from evd.net.client.signature import Signer
from evd.push.protocols import STATE, Push
from evd.push.providers.webhook.shares import PATIENCE_S, ReceiverShares

ANSWER_MAX = 65_536
"""Bytes of an answer; only its status and head are used."""

RETRY_MAX_S = 3600.0
"""Bound of Retry-After: one of a day would outlast every push that waits."""

GONE = 410
"""By Standard Webhooks: the receiver wants no more pushes."""


class WebhookPusher:
    """Posts to the addresses of registrations of kind `webhook`.

    One receiver's answer says nothing about the others, so it never raises Pause or Unreachable: each failure is a
    RetryAfter of its own registration. `requests_max` and `patience_s` (s) are as in `ReceiverShares`.
    `timeout_s` (s) bounds the wait for others, and then the request and its answer; `clock` gives epoch ms.
    """

    def __init__(
        self,
        signer: Signer,
        *,
        requests_max: int,
        timeout_s: float,
        patience_s: float = PATIENCE_S,
        clock: Clock = now_ms,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._signer = signer
        self._clock = clock
        self._timeout_s = timeout_s
        self._shares = ReceiverShares(requests_max, patience_s=patience_s)
        self._http = HttpClient(
            connections_max=requests_max, timeout_s=timeout_s, body_max=ANSWER_MAX, ssl_context=ssl_context
        )

    async def send(self, push: Push) -> str:
        """See `Pusher.send`. Returns the message's `webhook-id`.

        Raises DropRegistration (410), GiveUp (the push cannot be written) or RetryAfter (anything else but 2xx).
        """
        origin, body = origin_of(push.target), document(push)
        async with self._shares.request(origin, self._timeout_s):
            now = self._clock()  # a receiver refuses an old signature
            try:
                answer = await self._http.deliver(push.target, self._headers(push, now, body), body)
            except HttpError as error:
                raise RetryAfter(f"The webhook at {origin} gave no answer: {error}", FIRST_S) from None
        refusal = read_answer(answer, origin, now / 1000)
        if refusal is not None:
            raise refusal
        return message_id(push)

    async def aclose(self) -> None:
        await self._http.aclose()

    def _headers(self, push: Push, now: int, body: bytes) -> dict[str, str]:
        identity = message_id(push)
        return {
            "Content-Type": "application/json",
            "webhook-id": identity,
            "webhook-timestamp": str(now // 1000),
            "webhook-signature": self._signer.sign(identity, now // 1000, body),
        }


def message_id(push: Push) -> str:
    """The `webhook-id`: the same for each attempt of a push to a registration, different for other registrations."""
    return f"{push.event_id}_{hashlib.sha256(push.target.encode()).hexdigest()[:16]}"


def document(push: Push) -> bytes:
    """`{"type", "timestamp", "data"}` in the form of Standard Webhooks; the timestamp is the push's `time_ms`.

    `data` has the status in the app's form (`null` if an event has none), and an event's kind, title and body, which
    are for people. Raises GiveUp if the push has no status document.
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
    """The error to raise for an answer; None if the push was taken. `now` is epoch s."""
    if 200 <= answer.status < 300:
        return None
    if answer.status == GONE:
        return DropRegistration(f"The webhook at {origin} wants no more pushes (410).")
    asked_s = retry_after_s(answer, now)
    wait_s = min(max(FIRST_S, asked_s or 0.0), RETRY_MAX_S)
    return RetryAfter(f"The webhook at {origin} did not take the push ({answer.status}).", wait_s)
