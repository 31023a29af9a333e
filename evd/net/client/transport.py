"""What the connections of both clients have in common: TLS, and for how long an idle one is trusted."""

from __future__ import annotations

import ssl

IDLE_MAX_S = 50.0
"""Routers and load balancers forget a silent connection, some after 60 s, and inform neither end of it; a request that
is sent into one waits for its whole deadline."""


def default_ssl_context() -> ssl.SSLContext:
    """Verifies the certificate and its name against the system's authorities, or those of SSL_CERT_FILE; TLS ≥ 1.2."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
