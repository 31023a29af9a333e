"""Users of Firebase's own Auth emulator: they sign in to evd, and one that is disabled does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import running_daemon
from firebase_emulators import Emulator, auth_emulator

PROJECT = "demo-evd"


class Accounts:
    """The emulator's Identity Toolkit."""

    def __init__(self, emulator: Emulator) -> None:
        self._url = f"http://{emulator.host}/identitytoolkit.googleapis.com/v1"

    def sign_up(self, email: str) -> dict[str, Any]:
        """`localId` and `idToken`."""
        body = {"email": email, "password": "geheim-12", "returnSecureToken": True}
        answer = httpx.post(f"{self._url}/accounts:signUp?key=any", json=body)
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    def disable(self, uid: str) -> None:
        body = {"localId": uid, "disableUser": True}
        owner = {"authorization": "Bearer owner"}
        httpx.post(f"{self._url}/projects/{PROJECT}/accounts:update", json=body, headers=owner).raise_for_status()


@pytest.mark.nightly
def test_a_user_of_the_auth_emulator_signs_in_until_disabled(tmp_path: Path) -> None:
    with auth_emulator(PROJECT) as emulator:
        env = {**emulator.env, "EVD_APP__FIREBASE_PROJECT": PROJECT}
        with running_daemon(tmp_path / "evd", env=env, flags=["--dev"]) as daemon:
            accounts = Accounts(emulator)
            user = accounts.sign_up("anna@example.org")
            headers = {"x-api-key": daemon.keys["app"], "authorization": f"Bearer {user['idToken']}"}

            def asked(method: str, path: str) -> httpx.Response:
                return httpx.request(method, f"{daemon.url}/api/v1{path}", headers=headers)

            assert asked("GET", "/session").json()["uid"] == user["localId"]
            assert asked("POST", "/session").is_success
            accounts.disable(user["localId"])
            refused = asked("POST", "/session")
            assert refused.status_code == 401 and "UserDisabled" in refused.json()["detail"]
