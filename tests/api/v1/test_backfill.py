"""The route that takes in what a backfill found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, running_daemon

from evd.sigfox_api.backfill.mapping import ITEMS_MAX


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("backfill") / "evd") as one:
        yield one


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "the body is invalid"),
        ([{"kind": "uplink"}], "the body is invalid"),
        ([{"kind": "gossip", "document": {}}], "no kind 'gossip'"),
        ([{"kind": "uplink", "document": {}}] * (ITEMS_MAX + 1), "at most 1000"),
    ],
)
def test_the_route_refuses_what_is_no_list_of_documents(daemon: RunningDaemon, body: Any, sentence: str) -> None:
    answer = httpx.post(f"{daemon.url}/api/v1/backfill", json=body, headers={"x-api-key": daemon.keys["admin"]})
    assert answer.status_code == 400
    assert sentence in answer.json()["detail"]


def test_the_route_refuses_what_is_nested_too_deep(daemon: RunningDaemon) -> None:
    body = b'[{"kind":"uplink","document":{"device":' + b"[" * 300 + b"]" * 300 + b"}}]"
    answer = httpx.post(f"{daemon.url}/api/v1/backfill", content=body, headers={"x-api-key": daemon.keys["admin"]})
    assert answer.status_code == 400
    assert "nested deeper" in answer.json()["detail"]


@pytest.mark.parametrize(("role", "status"), [("sigfox", 403), ("app", 403), ("device", 403), ("admin", 200)])
def test_only_an_admin_may_backfill(daemon: RunningDaemon, role: str, status: int) -> None:
    answer = httpx.post(f"{daemon.url}/api/v1/backfill", json=[], headers={"x-api-key": daemon.keys[role]})
    assert answer.status_code == status
