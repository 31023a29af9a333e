"""A status that a daemon is sent, and the ids of those that it has on disk."""

from __future__ import annotations

from typing import Any

import httpx
from daemon_process import RunningDaemon

from evd.store.sqlite.connection import open_reader

TIME = 1_639_400_000


def post(daemon: RunningDaemon, number: int, client: Any = httpx) -> httpx.Response:
    document = {"device": f"{0x386625 + number % 7:X}", "time": TIME + number, "data": "130a4c0f", "seqNumber": number}
    answer: httpx.Response = client.post(
        f"{daemon.url}/sigfox/uplink", json=document, headers={"x-api-key": daemon.keys["sigfox"]}
    )
    return answer


def stored(daemon: RunningDaemon) -> set[str]:
    reader = open_reader(daemon.database)
    try:
        assert reader.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        return {identity for (identity,) in reader.execute("SELECT id FROM statuses")}
    finally:
        reader.close()
