"""The fake FCM, its service account, and pushers to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
from fcm_pusher import Account, Connect

from evd.dev.fake_fcm.server import FakeFcm, make_service_account
from evd.push.providers.fcm.sender import FcmPusher


@pytest.fixture(scope="module")
def account() -> Account:
    return make_service_account("evd-demo", "http://127.0.0.1:1/token")


@pytest.fixture
async def fake(nursery: trio.Nursery) -> FakeFcm:
    server = FakeFcm()
    await nursery.start(server.serve)
    return server


@pytest.fixture
async def connect(fake: FakeFcm, account: Account, tmp_path: Path) -> AsyncIterator[Connect]:
    """Makes pushers of the fake's credentials; they are closed afterwards."""
    made: list[FcmPusher] = []

    def make(endpoint: str = "", token_uri: str = "", timeout_s: float = 5, **more: Any) -> FcmPusher:
        path = tmp_path / "account.json"
        path.write_text(json.dumps({**account, "token_uri": token_uri or fake.token_uri}))
        pusher = FcmPusher.from_file(path, endpoint or fake.url, connections_max=8, timeout_s=timeout_s, **more)
        made.append(pusher)
        return pusher

    yield make
    for pusher in made:
        await pusher.aclose()
