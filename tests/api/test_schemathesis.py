"""A running evd does what /openapi.json says: schemathesis asks it everything, with an administrator's key."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_process import RunningDaemon, clean_env, running_daemon

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = 2
"""Of each operation, besides those of the document and of the bounds of its types: half a minute."""
INGEST_LEFT_OUT = r"^/sigfox/(?!callback$|bidir/|batch$)"
"""Kinds of callback whose routes are read by the same code."""
ENOUGH_S = 240
"""On a busy machine."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    settings = "[app]\nkey_requests_per_s = 10000\nkey_requests_at_once = 10000\nstream_lasts_s = 1\n"
    with running_daemon(tmp_path_factory.mktemp("schemathesis") / "evd", settings=settings) as one:
        yield one


def test_schemathesis_finds_nothing(daemon: RunningDaemon, tmp_path: Path) -> None:
    found = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "run", f"{daemon.url}/openapi.json"),
            *("--header", f"x-api-key: {daemon.keys['admin']}"),
            *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing"),
            *("--max-examples", str(EXAMPLES), "--generation-deterministic", "--seed", "1", "--workers", "2"),
            *("--request-timeout", "10", "--suppress-health-check", "all"),
            *("--exclude-path", "/api/v1/stream"),  # each lasts as long as its settings say
            *("--exclude-path-regex", INGEST_LEFT_OUT),
        ],
        cwd=tmp_path,
        env=clean_env(),
        capture_output=True,
        text=True,
        timeout=ENOUGH_S,
    )
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
