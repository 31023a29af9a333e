"""A callback that is no message, by its variables alone, and the report of it."""

from __future__ import annotations

from typing import Any

from evd.sigfox.network_reports import NetworkReport, report

NOW = 1_700_000_000_000
TIME = 1_639_400_000_000
HEAD = {"device": "386625", "time": TIME // 1000}


def reported(kind: str, /, **variables: Any) -> NetworkReport:
    """What one of the device of HEAD reports. Raises BadRequest."""
    return report(kind, HEAD | variables, now=NOW, raw=b"as received")
