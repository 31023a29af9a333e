"""What the connections of both clients have in common: TLS, and how long an idle connection may be reused."""

from __future__ import annotations

import ssl

IDLE_MAX_S = 50.0
"""Routers and load balancers drop a silent connection, some after 60 s, without informing either end; a request sent on
it would wait until its deadline."""


def default_ssl_context() -> ssl.SSLContext:
    """Verifies certificate and name by the system's authorities, or by those of SSL_CERT_FILE; TLS 1.2 and newer."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
