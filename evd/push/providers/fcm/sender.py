"""Firebase Cloud Messaging, HTTP v1: one POST for each message.

firebase-admin reads the credentials and encodes the message. A `PushPool` sends, because the SDK's own senders start a
thread for each message or need asyncio, and both send about 1,000 a second at most.
"""

from __future__ import annotations

import ssl
import time
from pathlib import Path
from typing import Self
from urllib.parse import quote

from evd.errors import HttpError, PushError, Unreachable
from evd.net.client.push_pool import PushPool
from evd.net.client.response import Response
from evd.net.client.retry_delay import FIRST_S
from evd.push.protocols import Push
from evd.push.providers.fcm.answers import THIRD_PARTY, read_answer, read_error
from evd.push.providers.fcm.credentials import AccessTokens, load_service_account
from evd.push.providers.fcm.message import encode
from evd.version import VERSION

FCM_URL = "https://fcm.googleapis.com"

ANSWER_MAX = 65_536
"""Bytes of an answer. FCM's have 100 to 1,000; more is not trusted."""


VALIDATED_ONLY = b'{"validate_only":true,"message":{"topic":"evd-doctor","data":{"check":"evd"}}}'
"""FCM's v1 `messages:send`: with `validate_only` it answers as usual and delivers nothing."""


class FcmPusher:
    """Sends through FCM as one Firebase project.

    Each wait in a `send` is bounded by the timeout: for another task's token request, for its own, for FCM's answer,
    and all three again if FCM refuses an access token that should still be valid.
    """

    def __init__(self, project_id: str, tokens: AccessTokens, transport: PushPool) -> None:
        self.project_id = project_id
        self._tokens = tokens
        self._transport = transport
        origin = transport.origin
        self._line_and_host = (
            f"POST {origin.prefix}/v1/projects/{quote(project_id, safe=':')}/messages:send HTTP/1.1\r\n"
            f"Host: {origin.netloc}\r\nUser-Agent: evd/{VERSION}\r\n"
        )
        self._head = b""
        self._head_token = ""

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
        """A pusher with the service account in `path`; `timeout_s` is for each request, at least 10 s by FCM's guide.

        Raises ConfigError if the file is no usable service account or `endpoint` is no address.
        """
        account = load_service_account(path)
        transport = PushPool(
            endpoint,
            connections_max=connections_max,
            timeout_s=timeout_s,
            body_max=ANSWER_MAX,
            ssl_context=ssl_context,
        )
        return cls(account.project_id, AccessTokens(account, timeout_s=timeout_s), transport)

    async def send(self, push: Push) -> str:
        """See `Pusher.send`. Returns FCM's name of the message, `projects/…/messages/…`.

        Of the kinds of PushError, a phone of another Firebase project is a ForeignSender, the project's quota a
        QuotaExceeded, and an FCM that is down, too slow or not there is Unreachable.
        """
        body = encode(push)
        token = await self._tokens.get()
        response = await self._post(token, body)
        if response.status == 401 and read_error(response.body).fcm_code != THIRD_PARTY:
            # The token may have been revoked; one retry shows that.
            self._tokens.forget(token)
            response = await self._post(await self._tokens.get(), body)
        answer = read_answer(response, push.target, time.time())
        if isinstance(answer, PushError):
            raise answer
        return answer

    async def validate(self) -> None:
        """Have FCM check the credentials and a message that it delivers to nobody. Raises PushError."""
        response = await self._post(await self._tokens.get(), VALIDATED_ONLY)
        answer = read_answer(response, "", time.time())
        if isinstance(answer, PushError):
            raise answer

    async def aclose(self) -> None:
        await self._tokens.aclose()
        await self._transport.aclose()

    async def _post(self, token: str, body: bytes) -> Response:
        if token != self._head_token:
            self._head, self._head_token = self._head_with(token), token
        try:
            return await self._transport.post(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        except HttpError as error:
            raise Unreachable(str(error), FIRST_S) from error

    def _head_with(self, token: str) -> bytes:
        """A request's head without the number at its end. AccessTokens ensures that a token has no line ends."""
        return (
            f"{self._line_and_host}Authorization: Bearer {token}\r\nContent-Type: application/json; charset=UTF-8\r\n"
            # Errors in the form that firebase-admin and ANSWERS read.
            "X-GOOG-API-FORMAT-VERSION: 2\r\nContent-Length: "
        ).encode("ascii")
