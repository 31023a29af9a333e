"""Lists of `/api/v1` and of the commands: who is given a part is told so, and can walk the rest."""

from __future__ import annotations

import json
import socket
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import NOW, arrival, new_store
from daemon_process import RunningDaemon, init, run_evd, running_daemon

from evd.auth.api_keys import imported_key
from evd.clock import now_ms
from evd.model.operations import (
    AddKey,
    AddOwner,
    NewEvent,
    Note,
    Outcome,
    Outcomes,
    QueueDownlink,
    RecordEvents,
    Register,
    Reject,
    SetDeviceType,
    SetVehicle,
)
from evd.net.client import control_socket

FLEET = 10_050
"""More than a page has."""

LONG_NAME = "é" * 100
"""With it a page of the fleet is more than the kernel holds of an answer that nobody reads."""

LISTS = (
    *("/vehicles?limit=4000", "/keys", "/owners", "/registrations", "/webhooks", "/device-types"),
    *("/downlinks", "/vehicles/A1/downlinks", "/log", "/vehicles/A1/log", "/vehicles/DAYS/days", "/rejections"),
    *("/events", "/vehicles/A1/events", "/events?kind=arrived"),
)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    directory = tmp_path_factory.mktemp("lists") / "evd"
    keys = init(directory)
    fill(directory / "evd.db")
    with running_daemon(directory, keys=keys) as running:
        yield running


def fill(path: Path) -> None:
    """Five of everything, and a fleet."""
    store, now = new_store(path, capacity=10), now_ms()
    store.write([arrival(f"{number:X}", time=now + number, now=now) for number in range(1, FLEET + 1)])
    store.write([SetVehicle(f"{number:X}", now, name=LONG_NAME) for number in range(1, FLEET + 1)])
    store.write([arrival("DAYS", time=now - day * 86_400_000, seq=100 - day, now=now) for day in range(5, 0, -1)])
    for number in range(5):
        key = imported_key("device", f"a secret of number {number}")
        store.write(
            [
                AddKey(key.key_id, key.role, key.digest, "", None, NOW),
                AddOwner(f"user {number}", "A1", NOW),
                AddOwner("user 0", f"B{number}", NOW),
                SetDeviceType(f"type {number}", "ev", NOW),
                SetVehicle(f"A{number}", NOW, format="ev"),
                Reject(NOW, "POST /wlan", "Bad request", "no", b"{}", b"%d" % number),
                QueueDownlink("A1", bytes([number] * 8), now, now + 9_999_999),
            ]
        )
        store.write(
            [
                Register("A1", "A1", f"phone {number}", "user 0", now),
                Register("A1", "A1", f"https://example.org/{number}", "webhook", now, "webhook"),
                Note(f"note {number}", "A1", "status", "info", now - number % 2, f"note {number}", b"{}", now),
                RecordEvents("A1", b"{}", (NewEvent("arrived", now + number, "", b'{"place":"home"}'),), now),
                Outcomes((Outcome(0, 0, "A1", "phone", "token", "state", "x", "taken", "id", now, now, now + number),)),
            ]
        )
    store.close()


def ask(daemon: RunningDaemon, path: str) -> httpx.Response:
    return httpx.get(daemon.url + path, headers={"x-api-key": daemon.keys["admin"]}, timeout=30)


def walk(daemon: RunningDaemon, path: str) -> list[Any]:
    """The documents of all pages."""
    documents: list[Any] = []
    following: str | None = f"/api/v1{path}"
    while following is not None:
        answer = ask(daemon, following)
        assert answer.status_code == 200, answer.text
        documents.append(answer.json())
        following = answer.links["next"]["url"] if "next" in answer.links else None
        assert len(documents) < 50
    return documents


@pytest.mark.parametrize("path", LISTS)
def test_the_pages_of_a_list_are_the_list(daemon: RunningDaemon, path: str) -> None:
    (whole, *cut), narrow = walk(daemon, path), "&limit=2" if "?" in path else "?limit=2"
    whole += [row for page in cut for row in page]
    assert len(whole) >= 5
    pages = [whole] if "limit" in path else walk(daemon, path + narrow)
    assert [row for page in pages for row in page] == whole
    assert all(len(page) <= 2 for page in pages) or "limit" in path
    assert len({json.dumps(row, sort_keys=True) for row in whole}) == len(whole)


def test_a_page_that_is_not_all_says_so(daemon: RunningDaemon) -> None:
    pages = walk(daemon, "/vehicles")
    assert list(map(len, pages)) == [10_000, FLEET + 1 - 10_000]


def test_what_waits_and_what_was_pushed_is_walked_together(daemon: RunningDaemon) -> None:
    (whole,), pages = walk(daemon, "/pushes"), walk(daemon, "/pushes?limit=3")
    assert len(whole["waiting"]) > 10 and len(whole["finished"]) == 5
    for part in ("waiting", "finished"):
        assert [row for page in pages for row in page[part]] == whole[part]
        assert all(len(page[part]) <= 3 for page in pages)


def test_whose_format_it_is_is_walked(daemon: RunningDaemon) -> None:
    pages = walk(daemon, "/formats/ev?limit=2")
    assert [one for page in pages for one in page["vehicles"]] == [f"A{number}" for number in range(5)]
    assert all(page["device_types"] == [f"type {number}" for number in range(5)] for page in pages)


@pytest.mark.parametrize("path", ["/vehicles", "/owners", "/log", "/pushes"])
def test_a_cursor_that_no_page_gave_is_refused_with_a_sentence(daemon: RunningDaemon, path: str) -> None:
    key = {"x-api-key": daemon.keys["admin"]}
    beyond = urlsafe_b64encode(b"[9999999999999999999]").decode()
    for cursor in ("", "x", "W251bGxd", "WzEsInRydWUiXQ", "é", "A" * 2000, beyond):
        answer = httpx.get(f"{daemon.url}/api/v1{path}", params={"cursor": cursor}, headers=key)
        assert answer.status_code == 400, cursor
        assert "which is not from a page of this list: follow its Link" in answer.json()["detail"]


def evd(daemon: RunningDaemon, *arguments: str) -> Any:
    done = run_evd(*arguments, "--dir", str(daemon.directory))
    assert done.returncode == 0, done.stderr
    return done


def test_the_command_shows_the_whole_fleet(daemon: RunningDaemon) -> None:
    assert len(json.loads(evd(daemon, "vehicle", "list", "--json").stdout)) == sum(map(len, walk(daemon, "/vehicles")))
    listed = evd(daemon, "vehicle", "list").stdout.splitlines()
    assert listed[0].split()[0] == "VEHICLE" and len(listed) == 1 + sum(map(len, walk(daemon, "/vehicles")))


@pytest.mark.parametrize(
    "arguments",
    [("event", "list"), ("vehicle", "log"), ("rejected", "list"), ("push", "list")],
    ids=" ".join,
)
def test_a_command_that_shows_a_part_says_so(daemon: RunningDaemon, arguments: tuple[str, ...]) -> None:
    part = evd(daemon, *arguments, "--limit", "2")
    assert part.stderr == "… there are more: a higher --limit shows them.\n"
    whole = evd(daemon, *arguments, "--limit", "100000")
    assert whole.stderr == "" and len(whole.stdout.splitlines()) > len(part.stdout.splitlines())


def unread(daemon: RunningDaemon) -> socket.socket:
    """Asks for a long page on a narrow connection, and reads its first byte only."""
    asking = socket.socket()
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    asking.settimeout(20)
    asking.connect(("127.0.0.1", int(daemon.url.rpartition(":")[2])))
    asking.sendall(f"GET /api/v1/vehicles HTTP/1.1\r\nHost: x\r\nx-api-key: {daemon.keys['admin']}\r\n\r\n".encode())
    assert asking.recv(1) == b"H"
    return asking


def test_who_lets_many_lists_wait_holds_their_own_permits_only(daemon: RunningDaemon) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(unread(daemon))) for _ in range(4)]
        assert run_evd("vehicle", "show", "A1", "--dir", daemon.directory).returncode == 0
        assert control_socket.page(daemon.directory / "evd.sock", "/vehicles?limit=1")[1] is not None
        began = time.monotonic()
        threading.Timer(0.3, slow[0].close).start()
        assert ask(daemon, "/api/v1/vehicles?limit=1").status_code == 200, "as soon as one of his own is gone"
        assert 0.3 <= time.monotonic() - began < 15
