"""A reload over real sockets: connections stay, new ones see the new certificate, a wrong file changes nothing."""

from __future__ import annotations

import json
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from daemon_process import RunningDaemon, run_evd, running_daemon

AUTHORITY = trustme.CA()
BODY = '{"device": "386625", "time": %d, "data": "130a4c0f", "seqNumber": %d}'


def write_certificate(folder: Path) -> None:
    made = AUTHORITY.issue_cert("127.0.0.1")
    made.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))


def settings(folder: Path, more: str = "") -> str:
    return f'[server]\ntls_cert = "{folder}/cert.pem"\ntls_key = "{folder}/key.pem"\n{more}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reload")


@pytest.fixture(scope="module")
def daemon(folder: Path) -> Iterator[RunningDaemon]:
    write_certificate(folder)
    with running_daemon(folder / "evd", settings=settings(folder)) as running:
        yield running


@pytest.fixture(autouse=True)
def unchanged(daemon: RunningDaemon, folder: Path) -> None:
    """Each test begins with the settings of the start."""
    (daemon.directory / "evd.toml").write_text(settings(folder))
    write_certificate(folder)
    reload(daemon)


def context() -> ssl.SSLContext:
    made = ssl.create_default_context()
    AUTHORITY.configure_trust(made)
    return made


def reload(daemon: RunningDaemon) -> dict[str, Any]:
    done = run_evd("reload", "--dir", daemon.directory, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shown_certificate(daemon: RunningDaemon) -> bytes | None:
    with (
        socket.create_connection(("127.0.0.1", httpx.URL(daemon.url).port or 0)) as raw,
        context().wrap_socket(raw, server_hostname="127.0.0.1") as tls,
    ):
        return tls.getpeercert(binary_form=True)


@contextmanager
def connected(daemon: RunningDaemon) -> Iterator[HTTPSConnection]:
    """One connection, which its answers must keep."""
    client = HTTPSConnection("127.0.0.1", httpx.URL(daemon.url).port, context=context(), timeout=10)
    client.connect()
    kept = client.sock
    yield client
    assert client.sock is kept, "the connection was closed"
    client.close()


def post(client: HTTPSConnection, daemon: RunningDaemon, number: int) -> int:
    headers = {"x-api-key": daemon.keys["sigfox"], "content-type": "application/json"}
    client.request("POST", "/sigfox/uplink", BODY % (1_639_400_000 + number, number), headers)
    with client.getresponse() as answer:
        answer.read()
        return answer.status


def read_stats(client: HTTPSConnection, daemon: RunningDaemon) -> int:
    client.request("GET", "/api/v1/stats", headers={"x-api-key": daemon.keys["admin"]})
    with client.getresponse() as answer:
        answer.read()
        return answer.status


def test_connections_live_on_and_new_ones_see_the_renewed_certificate(daemon: RunningDaemon, folder: Path) -> None:
    before = shown_certificate(daemon)
    with connected(daemon) as callbacks, connected(daemon) as handed_over:
        assert (post(callbacks, daemon, 1), read_stats(handed_over, daemon)) == (201, 200)
        write_certificate(folder)
        done = reload(daemon)
        assert done["certificate_renewed"]
        assert done["changed"] == done["needs_restart"] == []
        after = shown_certificate(daemon)
        assert after is not None
        assert after != before
        assert (post(callbacks, daemon, 2), read_stats(handed_over, daemon)) == (201, 200)


def test_a_hangup_reloads_too(daemon: RunningDaemon, folder: Path) -> None:
    before = shown_certificate(daemon)
    (daemon.directory / "evd.toml").write_text(settings(folder, "[sigfox]\ndownlink_expires_s = 61\n"))
    write_certificate(folder)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.event("reloaded", changed=["sigfox.downlink_expires_s: 604800 → 61"], certificate="renewed")
    assert shown_certificate(daemon) != before


def test_what_changes_is_said_and_what_needs_a_restart_is_named(daemon: RunningDaemon, folder: Path) -> None:
    more = '[log]\nlevel = "debug"\n[ingest]\nqueue_rows_max = 4242\n'
    (daemon.directory / "evd.toml").write_text(settings(folder, more))
    said = run_evd("reload", "--dir", daemon.directory).stdout.splitlines()
    assert said == ["Changed: log.level: info → debug", "Needs a restart: ingest.queue_rows_max: 16384 → 4242"]
    assert reload(daemon)["needs_restart"] == ["ingest.queue_rows_max: 16384 → 4242"]
    (daemon.directory / "evd.toml").write_text(settings(folder))
    reload(daemon)
    assert run_evd("reload", "--dir", daemon.directory).stdout == "Nothing has changed.\n"


LIMITS = "[app]\nkey_requests_at_once = 3\nkey_requests_per_s = 0.01\n"


def test_new_settings_are_in_force(daemon: RunningDaemon, folder: Path) -> None:
    more = f"{LIMITS}[alerts]\ndisk_free_mib = {1 << 30}\ndisk_free_percent = 100\n"
    with connected(daemon) as client:
        assert [read_stats(client, daemon) for _ in range(4)] == [200] * 4
        (daemon.directory / "evd.toml").write_text(settings(folder, more))
        reload(daemon)
        assert 429 in [read_stats(client, daemon) for _ in range(4)]
        daemon.event("alarm", alarm="disk_low", state="raised")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("cert.pem", "no certificate", "server.tls_cert and server.tls_key cannot be used"),
        ("evd/evd.toml", "[server", "not valid TOML"),
        ("evd/evd.toml", '[log]\nlevel = "loud"\n', "log.level is 'loud': it must be one of debug"),
        ("evd/evd.toml", '[server]\ntrusted_proxies = ["x"]\n', "server.trusted_proxies"),
    ],
)
def test_a_wrong_file_changes_nothing_and_is_one_sentence(
    daemon: RunningDaemon, folder: Path, name: str, text: str, sentence: str
) -> None:
    before = shown_certificate(daemon)
    (folder / name).write_text(text)
    done = run_evd("reload", "--dir", daemon.directory)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("evd: ")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert shown_certificate(daemon) == before
    daemon.event("reload refused: nothing has changed")


def test_where_nothing_runs_there_is_nothing_to_reload(tmp_path: Path) -> None:
    (tmp_path / "evd.db").touch()
    done = run_evd("reload", "--dir", tmp_path)
    assert (done.returncode, done.stderr) == (
        4,
        f"evd: no evd runs in {tmp_path}: there is nothing to reload, its next start reads everything\n",
    )
