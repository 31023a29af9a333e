"""Requests that a browser sends on behalf of another site (CSRF): what changes something must come from a page of evd.

A browser sends a session's cookie by itself, so a cookie alone proves no intent. The CSRF token, in the header
X-CSRF-Token, can only be sent by a page that could read it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from evd.auth.sessions import has_csrf_token
from evd.errors import Forbidden

SAFE_METHODS = frozenset({"GET", "HEAD"})
"""They change nothing."""

HOST_HEADERS = (b"host", b"x-forwarded-host")
"""The second is written by a proxy that changes the first; no page of another site can make a browser send it."""


def require_intent(
    method: str, headers: Mapping[bytes, bytes], cookie: str, *, secure: bool, origins: Collection[str] = ()
) -> None:
    """Raise Forbidden if a request with a session's cookie may have been sent on behalf of another site."""
    if method in SAFE_METHODS:
        return
    require_own_origin(headers, secure=secure, origins=origins)
    if not has_csrf_token(headers, cookie):
        raise Forbidden("the CSRF token is missing or wrong: send the one of GET /api/v1/session as X-CSRF-Token")


def require_own_origin(headers: Mapping[bytes, bytes], *, secure: bool, origins: Collection[str] = ()) -> None:
    """Raise Forbidden if the request says that it comes from a page of another origin.

    `secure`: it came over TLS, so a page that did not is of another origin. `origins` are as good as evd's own
    (`server.cors_origins`).
    """
    origin = headers.get(b"origin")
    if origin is None or origin.decode("latin-1") in origins:
        return
    try:
        said = urlsplit(origin.decode("latin-1").lower())
    except ValueError:
        said = urlsplit("")
    schemes = ("https",) if secure else ("https", "http")
    hosts = {headers[name].decode("latin-1").lower() for name in HOST_HEADERS if name in headers}
    if said.scheme not in schemes or said.netloc not in {_without_port(host, said.scheme) for host in hosts}:
        raise Forbidden("the request comes from a page of another site: use evd's own address")


def _without_port(host: str, scheme: str) -> str:
    """A host as an Origin has it: without the port that its scheme implies."""
    return host.removesuffix(":443" if scheme == "https" else ":80")
