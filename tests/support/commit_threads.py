"""Both commit threads, in C and in Python, and a row to be written by them."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evd.store.sqlite import _commit_thread_py
from evd.store.sqlite.commit_thread import CommitThread

PACKAGE = Path(_commit_thread_py.__file__).parent


TWINS: dict[str, Any] = {"python": _commit_thread_py.CommitThread}
with contextlib.suppress(ImportError):
    from evd.store.sqlite import _commit_thread

    TWINS["cython"] = _commit_thread.CommitThread


needs_cython = pytest.mark.skipif("cython" not in TWINS, reason="the extension is not built")


ROW = {
    "place": 1 << 20,
    "timely": True,
    "time": 1_700_000_000_000,
    "seq": 7,
    "id": "00000000000000ff",
    "received": 1_700_000_000_001,
    "connectivity": 1,
    "payload": b"\x00\x13\xff",
    "fields": b'{"state":1}',
    "document": '{"name":"Ännchen 🚐"}'.encode(),
    "flags": "",
}


FIRST = (1 << 20, 1, 1_700_000_000_000, 7, "00000000000000ff", 1_700_000_000_001, 1, b"\x00\x13\xff")


TABLE = "SELECT * FROM statuses ORDER BY place"


COUNT = (1_700_000_000_000, 4095, 7, 2, 1)
"""Of a vehicle's frames: the newest one's time and seqNumber; received, lost, restarts."""


def put(committer: CommitThread, **others: Any) -> None:
    committer.put(*(ROW | others).values())


def readable(committer: CommitThread, timeout_s: float = 10) -> bool:
    return bool(select.select([committer.fd], [], [], timeout_s)[0])


def entries(directory: str) -> int:
    return sum(1 for _ in Path(directory).iterdir())


def tasks() -> int:
    """The process's threads, whoever started them."""
    return entries("/proc/self/task")


def until(condition: Callable[[], bool]) -> bool:
    """The kernel strikes a thread off its list a moment after it was joined."""
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        os.sched_yield()
    return condition()
