"""Firebase's emulators as processes: Firestore is npm's @firestore-emulator/server, and Google's.

Google's keeps versions and gives pages, which npm's does not; it runs where gcloud and Java are installed.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from folders import ROOT

EMULATORS = ROOT / "tests" / "emulators"
AUTH_NODE_MIN = 20
"""What firebase-tools says it needs; Debian 12 has an older one."""

START_S = 60.0
"""Google's emulator starts a JVM."""


class Emulator(NamedTuple):
    variable: str
    host: str

    @property
    def env(self) -> Mapping[str, str]:
        return {self.variable: self.host}


def require_node(folder: Path, target: str) -> None:
    """Skips the test where there is no Node; fails where make was not asked for what runs in it."""
    if shutil.which("node") is None:
        pytest.skip("there is no Node, in which this emulator runs: apt-get install nodejs npm")
    if not (folder / "node_modules").exists():
        pytest.fail(f"the emulator is not installed: make {target}")


@contextmanager
def firestore_emulator() -> Iterator[Emulator]:
    require_node(EMULATORS, "emulators")
    with _process(["node", str(EMULATORS / "firestore.js")]) as process:
        yield Emulator("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{_port_said(process)}")


@contextmanager
def auth_emulator(project: str) -> Iterator[Emulator]:
    """Firebase's Auth emulator, of firebase-tools: it needs some 10 s to start."""
    folder = EMULATORS / "auth"
    require_node(folder, "auth-emulator")
    if (version := _node_version()) < AUTH_NODE_MIN:
        pytest.skip(f"firebase-tools needs Node {AUTH_NODE_MIN}, and this is Node {version}")
    with _process(["node", str(folder / "auth.js"), project]) as process:
        yield Emulator("FIREBASE_AUTH_EMULATOR_HOST", f"127.0.0.1:{_port_said(process)}")


def _node_version() -> int:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.lstrip("v").partition(".")[0])


def _port_said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    assert port, "the emulator has not started"
    return port


@contextmanager
def google_firestore_emulator() -> Iterator[Emulator]:
    """Google's; skips the test where it is not installed."""
    gcloud = shutil.which("gcloud")
    jar = (
        gcloud and Path(gcloud).resolve().parents[1] / "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
    )
    if not jar or not jar.exists() or shutil.which("java") is None:
        pytest.skip("Google's Firestore emulator is not installed: gcloud components install cloud-firestore-emulator")
    host = f"127.0.0.1:{free_port()}"
    main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    with _process(["java", "-cp", str(jar), main, "--host=127.0.0.1", f"--port={host.rpartition(':')[2]}"]):
        _wait_for(f"http://{host}/")
        yield Emulator("FIRESTORE_EMULATOR_HOST", host)


FIRESTORES = {"npm": firestore_emulator, "google": google_firestore_emulator}


@contextmanager
def storage_emulator(bucket: str) -> Iterator[Emulator]:
    port = free_port()
    code = (
        "from gcp_storage_emulator.server import create_server; import sys; "
        f"server = create_server('127.0.0.1', {port}, in_memory=True, default_bucket={bucket!r}); "
        "server.start(); sys.stdin.read(); server.stop()"
    )
    with _process([sys.executable, "-W", "ignore", "-c", code]):
        _wait_for(f"http://127.0.0.1:{port}/storage/v1/b/{bucket}")
        yield Emulator("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _process(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=dict(os.environ),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _wait_for(url: str) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            httpx.get(url, timeout=5)
            return
        except httpx.HTTPError:
            assert time.monotonic() < until, f"nothing answers at {url}"
            time.sleep(0.05)


def put_users(emulator: Emulator, project: str, users: Mapping[str, Mapping[str, Any]]) -> None:
    """Write whole documents `users/{uid}`, as the app would."""
    with firestore_client(emulator, project) as client:
        for uid, fields in users.items():
            client.document(f"users/{uid}").set(dict(fields))


def get_document(emulator: Emulator, project: str, path: str) -> Any:
    """The fields of a document; None if there is none."""
    with firestore_client(emulator, project) as client:
        return client.document(path).get().to_dict()


@contextmanager
def firestore_client(emulator: Emulator, project: str) -> Iterator[Any]:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import firestore

    before = os.environ.get(emulator.variable)
    os.environ[emulator.variable] = emulator.host  # read when a client is made
    try:
        client = firestore.Client(project=project, credentials=AnonymousCredentials())
    finally:
        os.environ.pop(emulator.variable)
        if before is not None:
            os.environ[emulator.variable] = before
    try:
        yield client
    finally:
        client.close()


def put_file(emulator: Emulator, bucket: str, name: str, content: bytes) -> None:
    """Write a file into Cloud Storage."""
    query = {"uploadType": "media", "name": name}
    httpx.post(f"{emulator.host}/upload/storage/v1/b/{bucket}/o", params=query, content=content).raise_for_status()
