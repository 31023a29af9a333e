"""All checks: beside a running evd, and for a user who may not read it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from socket import create_server

import pytest
import trustme
from daemon_process import RunningDaemon, run_evd, running_daemon
from doctor_place import examine, issued

from evd.config.data_dir import DataDirectory
from evd.doctor.checks import CHECKS, Check, examined
from evd.doctor.finding import ok
from evd.doctor.place import Surroundings, look_around
from evd.errors import ConfigError, StoreError


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[RunningDaemon]:
    folder = tmp_path_factory.mktemp("doctor")
    write(folder, authority)
    with create_server(("127.0.0.1", 0)) as free:
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    text = f'[server]\nbind = "{bind}"\ntls_cert = "{folder}/cert.pem"\ntls_key = "{folder}/key.pem"\n'
    with running_daemon(folder / "evd", settings=text, flags=["--bind", bind]) as running:
        yield running


def write(folder: Path, authority: trustme.CA) -> None:
    made = issued(authority)
    made.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))


def test_beside_a_running_evd(daemon: RunningDaemon, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, what in (
        ("daemon", "takes callbacks"), ("database", "is whole"), ("keys", "4 keys"), ("versions", "evd 0")
    ):  # fmt: skip
        verdict = examine(name, daemon.directory)
        assert (verdict.state, what in verdict.what) == ("ok", True), verdict
    assert examine("certificate", daemon.directory).state == "fail", "no authority of this machine has issued it"
    with authority.cert_pem.tempfile() as known:
        monkeypatch.setenv("SSL_CERT_FILE", known)
        assert examine("certificate", daemon.directory).state == "ok"
        write(daemon.directory.parent, authority)
        verdict = examine("certificate", daemon.directory)
        assert (verdict.state, verdict.command) == ("warn", f"evd reload --dir {daemon.directory}")
        assert run_evd("reload", "--dir", daemon.directory).returncode == 0
        assert examine("certificate", daemon.directory).state == "ok"


@pytest.mark.skipif(os.geteuid() != 0, reason="root can become another user")
def test_who_may_not_read_it_is_sent_to_root(directory: Path) -> None:
    for closed in (directory, *directory.parents):
        if closed.name.startswith("pytest-"):
            break
        closed.chmod(0o711)
    directory.chmod(0o700)
    os.seteuid(12345)
    try:
        found = [examine(name, directory) for name in ("settings", "daemon", "database", "wal", "files", "keys")]
    finally:
        os.seteuid(0)
    assert {(one.state, one.remedy) for one in found} == {("warn", "run this as root")}, found


@pytest.mark.parametrize(
    ("error", "state", "what", "remedy"),
    [
        (PermissionError(13, "denied", "/x/evd.db"), "warn", "/x/evd.db may not be read", "run this as root"),
        (PermissionError(13, "denied"), "warn", "/x may not be read", "run this as root"),
        (ConfigError("log.level is 'loud'"), "fail", "log.level is 'loud'", "correct it"),
        (StoreError("damaged"), "fail", "cannot be looked at: damaged", "see that it exists"),
        (FileNotFoundError(2, "no file", "/x/y"), "fail", "cannot be looked at", "see that it exists"),
        (subprocess.TimeoutExpired("systemctl", 20), "fail", "timed out after 20", "see that it exists"),
    ],
)
def test_a_check_that_cannot_look_is_a_finding(error: Exception, state: str, what: str, remedy: str) -> None:
    def look(place: Surroundings) -> None:
        raise error

    place = look_around(DataDirectory(Path("/x")), {}, now_s=0.0)
    verdict = examined(Check("x", look, ok), place)
    assert (verdict.state, what in verdict.what, remedy in verdict.remedy) == (state, True, True), verdict


def test_no_name_comes_twice() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
