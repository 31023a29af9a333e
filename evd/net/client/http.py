"""The HTTP client for all of evd's own requests except pushes through FCM (`push_pool`).

A thin layer over httpx: one deadline for a whole request, a bound on the answer, and evd's own errors. Answers are
untrusted, so they must not decide whom evd connects to, or what it decompresses or stores: redirects are not followed,
nothing is decompressed, no cookie is kept. The environment's proxies and netrc are ignored.
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
from evd.net.client.base_url import origin_of
from evd.net.client.response import Response
from evd.net.client.transport import IDLE_MAX_S, default_ssl_context
from evd.version import VERSION

for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # lower levels log addresses, which may contain keys

HEADERS = {
    "User-Agent": f"evd/{VERSION}",
    "Accept-Encoding": "identity",  # a body that is compressed anyway is returned as it came
}


class HttpClient:
    """At most `connections_max` connections to all hosts together, each with one request in flight.

    `timeout_s` (s) bounds a whole request: the wait for a connection, connecting, sending, and the answer to its last
    byte, however slowly it comes. An answer's body may have `body_max` bytes, its head 100 KiB (httpcore's bound). A
    connection without a request is closed after `idle_max_s`. Certificates are verified by `ssl_context`.

    No request is sent twice: if the server closes a kept connection just as it is used, that is HttpBroken. Errors name
    only the origin of an address, because its path and query may be secrets.
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
            timeout=httpx.Timeout(None),  # httpx's restart with each byte, so a cancel scope bounds the whole request
            limits=httpx.Limits(
                max_connections=connections_max,
                max_keepalive_connections=connections_max,
                keepalive_expiry=idle_max_s,
            ),
        )

    async def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        """Send one request and return the answer, whatever its status. A cancelled request closes its connection.

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
        """POST a request for whose answer only status and head count; the response has no body.

        The answer's body is read up to the bound of `request`, so that the connection can be reused; errors in it are
        ignored. Raises as `request` does.
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
        """Close all connections; pending requests raise HttpBroken, and later ones HttpError."""
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
        """The answer's head; the caller closes the answer."""
        if self._client.is_closed:
            raise HttpError(f"The connections to {origin_of(url)} are closed.")
        try:
            request = self._client.build_request(method, url, headers=headers, content=body)
        except (httpx.InvalidURL, ValueError, TypeError):
            raise _forbidden(url) from None
        request.stream = _Body(body or b"")
        return await self._client.send(request, stream=True)

    async def _read(self, answer: httpx.Response) -> bytes:
        """The answer's body. Raises HttpBroken if it has more than `body_max` bytes."""
        body = bytearray()
        # The loop is cancelled, never left: generators in it would stay open until the garbage collector runs.
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
    """Translate httpx's errors to HttpError and its kinds, whose sentences name only the origin."""
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
    """A request's body. httpx's own is an async generator, which stays open if the server closes the connection."""

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
    """The original cause of a library's error (httpcore hides causes, not contexts); of several addresses, all."""
    while (before := error.__cause__ or error.__context__) and not isinstance(before, BaseExceptionGroup):
        error = before
    return error


def _fault(said: str) -> str:
    """A reason for httpcore's and h11's errors about an answer that ends too early or is not HTTP."""
    if said.startswith("Server disconnected"):
        return "closed the connection without an answer"
    if "peer closed connection" in said:
        return "closed the connection in the middle of its answer"
    return "answered with something that is not HTTP/1.1"
