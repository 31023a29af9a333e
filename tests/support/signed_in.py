"""Local users of the API: who adds them, signs in, and shows an access token."""

from __future__ import annotations

from typing import Any

import httpx
from daemon_process import RunningDaemon

PASSWORD = "correct horse battery"
VEHICLE, FOREIGN = "A1", "B1"


class Admin:
    """What an administrator does, with a key."""

    def __init__(self, daemon: RunningDaemon) -> None:
        self._base, self._headers = f"{daemon.url}/api/v1", {"x-api-key": daemon.keys["admin"]}

    def ask(self, method: str, path: str, status: int = 200, **body: Any) -> Any:
        answer = httpx.request(method, self._base + path, headers=self._headers, json=body or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    def add(self, uid: str, *, admin: bool = False) -> None:
        self.ask("POST", "/users", 201, uid=uid, password=PASSWORD, admin=admin)

    def own(self, uid: str, vehicle: str, method: str = "POST") -> None:
        self.ask(method, "/owners", 201 if method == "POST" else 200, uid=uid, vehicle=vehicle)

    def token(self, uid: str, *scopes: str, **given: Any) -> Any:
        return self.ask("POST", "/tokens", 201, uid=uid, scopes=scopes, **given)


def sign_in(browser: httpx.Client, user: str = "anna", password: str = PASSWORD, **headers: str) -> httpx.Response:
    answer = browser.post("/session", json={"user": user, "password": password}, headers=headers)
    if answer.status_code == 201:
        browser.headers["x-csrf-token"] = answer.json()["csrf_token"]
    return answer


def bearer(made: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {made['token']}"}
