"""The sync and the mirror of a running daemon, against a Firestore emulator."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, init, run_evd, running_daemon
from firebase_emulators import FIRESTORES, Emulator, firestore_emulator, get_document, put_users

PROJECT = "demo-evd"
WITHIN_S = 30.0
SETTINGS = """
[app]
firebase_project = "demo-evd"
[firebase]
sync_seconds = 0.2
mirror = true
mirror_seconds = 1
timeout_s = 5
[ingest]
default_format = "charge::uint:8"
[log]
level = "debug"
"""
ZOE = {"id": "386625", "name": "Zoe", "regNumber": "", "maxVoltage": 230, "imageFilename": "zoe.jpg"}


@pytest.fixture(scope="module", params=["npm", pytest.param("google", marks=pytest.mark.nightly)])
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with FIRESTORES[request.param]() as one:
        yield one


class Site:
    """A daemon, and the documents of its users."""

    def __init__(self, daemon: RunningDaemon, emulator: Emulator) -> None:
        self.daemon = daemon
        self.emulator = emulator

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"x-api-key": self.daemon.keys["admin"]}
        answer = httpx.request(method, f"{self.daemon.url}/api/v1{path}", headers=headers, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def arrive(self, vehicle: str, charge: int, number: int) -> None:
        headers = {"x-api-key": self.daemon.keys["device"]}
        body = {"vehicleId": vehicle, "timestamp": 1_639_400_000_000 + number, "current_charge": charge, "state": 1}
        assert httpx.post(f"{self.daemon.url}/wlan", headers=headers, json=body).status_code == 201

    def owners(self) -> set[tuple[str, str]]:
        return {(row["uid"], row["vehicle"]) for row in self.ask("GET", "/owners")}

    def put(self, uid: str, *vehicles: dict[str, Any]) -> None:
        put_users(self.emulator, PROJECT, {uid: {"vehicles": {one["id"]: one for one in vehicles}, "language": "sk"}})

    def kept(self, path: str) -> Any:
        return get_document(self.emulator, PROJECT, path)


@pytest.fixture(scope="module")
def site(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("daemon") / "evd"
    with running_daemon(folder, env=emulator.env, flags=["--dev"], settings=SETTINGS) as daemon:
        yield Site(daemon, emulator)


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.05)


def test_a_vehicle_added_in_the_app_is_owned_and_mirrored_until_it_is_removed_there(site: Site) -> None:
    site.put("anna", ZOE)
    until(lambda: ("anna", "386625") in site.owners())
    assert site.ask("GET", "/vehicles/386625/profile")["name"] == "Zoe"
    site.arrive("386625", 76, 1)
    until(lambda: (site.kept("users/anna/statuses/386625") or {}).get("current_charge") == 76)
    status = site.kept("users/anna/statuses/386625")
    assert (status["vehicleId"], status["timestamp"], status["state"]) == ("386625", 1_639_400_000_001, 1)
    site.ask("PATCH", "/vehicles/386625/profile", {"name": "Renault", "maxVoltage": 400})
    until(lambda: site.kept("users/anna")["vehicles"]["386625"]["name"] == "Renault")
    kept = site.kept("users/anna")
    assert kept == {"vehicles": {"386625": {**ZOE, "name": "Renault", "maxVoltage": 400}}, "language": "sk"}
    site.put("anna", {**ZOE, "name": "Zoe 2", "maxVoltage": 400})
    until(lambda: site.ask("GET", "/vehicles/386625/profile")["name"] == "Zoe 2")
    site.put("anna")
    until(lambda: ("anna", "386625") not in site.owners())
    until(lambda: site.kept("users/anna/statuses/386625") is None)


def test_users_who_are_not_in_firestore_are_not_written_there(site: Site) -> None:
    site.put("ben", {**ZOE, "id": "CD2"})
    until(lambda: ("ben", "CD2") in site.owners())
    for uid, vehicle in (("local", "CD2"), ("ben", "EF3")):
        site.ask("POST", "/owners", {"uid": uid, "vehicle": vehicle})
    site.arrive("EF3", 5, 2)
    site.arrive("CD2", 50, 2)
    until(lambda: (site.kept("users/ben/statuses/CD2") or {}).get("current_charge") == 50)
    assert site.kept("users/local") is None and site.kept("users/local/statuses/CD2") is None
    assert site.kept("users/ben/statuses/EF3") is None, "her document does not have it"
    assert [*site.kept("users/ben")["vehicles"]] == ["CD2"]


@contextmanager
def started(folder: Path, env: Mapping[str, str], **more: Any) -> Iterator[RunningDaemon]:
    with running_daemon(folder / "evd", env=env, flags=["--dev"], **more) as daemon:
        yield daemon


def test_what_was_not_written_before_a_restart_is_written_after_it(tmp_path: Path) -> None:
    """Firestore is away meanwhile: callbacks are taken as ever."""
    with firestore_emulator() as emulator, started(tmp_path, emulator.env, settings=SETTINGS) as daemon:
        site = Site(daemon, emulator)
        site.put("anna", ZOE)
        until(lambda: ("anna", "386625") in site.owners())
        keys = daemon.keys
    with started(tmp_path, {emulator.variable: "127.0.0.1:9"}, keys=keys) as daemon:
        site = Site(daemon, emulator)
        site.arrive("386625", 10, 1)
        site.arrive("386625", 20, 2)
        daemon.event("Firestore is behind: it is tried again")
        daemon.event("Firestore was not read")
        assert site.owners() == {("anna", "386625")}
    with (
        firestore_emulator() as emulator,
        running_daemon(tmp_path / "evd", keys=keys, env=emulator.env, flags=["--dev"]) as daemon,
    ):
        site = Site(daemon, emulator)
        site.put("anna", ZOE)
        until(lambda: (site.kept("users/anna/statuses/386625") or {}).get("current_charge") == 20)


@pytest.mark.parametrize("variable", ["FIRESTORE_EMULATOR_HOST", "STORAGE_EMULATOR_HOST"])
def test_a_daemon_refuses_emulators(tmp_path: Path, variable: str) -> None:
    init(tmp_path / "evd")
    done = run_evd("serve", "--dir", tmp_path / "evd", "--bind", "127.0.0.1:0", env={variable: "127.0.0.1:9"})
    assert done.returncode == 2 and f"{variable} is set" in done.stderr and "evd serve --dev" in done.stderr
