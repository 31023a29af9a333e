"""Who asks the API: an administrator or a user of the app, over one connection."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import httpx
from daemon_process import RunningDaemon


class Asking:
    def __init__(self, daemon: RunningDaemon, client: httpx.Client) -> None:
        self.daemon = daemon
        self._client = client

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str = "",
        key: str = "",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """`path` is below /api/v1. `key` is the role of the key that is shown: an administrator's, or with `user` the
        app's; `headers` stand instead of both."""
        if headers is None:
            headers = {"x-api-key": self.daemon.keys[key or ("app" if user else "admin")], "userId": user}
        return self._client.request(method, f"/api/v1{path}", headers=headers, json=body, content=content)

    def own(self, uid: str, vehicle: str, relation: str = "owner") -> None:
        assert self("POST", "/owners", {"uid": uid, "vehicle": vehicle, "relation": relation}).status_code == 201

    def send(self, vehicle: str, payload: str = "130a4c0f594e427e4bb45088", *, ago_s: int = 60, **more: Any) -> None:
        """A callback of Sigfox's."""
        document = {"device": vehicle, "time": int(time.time()) - ago_s, "data": payload, **more}
        headers = {"x-api-key": self.daemon.keys["sigfox"]}
        assert self._client.post("/sigfox/uplink", json=document, headers=headers).status_code == 201
