"""The plan of a setup: its files and commands for each sort of certificate, and answers that cannot work."""

from __future__ import annotations

import pytest
from setup_image import EVD, OWN, files, planned

from evd.cli.setup import UNITS
from evd.errors import ConfigError
from evd.setup.answers import Answers
from evd.setup.steps import File, Link, Run, shown

UNIT_FILES = {f"/etc/systemd/system/{name}" for name in UNITS} | {
    "/etc/systemd/system/evd.service.d/10-setup.conf", "/etc/sysusers.d/evd.conf"
}  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "more", "listen", "settings"),
    [
        (OWN._replace(certificates="caddy"), {"/etc/evd/Caddyfile"}, "127.0.0.1:8080", "TRUSTED_PROXIES=127.0.0.1"),
        (OWN, {"/etc/evd/tls/fullchain.pem", "/etc/evd/tls/privkey.pem"}, "443", "TLS_KEY=/etc/evd/tls/privkey.pem"),
        (OWN._replace(certificates="certbot"), {"/etc/letsencrypt/renewal-hooks/deploy/evd"}, "443", "TLS_CERT="),
        (
            OWN._replace(certificates="caddy", fcm=b"{}", sigfox_login="me", sigfox_password=b"secret"),
            {"/etc/evd/Caddyfile", "/etc/evd/fcm.json", "/etc/evd/sigfox-password"},
            "127.0.0.1:8080",
            "LoadCredential=sigfox.api_password:/etc/evd/sigfox-password",
        ),
    ],
)
def test_a_plan(answers: Answers, more: set[str], listen: str, settings: str) -> None:
    found = files(answers)
    assert found.keys() == UNIT_FILES | more
    assert f"\nListenStream={listen}\n".encode() in found["/etc/systemd/system/evd.socket"].content
    assert f"ExecStart={EVD} serve\n".encode() in found["/etc/systemd/system/evd.service"].content
    drop_in = found["/etc/systemd/system/evd.service.d/10-setup.conf"].content.decode()
    assert settings in drop_in
    assert "secret" not in drop_in
    secrets = {path: found[path].mode & 0o007 for path in more if path.endswith((".json", "password", ".pem"))}
    assert set(secrets.values()) <= {0}, "what is secret is closed to others"
    assert all(shown(step) for step in planned(answers))


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (OWN._replace(program="/home/me/venv/bin/evd"), "is in a home directory"),
        (OWN._replace(domain="evd example"), "is no domain name"),
        (OWN._replace(key=None), "needs --tls-cert and --tls-key"),
        (OWN._replace(sigfox_login="me"), "belong together"),
    ],
)
def test_answers_that_cannot_work_are_refused(answers: Answers, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        planned(answers)


# ---- below a root ----


# ---- the command ----


# ---- the units, the manual ----


def commands(answers: Answers) -> list[tuple[str, ...]]:
    return [step.command for step in planned(answers) if isinstance(step, Run)]


def test_accounts_come_first_and_the_start_last() -> None:
    """A file of the group evd needs the group, and a unit is read before it is started."""
    steps = planned(OWN)
    grouped = [place for place, step in enumerate(steps) if isinstance(step, File) and step.group == "evd"]
    made = next(place for place, step in enumerate(steps) if isinstance(step, Run) and "sysusers" in step.command[0])
    assert made < min(grouped)
    assert [command[1] for command in commands(OWN)[-4:]] == ["daemon-reload", "enable", "stop", "start"]


@pytest.mark.parametrize(
    ("email", "account"), [("", ("--register-unsafely-without-email",)), ("me@example.org", ("-m", "me@example.org"))]
)
def test_certbot_registers_with_an_address_or_without(email: str, account: tuple[str, ...]) -> None:
    command = next(one for one in commands(OWN._replace(certificates="certbot", email=email)) if one[0] == "certbot")
    assert command[5 : 5 + len(account)] == account
    assert command[-2:] == ("-d", "evd.example.org")


def test_an_evd_that_is_on_the_path_already_needs_no_link() -> None:
    for program, links in (("/opt/evd/bin/evd", 1), ("/usr/local/bin/evd", 0)):
        steps = planned(OWN._replace(program=program))
        assert sum(isinstance(step, Link) for step in steps) == links
