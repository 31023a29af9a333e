"""requests with a bound on a whole answer: its own timeouts begin anew with each byte that a slow receiver drips."""

from __future__ import annotations

import http.client
import io
import logging
import socket
import ssl
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from evd.errors import HttpBroken, HttpTimeout
from evd.net.client.response import Response
from evd.net.client.transport import default_ssl_context

logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings and below quote addresses, which may hold keys


class _ReaderUntil(io.RawIOBase):
    """Reads a socket until a time of `time.monotonic`; then raises TimeoutError."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket = sock
        self._reader = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer takes too long")
        self._socket.settimeout(left_s)
        return self._reader.readinto(buffer)

    def close(self) -> None:
        self._reader.close()
        super().close()


class _TimedSocket:
    """All that http.client asks of the socket that an answer comes from."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        # urllib3 has just set what is left of the request's time as the socket's timeout.
        return io.BufferedReader(_ReaderUntil(self._socket, time.monotonic() + (self._socket.gettimeout() or 0)))


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(_TimedSocket(sock), *args, **options)  # type: ignore[arg-type]


class _BoundedConnection(HTTPConnection):
    response_class = _TimedResponse


class _TlsConnection(HTTPSConnection):
    response_class = _TimedResponse


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _BoundedConnection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def __init__(self, connections_max: int, ssl_context: ssl.SSLContext) -> None:
        self._ssl_context = ssl_context
        super().__init__(connections_max, connections_max, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, ssl_context=self._ssl_context)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """requests would read its own list of authorities into the context, for each connection anew."""
        conn.cert_reqs = "CERT_REQUIRED"


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Nowhere: requests would read all of a redirect's body, however long, even if it is not to follow."""
        return None


class Poster:
    """POSTs from several threads at once; `connections_max` connections at most are kept alive for each host.

    `timeout_s` (s) bounds a request from its connection to the last byte of the answer. It does not bound the resolver,
    and it counts anew for each address of a host that does not answer. Certificates are verified by `ssl_context`.

    Nothing is sent but what the caller gives, and to where the caller says: no redirect is followed, no cookie kept,
    and neither netrc nor the environment's proxies count.
    """

    def __init__(
        self, *, connections_max: int, timeout_s: float, body_max: int, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._timeout_s = timeout_s
        self._body_max = body_max
        self._session = _Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.clear()
        adapter = _Adapter(connections_max, ssl_context or default_ssl_context())
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)

    def post(self, url: str, headers: dict[str, str], body: bytes) -> Response:
        """The answer's status and head; its body is read, `body_max` bytes at most, to use the connection again.

        Raises HttpTimeout or HttpBroken, without the address, which may hold secrets.
        """
        timeout = urllib3.Timeout(total=self._timeout_s)
        try:
            answer = self._session.post(
                *(url, body),
                headers=headers,
                timeout=timeout,  # type: ignore[arg-type]  # requests hands it on to urllib3 as it is
                allow_redirects=False,
                stream=True,
            )
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise HttpTimeout(f"no answer within {self._timeout_s:g} s") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise HttpBroken(f"no answer ({_reason(error)})") from None
        try:
            answer.raw.read(self._body_max + 1, decode_content=False)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError):
            pass  # its status stands
        finally:
            answer.close()
        return Response(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, b"")

    def close(self) -> None:
        """Connections with a request in flight are closed when it ends."""
        self._session.close()


def _reason(error: BaseException) -> str:
    """The innermost cause's type: texts of these errors quote the address."""
    while isinstance(inner := getattr(error, "reason", None) or next(iter(error.args), None), BaseException):
        error = inner
    return type(error).__name__
