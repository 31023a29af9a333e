"""A support bundle says what holds and what is wrong, and no secret that was put in is in it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from daemon_process import run_evd, running_daemon

from evd.cli.bundle_members import MEMBERS
from evd.config.in_force import HIDDEN

SECRETS = {
    "smtp": "hunter2-of-the-mail-server",
    "sigfox": "Kennwort.fuer.Sigfox",
    "signing": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "path": "T0000/B0000/xoxoxoxoxoxoxoxoxoxo",
    "user": "operator:letmein",
    "phone": "fVq1sGz0TZ2:APA91bHun4MxP5egoKMwt2KZFBaFUH1RYqx",
}

TOML = f"""
[alerts]
smtp_password = "{SECRETS["smtp"]}"
webhook = "https://hooks.example.org/services/{SECRETS["path"]}"
webhook_secret = "{SECRETS["signing"]}"
smtp = "mail.example.org:587"
email_to = "me@example.org"
email_from = "evd@example.org"
[push]
endpoint = "https://{SECRETS["user"]}@fcm.example.org"
"""


def unpacked(file: Path) -> dict[str, str]:
    with tarfile.open(file) as tar:
        return {one.name.rpartition("/")[2]: tar.extractfile(one).read().decode() for one in tar}  # type: ignore[union-attr]


def leaked(found: Mapping[str, str], secrets: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, which) for name, text in found.items() for which, secret in secrets.items() if secret in text]


def test_a_bundle_of_a_running_evd_has_everything_but_its_secrets(tmp_path: Path) -> None:
    env = {"EVD_SIGFOX__API_PASSWORD": SECRETS["sigfox"], "EVD_SIGFOX__API_LOGIN": "api-login"}
    with running_daemon(tmp_path / "evd", settings=TOML, env=env) as daemon:
        made = run_evd("registration", "import", "-", "--dir", daemon.directory,
                       stdin=json.dumps({"vehicle": "386625", "token": SECRETS["phone"], "uid": "martin"}))  # fmt: skip
        assert made.returncode == 0, made.stderr
        done = run_evd("support-bundle", tmp_path / "s.tar.gz", "--dir", daemon.directory, env=env)
    assert done.returncode == 0, done.stderr
    found = unpacked(tmp_path / "s.tar.gz")
    assert found.keys() == {"README.txt", *(member.name for member in MEMBERS)}
    assert leaked(found, SECRETS | daemon.keys) == []
    settings = {row["path"]: row for row in json.loads(found["settings.json"])["settings"]}
    assert settings["alerts.smtp_password"]["value"] == HIDDEN
    assert settings["alerts.webhook"]["value"] == "https://hooks.example.org"
    assert settings["alerts.smtp"]["at"].endswith("evd.toml, line 6")
    assert settings["sigfox.api_login"]["origin"] == "environment"
    assert json.loads(found["versions.json"])["running"] == json.loads(found["versions.json"])["evd"]
    assert {row["check"] for row in json.loads(found["doctor.json"])} >= {"database", "settings"}
    assert json.loads(found["stats.json"])["stored"]["registrations"] == 1
    assert "\nevd_ready 1.0\n" in found["metrics.txt"]
    assert "CREATE VIEW history" in found["schema.sql"] and "user_version = " in found["schema.sql"]
    assert "evd.db" in {one["name"] for one in json.loads(found["files.json"])["files"]}
    assert (tmp_path / "s.tar.gz").stat().st_mode & 0o777 == 0o600


def test_where_nothing_works_a_bundle_says_so(tmp_path: Path) -> None:
    (tmp_path / "evd.toml").write_text(f'[alerts]\nsmtp_pasword = "{SECRETS["smtp"]}"\n')
    (tmp_path / "evd.db").write_text("no database")
    done = run_evd("support-bundle", tmp_path / "s.tar.gz", "--json", "--dir", tmp_path)
    assert done.returncode == 0, done.stderr
    found = unpacked(tmp_path / "s.tar.gz")
    assert json.loads(done.stdout)["files"] == {name: len(text.encode()) for name, text in found.items()}
    assert "there is no setting" in json.loads(found["settings.json"])["mistakes"][0]
    assert "is no SQLite database" in found["schema.sql"]
    assert found["metrics.txt"].startswith("It could not be made: no evd listens")
    assert leaked(found, SECRETS) == []
    again = run_evd("support-bundle", tmp_path / "s.tar.gz", "--dir", tmp_path)
    assert (again.returncode, "exists: name another file" in again.stderr) == (2, True)
