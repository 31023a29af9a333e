"""Every class of secrets that evd issues or is given is used, rightly and wrongly, and then looked for everywhere.

tests/system/test_canaries.py has the secrets that strangers send; these are evd's own: none may be in a log, in the
database, in a backup, an export, a dump in SQL or the support bundle, but where evd cannot work without it.
"""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
from daemon_process import RunningDaemon, run_evd, running_daemon
from signed_in import Admin

from evd.store.sqlite.connection import open_reader

PASSWORD, MAIL, SIGFOX = "correct horse canary", "hunter2-of-the-mail-server", "Kennwort.fuer.Sigfox"
IMPORTED = "hZ3kQ9vT1mB7xW5cR2nL8pD4sF6gJ0aY"
PHONE = "fVq1sGz0TZ2abcdefghijk:APA91bHun4MxP5egoKMwt2KZFBaFUH1RYqxCanary"
SETTINGS = f"""
[log]
level = "debug"
[alerts]
smtp = "mail.example.org:587"
smtp_password = "{MAIL}"
email_to = "me@example.org"
email_from = "evd@example.org"
"""


class Secret(NamedTuple):
    text: str
    kept_in: tuple[str, ...] = ()
    """Where it must be, for evd to work."""

    @property
    def core(self) -> bytes:
        """The random part: of a key its third part, which stands in nothing else."""
        parts = self.text.split("_")
        return (parts[3] if self.text.startswith("evd_") and len(parts) == 5 else self.text).encode()


def answers(daemon: RunningDaemon, secret: str) -> Iterator[httpx.Response]:
    """What is said to a secret wherever a client may put it, whole and with its end missing."""
    with httpx.Client(base_url=daemon.url) as client:
        for text in (secret, secret[:-1]):
            for path in ("/sigfox/uplink", "/api/v1/session", "/android/last", "/nowhere"):
                for headers in ({"x-api-key": text}, {"authorization": f"Bearer {text}"}, {"cookie": f"evd={text}"}):
                    yield client.get(path, headers=headers)
            yield client.get("/api/v1/session", params={"key": text, "token": text})
            yield client.post("/api/v1/session", json={"user": "anna", "password": text})
            yield client.post("/api/v1/session/link", json={"code": text})


def issued(daemon: RunningDaemon) -> dict[str, Secret]:
    admin = Admin(daemon)
    admin.ask("POST", "/users", 201, uid="anna", password=PASSWORD, admin=False)
    admin.own("anna", "A1")
    secrets = {f"the first key of {role}": Secret(key) for role, key in daemon.keys.items()}
    for role in ("sigfox", "device", "app", "admin"):
        secrets[f"a key of {role}"] = Secret(admin.ask("POST", "/keys", 201, role=role)["key"])
    admin.ask("POST", "/keys", 201, role="sigfox", secret=IMPORTED)
    secrets["an imported key"] = Secret(IMPORTED)
    secrets["a password"] = Secret(PASSWORD)
    secrets["an access token"] = Secret(admin.token("anna", "read")["token"])
    secrets["a sign-in link"] = Secret(admin.ask("POST", "/users/anna/link", 201)["code"])
    with httpx.Client(base_url=f"{daemon.url}/api/v1") as browser:
        begun = browser.post("/session", json={"user": "anna", "password": PASSWORD})
        secrets["a session"] = Secret(browser.cookies["evd"])
        secrets["a CSRF token"] = Secret(begun.json()["csrf_token"])
        headers = {"x-csrf-token": begun.json()["csrf_token"]}
        invited = browser.post("/vehicles/A1/invitations", json={"relation": "viewer"}, headers=headers)
        assert invited.status_code == 201, invited.text
        secrets["an invitation"] = Secret(invited.json()["code"])
        registered = browser.post("/registrations", json={"vehicle": "A1", "token": PHONE}, headers=headers)
        assert registered.status_code in (200, 201), registered.text
    secrets["a phone's token"] = Secret(PHONE, ("evd.db", "a backup", "phones", "a dump"))
    secrets["the mail server's password"] = Secret(MAIL, ("evd.toml", "a backup"))
    secrets["the password for Sigfox"] = Secret(SIGFOX)
    return secrets


def written(daemon: RunningDaemon, folder: Path) -> Iterator[tuple[str, bytes]]:
    """All that evd writes, by name, while it runs; archives as what is in them."""
    for name, command in {
        "a backup": ("backup", folder / "backup.tar.gz"),
        "the bundle": ("support-bundle", folder / "bundle.tar.gz"),
        "statuses": ("export", "--format", "ndjson", "--output", folder / "statuses"),
        "phones": ("export", "--format", "ndjson", "--table", "registrations", "--output", folder / "phones"),
        "owners": ("export", "--format", "ndjson", "--table", "owners", "--output", folder / "owners"),
        "the keys": ("key", "list", "--json"),
        "the tokens": ("token", "list", "--json"),
        "the doctor": ("doctor", "--json"),
        "what was rejected": ("rejected", "list", "--json", "--limit", "1000"),
        "the settings": ("config", "show"),
    }.items():
        done = run_evd(*command, "--dir", daemon.directory, env={"EVD_SIGFOX__API_PASSWORD": SIGFOX})
        yield f"what `{name}` prints", (done.stdout + done.stderr).encode()
        file = next((part for part in command if isinstance(part, Path)), None)
        if file is not None:
            assert done.returncode == 0, done.stderr
            yield from ((name, content) for content in unpacked(file))
    reader = open_reader(daemon.database)
    names = [name for (name,) in reader.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")]
    for name in names:
        yield "a dump", repr(reader.execute(f'SELECT * FROM "{name}"').fetchall()).encode()
    reader.close()
    yield from _files(daemon.directory)


def unpacked(file: Path) -> Iterator[bytes]:
    if not tarfile.is_tarfile(file):
        yield file.read_bytes()
        return
    with tarfile.open(file) as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                data = content.read()
                yield gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in folder.rglob("*"):
        if file.is_file():
            yield file.name.removesuffix("-wal").removesuffix("-shm"), file.read_bytes()


def test_no_secret_is_where_it_need_not_be(tmp_path: Path) -> None:
    env = {"EVD_SIGFOX__API_PASSWORD": SIGFOX, "EVD_SIGFOX__API_LOGIN": "api-login"}
    with running_daemon(tmp_path / "evd", settings=SETTINGS, env=env) as daemon:
        secrets = issued(daemon)
        assert len({secret.core for secret in secrets.values()}) == len(secrets)
        for name, secret in secrets.items():
            for answer in answers(daemon, secret.text):
                assert answer.status_code < 500
                if "session" not in name and "CSRF" not in name:
                    assert secret.core not in answer.content, f"{name} in the answer of {answer.url.path}"
        found = list(written(daemon, tmp_path))
        daemon.stop()
        found += [*_files(daemon.directory), ("the log", str(daemon.logs).encode())]
    assert {"a backup", "the bundle", "evd.db", "a dump", "the log", "phones"} <= {where for where, _ in found}
    leaks = {
        (name, where)
        for where, content in found
        for name, secret in secrets.items()
        if secret.core in content and where not in secret.kept_in
    }
    assert leaks == set()
    kept = {(where, name) for where, content in found for name, one in secrets.items() if one.core in content}
    assert ("evd.db", "a phone's token") in kept and ("evd.toml", "the mail server's password") in kept
