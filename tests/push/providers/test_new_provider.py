"""A new push provider is a folder with its traits and its row in PROVIDERS, and nothing else."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import rows
from daemon_process import RunningDaemon, run_evd, running_daemon
from extended_tree import extended_tree

UNIX = '''
"""A Unix datagram socket on this machine: another program receives each push as a datagram of JSON."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import orjson
import trio

from evd.config.settings import Config
from evd.errors import BadRequest, RetryAfter
from evd.model.target_kinds import TargetKind
from evd.push.protocols import Push, Pusher
from evd.push.traits import AdminTargets, ProviderTraits


class UnixPusher:
    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    async def send(self, push: Push) -> str:
        datagram = {"event_id": push.event_id, "what": push.what, "status": orjson.loads(push.serialized)}
        try:
            self._socket.sendto(orjson.dumps(datagram), push.target)
        except OSError as error:
            raise RetryAfter(f"nobody reads the socket: {error.strerror}", 10.0) from None
        await trio.lowlevel.checkpoint()
        return push.event_id

    async def aclose(self) -> None:
        self._socket.close()
        await trio.lowlevel.checkpoint()


def opened(config: Config, env: Mapping[str, str]) -> Pusher:
    return UnixPusher()


def checked(text: str) -> str:
    if not text.startswith("/"):
        raise BadRequest("a socket is a whole path: begin it with /")
    return text


TRAITS = ProviderTraits(
    name="unix",
    kinds=(TargetKind("unix", personal=False, goes_stale=False, makes_room=False),),
    opened=opened,
    by_admin=AdminTargets(
        noun="socket",
        kind="unix",
        field="path",
        called="path",
        about="Unix sockets that receive each push as a datagram",
        checked=lambda text, config: checked(text),
        shown=str,
        recognizes=lambda text: text.startswith("/"),
    ),
)
'''
FILES = {
    "push/providers/unix/__init__.py": '"""Unix datagram sockets. Begin with `traits`."""\n',
    "push/providers/unix/traits.py": UNIX,
}
ROW = {
    "from evd.push.providers.webhook import traits as webhook\n": (
        "from evd.push.providers.unix import traits as unix\nfrom evd.push.providers.webhook import traits as webhook\n"
    ),
    "list[ProviderTraits] = [": "list[ProviderTraits] = [unix.TRAITS, ",
}
WAIT_S = 10.0
SETTINGS = "[app]\nregistrations_per_vehicle = 2\n[push]\nstale_after_days = 1\n"


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("unix")
    return extended_tree(folder, files=FILES, edits={"push/providers/__init__.py": ROW})


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("daemon") / "evd", env=env, settings=SETTINGS) as one:
        yield one


def register(daemon: RunningDaemon, vehicle: str, path: Path) -> httpx.Response:
    headers = {"x-api-key": daemon.keys["admin"]}
    return httpx.post(
        f"{daemon.url}/api/v1/sockets", json={"vehicle": vehicle, "path": str(path)}, headers=headers, timeout=WAIT_S
    )


def call_back(daemon: RunningDaemon, vehicle: str) -> str:
    """A status of the vehicle comes from Sigfox; its id."""
    body = {"timestamp": int(time.time()), "vehicleId": vehicle, "seqNumber": 1, "rawdata": "130a4c0f594e427e4bb45088"}
    answer = httpx.post(
        f"{daemon.url}/sigfox/uplink", json=body, headers={"x-api-key": daemon.keys["sigfox"]}, timeout=WAIT_S
    )
    assert answer.status_code == 201, answer.text
    return answer.headers["x-status-id"]


@contextmanager
def receiver(path: Path) -> Iterator[Callable[[], Any]]:
    """A program that reads the socket; gives what waits for the next push."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(path))
        one.settimeout(WAIT_S)
        yield lambda: json.loads(one.recv(65_536))


def test_a_callback_is_pushed_to_a_target_of_the_new_kind(daemon: RunningDaemon, tmp_path: Path) -> None:
    path = tmp_path / "a"
    with receiver(path) as next_push:
        assert register(daemon, "A1", path).json() == {"vehicle": "A1", "path": str(path)}
        status_id = call_back(daemon, "A1")
        push = next_push()
    assert (push["event_id"], push["what"], push["status"]["vehicleId"]) == (status_id, "state", "A1")


def test_its_traits_hold_for_its_targets(daemon: RunningDaemon, tmp_path: Path) -> None:
    """None makes room for another one, none is a user's, and a wrong one is refused in the provider's words."""
    first, second, third = (tmp_path / name for name in "123")
    assert [register(daemon, "B1", path).status_code for path in (first, second, third)] == [201, 201, 400]
    assert register(daemon, "B1", third).json()["detail"] == (
        "vehicle B1 has 2 registrations of kind unix: remove one, or raise app.registrations_per_vehicle"
    )
    assert register(daemon, "B1", Path("3")).json()["detail"] == "a socket is a whole path: begin it with /"
    found = rows(daemon.database, "SELECT personal, goes_stale, makes_room FROM target_kinds WHERE kind = 'unix'")
    assert found == [(0, 0, 0)]
    phones = httpx.get(f"{daemon.url}/api/v1/registrations", headers={"x-api-key": daemon.keys["admin"]})
    assert phones.json() == []


def test_it_has_commands_of_its_own(daemon: RunningDaemon, env: dict[str, str], tmp_path: Path) -> None:
    def evd(*arguments: str) -> Any:
        return run_evd(*arguments, env=env)

    where = ("--dir", str(daemon.directory))
    assert "socket" in evd("--help").stdout
    added = evd("socket", "add", "C1", str(tmp_path / "c"), *where)
    assert (added.returncode, added.stdout) == (0, f"{tmp_path / 'c'} receives the pushes of vehicle C1\n")
    (row,) = json.loads(evd("socket", "list", "C1", "--json", *where).stdout)
    assert (row["vehicle"], row["path"]) == ("C1", str(tmp_path / "c"))
    assert evd("socket", "remove", "C1", str(tmp_path / "c"), "--yes", *where).returncode == 0
    assert json.loads(evd("socket", "list", "C1", "--json", *where).stdout) == []
    assert evd("socket", "secret").returncode == 2, "its pushes are not signed"
