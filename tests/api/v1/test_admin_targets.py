"""The routes of targets that an administrator registers, by those of webhooks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from daemon_process import RunningDaemon
from webhook_daemon import ask, webhook_daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with webhook_daemon(tmp_path_factory.mktemp("webhook") / "evd") as one:
        yield one


def test_a_webhook_is_removed_by_its_whole_address_or_by_what_is_shown_of_it_if_that_is_one(
    daemon: RunningDaemon,
) -> None:
    base = "https://hooks.example/b"
    for url in (f"{base}?1", f"{base}?2"):
        assert ask(daemon, "POST", {"vehicle": "F2", "url": url}).json() == {"vehicle": "F2", "url": base}
    refused = ask(daemon, "DELETE", {"vehicle": "F2", "url": base})
    assert refused.status_code == 400
    assert refused.json()["detail"] == "vehicle F2 has 2 webhooks at this address: write it whole"
    assert ask(daemon, "DELETE", {"vehicle": "F2", "url": f"{base}?2"}).status_code == 200
    assert ask(daemon, "DELETE", {"vehicle": "F2", "url": f"{base}?2"}).status_code == 404
    assert ask(daemon, "DELETE", {"vehicle": "F2", "url": base}).status_code == 200
    assert ask(daemon, "GET").json() == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("role", ["app", "device", "sigfox"])
def test_only_an_administrator_has_to_do_with_webhooks(daemon: RunningDaemon, method: str, role: str) -> None:
    body = None if method == "GET" else {"vehicle": "F3", "url": "https://hooks.example/"}
    assert ask(daemon, method, body, role=role).status_code == 403
