"""The HTTP client: whatever evd asks by itself, except for pushes through FCM (`push_pool`), goes through here.

A thin layer over httpx: one deadline for a whole request, a bound on the answer, errors of evd's own tree. An answer is
untrusted, so it must not choose whom evd talks to, nor what evd unpacks or remembers: no redirect is followed, nothing
is decompressed, no cookie is kept. Neither the environment's proxies nor netrc count.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Self

import httpx
import trio

from evd.errors import HttpBroken, HttpError, HttpTimeout
from evd.net.client.origin import origin_of
from evd.net.client.response import Response
from evd.net.client.transport import IDLE_MAX_S, default_ssl_context
from evd.version import VERSION

for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # what they log below it has addresses, which may hold keys

HEADERS = {
    "User-Agent": f"evd/{VERSION}",
    "Accept-Encoding": "identity",  # a body that is compressed all the same is given as it came
}


class HttpClient:
    """At most `connections_max` connections, to all hosts together, each with one request in flight.

    `timeout_s` (s) is for a whole request: the wait for a connection, connecting, sending, and the last byte of the
    answer, however slowly it drips. An answer's body may have `body_max` bytes, its head 100 KiB (httpcore's bound).
    A connection without a request is closed after `idle_max_s`. Certificates are verified by `ssl_context`.

    Nothing is sent twice: where a kept connection was closed in the moment in which it was used, that is HttpBroken.
    Errors name the origin of an address and never more, for its path and query may be secrets.
    """

    def __init__(
        self,
        *,
        connections_max: int,
        timeout_s: float,
        body_max: int,
        idle_max_s: float = IDLE_MAX_S,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._body_max = body_max
        self._client = httpx.AsyncClient(
            headers=HEADERS,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            verify=ssl_context or default_ssl_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(
                None
            ),  # httpx's begin anew with each byte: a cancel scope bounds the whole request instead
            limits=httpx.Limits(
                max_connections=connections_max,
                max_keepalive_connections=connections_max,
                keepalive_expiry=idle_max_s,
            ),
        )

    async def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        """Send one request and read its answer, whatever its status. A cancelled request closes its connection.

        Raises HttpTimeout after `timeout_s`, HttpBroken if there is no usable answer, and HttpError if the client is
        closed or the request cannot be written as HTTP.
        """
        with _named(url), trio.move_on_after(self._timeout_s):
            answer = await self._send(method, url, headers, body)
            try:
                return Response(answer.status_code, dict(answer.headers.items()), await self._read(answer))
            finally:
                await answer.aclose()
        raise self._too_late(url)

    async def deliver(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """POST something of whose answer only the status and the head count; the response has no body.

        The answer's body is read, as far as `request` would, so that the connection can be used again; whatever is
        wrong with it, the status stands. Raises as `request` does.
        """
        head: Response | None = None
        with _named(url), trio.move_on_after(self._timeout_s):
            answer = await self._send("POST", url, headers, body)
            head = Response(answer.status_code, dict(answer.headers.items()), b"")
            try:
                with suppress(httpx.HTTPError, HttpBroken):
                    await self._read(answer)
            finally:
                await answer.aclose()
        if head is None:
            raise self._too_late(url)
        return head

    async def aclose(self) -> None:
        """Close all connections; requests that have no answer raise HttpBroken, and further ones HttpError."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None
    ) -> httpx.Response:
        """The answer's head; the caller closes it."""
        if self._client.is_closed:
            raise HttpError(f"The connections to {origin_of(url)} are closed.")
        try:
            request = self._client.build_request(method, url, headers=headers, content=body)
        except (httpx.InvalidURL, ValueError, TypeError):
            raise _forbidden(url) from None
        request.stream = _Body(body or b"")
        return await self._client.send(request, stream=True)

    async def _read(self, answer: httpx.Response) -> bytes:
        """Raises HttpBroken for more than `body_max` bytes."""
        body = bytearray()
        # The loop is cancelled, never left: the generators in it would stay open until the collector comes.
        with trio.CancelScope() as enough:
            async for part in answer.aiter_raw():
                body += part
                if len(body) > self._body_max:
                    enough.cancel()
        if len(body) > self._body_max:
            raise HttpBroken(f"{origin_of(str(answer.url))} answered with a body of more than {self._body_max} bytes.")
        return bytes(body)

    def _too_late(self, url: str) -> HttpTimeout:
        return HttpTimeout(f"{origin_of(url)} did not answer within {self._timeout_s:g} s.")


@contextmanager
def _named(url: str) -> Iterator[None]:
    """httpx's errors become HttpError and its kinds, each one sentence that names the origin only."""
    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError):
        raise _forbidden(url) from None
    except httpx.ConnectError as error:
        cause = _innermost(error)
        what = "No TLS connection" if isinstance(cause, ssl.SSLError) else "Cannot connect"
        raise HttpBroken(f"{what} to {origin_of(url)}: {str(cause) or type(cause).__name__}.") from error
    except httpx.RemoteProtocolError as error:
        raise HttpBroken(f"{origin_of(url)} {_fault(str(error))}.") from error
    except httpx.HTTPError as error:
        raise HttpBroken(f"{origin_of(url)} broke the connection before its answer was complete.") from error


class _Body(httpx.AsyncByteStream):
    """A request's body. httpx's own is an async generator, which stays open where a server hangs up in between."""

    def __init__(self, body: bytes) -> None:
        self._parts = [body] if body else []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if not self._parts:
            raise StopAsyncIteration
        return self._parts.pop()


def _forbidden(url: str) -> HttpError:
    return HttpError(f"A request to {origin_of(url)} has an address or a header that HTTP forbids.")


def _innermost(error: BaseException) -> BaseException:
    """What a library's errors were made from (httpcore hides causes, not contexts); of several addresses, their sum."""
    while (before := error.__cause__ or error.__context__) and not isinstance(before, BaseExceptionGroup):
        error = before
    return error


def _fault(said: str) -> str:
    """What httpcore (its `_receive_event`) and h11 say of an answer that ends too early, or is no HTTP."""
    if said.startswith("Server disconnected"):
        return "closed the connection without an answer"
    if "peer closed connection" in said:
        return "closed the connection in the middle of its answer"
    return "answered with something that is not HTTP/1.1"
