"""The network's limits as the settings have them by default, with what a test needs otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evd.config.settings import Config
from evd.daemon import wiring
from evd.net.server.admission import Admission, AdmissionLimits
from evd.net.server.asgi import AsgiLimits
from evd.net.server.connection import EdgeLimits


def edge_limits(**changes: Any) -> EdgeLimits:
    return replace(wiring.edge_limits(Config()), **changes)


def asgi_limits(**changes: Any) -> AsgiLimits:
    return replace(wiring.asgi_limits(Config()), **changes)


def admission(permits: int = 1024) -> Admission:
    """One that keeps nobody out for the address or the bytes."""
    return Admission(AdmissionLimits(permits, permits, permits * 16_384, permits * 65_536))
