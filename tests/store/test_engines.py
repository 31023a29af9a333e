"""A new engine is a row of ENGINES, and nothing else: a daemon that is told its name runs on it."""

from __future__ import annotations

from pathlib import Path

import httpx
import msgspec
import pytest
import trio
from builders import NOW
from memory_engine import memory_engine

from evd.auth.api_keys import new_key
from evd.config.data_dir import DataDirectory
from evd.config.settings import AppSettings, Config
from evd.daemon.lifecycle import Daemon
from evd.model.operations import AddKey, AddOwner
from evd.store.engines import DEFAULT, ENGINES

SENT = {"device": "386625", "time": NOW // 1000, "data": "130a4c0f594e427e4bb45088", "seqNumber": 118}


def test_the_default_is_an_engine_whose_files_say_what_they_are(tmp_path: Path) -> None:
    files = ENGINES[DEFAULT].files(tmp_path / "evd.db")
    assert {"database", "log"} <= files.keys()
    assert {path.parent for path in files.values()} == {tmp_path}


async def test_a_daemon_on_another_engine_takes_a_callback_and_gives_the_last_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {role: new_key(role) for role in ("sigfox", "app")}
    first = [AddKey(key.key_id, key.role, key.digest, "", None, NOW) for _, key in keys.values()]
    monkeypatch.setitem(ENGINES, "memory", memory_engine([*first, AddOwner("anna", "386625", NOW)]))
    config = msgspec.structs.replace(Config(), app=AppSettings(trust_user_header=True))
    daemon = Daemon(DataDirectory(tmp_path), config, env={}, engine="memory")
    send, addresses = trio.open_memory_channel[list[str]](1)
    ended = trio.Event()
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            await daemon.run(["127.0.0.1:0"], until=ended.wait, ready=send.send_nowait)

        nursery.start_soon(run)
        (address,) = await addresses.receive()
        async with httpx.AsyncClient(base_url=f"http://{address}") as client:
            sender = {"x-api-key": keys["sigfox"][0]}
            answers = [await client.post("/sigfox/uplink", json=SENT, headers=sender) for _ in range(2)]
            asker = {"x-api-key": keys["app"][0], "userId": "anna"}
            last = await client.get("/v3/android/last", params={"vehicleId": "00386625"}, headers=asker)
            ready = await client.get("/readyz")
        ended.set()
    daemon.close()
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.headers["x-status-id"] for answer in answers}) == 1
    assert (last.status_code, last.json()["timestamp"], last.json()["state"]) == (200, NOW // 1000 * 1000, 0)
    assert (ready.status_code, daemon.state().ingest) == (200, {"newest": 1, "duplicate": 1})
    assert not await trio.Path(tmp_path / "evd.db").exists(), "nothing is kept by another engine"
