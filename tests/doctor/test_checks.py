"""Each check finds what it is for, on real files, sockets and databases; what cannot be made here is judged only."""

from __future__ import annotations

import os
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from socket import create_server
from typing import Any

import pytest
import trustme
from chain import Fcm, fake_fcm
from daemon_process import RunningDaemon, init, run_evd, running_daemon
from folders import ROOT

from evd.config.data_dir import DataDirectory
from evd.doctor import data, machine
from evd.doctor.checks import CHECKS, examined
from evd.doctor.finding import Diagnosis, Finding, exit_code, ok
from evd.doctor.place import look_around
from evd.store.sqlite.sqlite_library import SAFE_FROM, sqlite3

UNIT = ROOT / "systemd" / "evd.service"
BY_NAME = {check.name: check for check in CHECKS}


def examine(name: str, directory: Path, *, env: Mapping[str, str] | None = None, url: str = "") -> Diagnosis:
    place = look_around(DataDirectory(directory), env or {}, now_s=time.time(), url=url)
    return examined(BY_NAME[name], place)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    init(tmp_path / "evd")
    return tmp_path / "evd"


def damage(directory: Path) -> None:
    file = directory / "evd.db"
    content = bytearray(file.read_bytes())
    content[2048 * 3 : 2048 * 6] = bytes(2048 * 3)
    file.write_bytes(content)


def write_text(directory: Path) -> None:
    (directory / "evd.db").write_text("no database")


def age_keys(directory: Path) -> None:
    with sqlite3.connect(str(directory / "evd.db")) as connection:
        connection.execute("UPDATE keys SET created = created - 1000 * 86400 * 1000 WHERE role = 'app'")
    connection.close()


def revoke_keys(directory: Path) -> None:
    with sqlite3.connect(str(directory / "evd.db")) as connection:
        connection.execute("UPDATE keys SET revoked = created")
    connection.close()


def settings(text: str) -> Callable[[Path], None]:
    def write(directory: Path) -> None:
        (directory / "evd.toml").write_text(text)

    return write


def own_by_another(directory: Path) -> None:
    (directory / "alarms.json").touch()
    os.chown(directory / "alarms.json", 12345, 12345)


def grow_wal(directory: Path) -> None:
    settings("[alerts]\nlog_mib = 1\n")(directory)
    (directory / "evd.db-wal").write_bytes(bytes(2 << 20))


def open_to_all(directory: Path) -> None:
    directory.chmod(0o755)
    (directory / "evd.db").chmod(0o644)


def live_tomorrow(directory: Path) -> None:
    (directory / "alive").write_text(f"{int((time.time() + 86_400) * 1000):013d}\n")


@pytest.mark.parametrize(
    ("name", "make", "state", "what"),
    [
        ("settings", settings("[log]\nlevel = 'loud'\n"), "fail", "log.level is 'loud'"),
        ("settings", settings(""), "ok", "can be used"),
        ("daemon", lambda directory: None, "warn", "no evd runs in"),
        ("database", damage, "fail", "is damaged"),
        ("database", write_text, "fail", "is no SQLite database"),
        ("keys", write_text, "fail", "is no SQLite database"),
        ("database", lambda directory: (directory / "evd.db").unlink(), "fail", "there is no database"),
        ("database", lambda directory: None, "ok", "is whole"),
        ("wal", grow_wal, "warn", "evd.db-wal has 2 MiB"),
        ("disk", settings(f"[alerts]\ndisk_free_mib = {1 << 30}\ndisk_free_percent = 100\n"), "warn", "nearly full"),
        ("disk", settings("[alerts]\ndisk_free_mib = 0\n"), "ok", "MiB free of"),
        ("files", own_by_another, "fail", "alarms.json in"),
        ("files", open_to_all, "warn", "everyone on this machine may read evd.db"),
        ("files", lambda directory: None, "ok", "closed to others"),
        ("first-keys", lambda directory: (directory / "first-keys").touch(), "warn", "the first keys are still in"),
        ("keys", age_keys, "warn", "older than 2 years: first (app)"),
        ("keys", revoke_keys, "fail", "there is no key"),
        ("keys", lambda directory: None, "ok", "4 keys are in use"),
        ("user-header", settings("[app]\ntrust_user_header = true\n"), "warn", "insecure"),
        ("clock", live_tomorrow, "fail", "behind the time that evd saw last"),
        ("descriptors", settings("[server]\nconnections_max = 1000000\n"), "warn", "need 1000256"),
        ("alarms", lambda directory: None, "warn", "nobody gets a message of an alarm"),
        ("alarms", settings('[alerts]\nwebhook = "https://hooks.example.org"\n'), "skipped", "no evd runs"),
        ("fcm", lambda directory: None, "skipped", "no pushes are set up"),
        ("fcm", settings('[push]\ncredentials = "/no/such.json"\n'), "fail", "cannot read /no/such.json"),
        ("certificate", lambda directory: None, "skipped", "evd doctor --url"),
    ],
)
def test_a_finding(name: str, make: Callable[[Path], Any], state: str, what: str, directory: Path) -> None:
    if make is own_by_another and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    make(directory)
    verdict = examine(name, directory)
    assert (verdict.state, what in verdict.what) == (state, True), verdict
    assert bool(verdict.remedy) == (state in ("warn", "fail"))


@pytest.mark.parametrize(("env", "state"), [({}, "ok"), ({"FIREBASE_AUTH_EMULATOR_HOST": "x:1"}, "fail"),
                                            ({"FIRESTORE_EMULATOR_HOST": "x:1"}, "warn")])  # fmt: skip
def test_emulators(env: Mapping[str, str], state: str, directory: Path) -> None:
    assert examine("emulators", directory, env=env).state == state


UNIT_OK = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled", "FragmentPath": "/x"}


@pytest.mark.parametrize(
    ("judged", "state"),
    [
        (data.judge_sqlite((SAFE_FROM, SAFE_FROM)), "ok"),
        (data.judge_sqlite(((3, 51, 2), SAFE_FROM)), "fail"),
        (data.judge_daemon(data.DaemonSeen(Path("/x"), True, True, "", "")), "ok"),
        (data.judge_daemon(data.DaemonSeen(Path("/x"), True, False, "the disk is full", "")), "fail"),
        (data.judge_daemon(data.DaemonSeen(Path("/x"), False, False, "", "it did not answer")), "fail"),
        (data.judge_disk(data.DiskSeen(1 << 40, 1 << 41, 1 << 20, 1024, 5.0, True)), "fail"),
        (data.judge_disk(data.DiskSeen(1 << 40, 1 << 41, 10, 1024, 5.0, False)), "fail"),
        (data.judge_alarms(data.AlarmsSeen(["the disk is nearly full"], True, "evd stats")), "warn"),
        (data.judge_alarms(data.AlarmsSeen([], True, "evd stats")), "ok"),
        (machine.judge_clock(machine.ClockSeen(False, 0.0)), "warn"),
        (machine.judge_clock(machine.ClockSeen(True, 0.0)), "ok"),
        (machine.judge_clock(machine.ClockSeen(None, 0.0)), "skipped"),
        (machine.judge_versions(machine.VersionsSeen("2", "1", "cython", (3, 11, 7))), "warn"),
        (machine.judge_versions(machine.VersionsSeen("2", "2", "python", (3, 11, 7))), "warn"),
        (machine.judge_versions(machine.VersionsSeen("2", None, "cython", (3, 11, 7))), "ok"),
        (machine.judge_unit(machine.UnitSeen(None)), "skipped"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK)), "ok"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"LoadState": "not-found"})), "warn"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"ActiveState": "failed"})), "fail"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"UnitFileState": "disabled"})), "warn"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"NeedDaemonReload": "yes"})), "warn"),
        (machine.judge_unit(machine.UnitSeen(UNIT_OK | {"NRestarts": "9"})), "warn"),
        (machine.judge_hardening(machine.HardeningSeen(None, None)), "skipped"),
        (machine.judge_hardening(machine.HardeningSeen("/x", 1.1)), "ok"),
        (machine.judge_hardening(machine.HardeningSeen("/x", 9.2)), "warn"),
    ],
)
def test_a_judgement(judged: Diagnosis, state: str) -> None:
    assert judged.state == state
    assert bool(judged.remedy) == (state in ("warn", "fail"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_a_unit_that_was_weakened_is_found(tmp_path: Path) -> None:
    weak = tmp_path / "evd.service"
    text = UNIT.read_text("utf-8")
    weak.write_text("\n".join(line for line in text.splitlines() if not line.startswith(("Protect", "Private"))))
    found = machine.exposure(UNIT), machine.exposure(weak)
    assert [machine.judge_hardening(machine.HardeningSeen("/x", one)).state for one in found] == ["ok", "warn"], found


# ---- the certificate ----


@contextmanager
def showing(certificate: trustme.LeafCert, *, chain: bool = True) -> Iterator[str]:
    """A server of TLS, as a proxy in front; with `chain` false it forgets the certificates above its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if not chain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with certificate.private_key_pem.tempfile() as key, certificate.cert_chain_pems[0].tempfile() as leaf:
            context.load_cert_chain(leaf, key)
    with create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(2)
    serving.join(10)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def issued(authority: trustme.CA, days: float = 90) -> trustme.LeafCert:
    ends = datetime.now(timezone.utc) + timedelta(days=days)  # noqa: UP017
    return authority.issue_cert("evd.example.org", not_before=ends - timedelta(days=91), not_after=ends)


@pytest.mark.parametrize(
    ("days", "chain", "trusted", "state", "what"),
    [
        (90, True, True, "ok", "a trusted certificate without SNI, good for 89 days"),
        (10, True, True, "warn", "ends in 9 days"),
        (-1, True, True, "fail", "has ended"),
        (90, True, False, "fail", "Sigfox would refuse"),
        (90, False, True, "fail", "unable to get local issuer certificate"),
    ],
)
def test_the_certificate_that_a_client_without_sni_is_shown(
    days: float, chain: bool, trusted: bool, state: str, what: str,
    authority: trustme.CA, directory: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with authority.cert_pem.tempfile() as known:
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", known)
        with showing(issued(authority.create_child_ca(), days), chain=chain) as url:
            verdict = examine("certificate", directory, url=url)
    assert (verdict.state, what in verdict.what) == (state, True), verdict


def test_nobody_listens(directory: Path) -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert examine("certificate", directory, url=f"https://127.0.0.1:{port}").state == "fail"


# ---- FCM ----


@pytest.fixture(scope="module")
def fcm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fcm]:
    with fake_fcm(tmp_path_factory.mktemp("fcm")) as fake:
        yield fake


def test_fcm_validates_a_message_and_delivers_none(fcm: Fcm, directory: Path) -> None:
    (directory / "evd.toml").write_text(f'[push]\ncredentials = "{fcm.credentials}"\nendpoint = "{fcm.url}"\n')
    assert examine("fcm", directory) == ok("FCM takes messages of evd-demo")
    assert [one["topic"] for one in fcm.sent(1)] == ["evd-doctor"]


def test_an_fcm_that_is_not_there(fcm: Fcm, directory: Path) -> None:
    (directory / "evd.toml").write_text(f'[push]\ncredentials = "{fcm.credentials}"\nendpoint = "http://127.0.0.1:9"\n')
    verdict = examine("fcm", directory)
    assert (verdict.state, verdict.remedy) == ("fail", "check this machine's way to the internet")


# ---- the command, beside a daemon and without one ----


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


def test_the_command(directory: Path) -> None:
    settings("[log]\nlevel = 'loud'\n")(directory)
    done = run_evd("doctor", "--dir", directory)
    assert done.returncode == 2
    assert f"FAIL     settings     {directory}/evd.toml, line 2: log.level is" in done.stdout
    assert f"→ correct it: evd does not start with it: editor {directory}/evd.toml" in done.stdout
    nowhere = run_evd("doctor", "--dir", directory / "nowhere", "--json")
    assert (nowhere.returncode, nowhere.stderr) == (2, "")


@pytest.mark.parametrize(
    ("states", "code"), [([], 0), (["ok", "skipped"], 0), (["ok", "warn"], 1), (["warn", "fail"], 2)]
)
def test_exit_codes(states: list[Any], code: int) -> None:
    assert exit_code(Finding("x", state, "") for state in states) == code


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
