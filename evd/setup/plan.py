"""The plan: answers go in, the steps come out, in the order in which they are done. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evd.errors import ConfigError
from evd.setup import texts
from evd.setup.answers import ETC, TLS, UNITS, Answers
from evd.setup.steps import Directory, File, Link, Run, Step

CLOSED = ("/home/", "/root/", "/run/user/")
"""What ProtectHome= hides from the service."""

STARTED = ("evd.socket", "evd.service")
ENABLED = (*STARTED, "evd-backup.timer")


def plan(answers: Answers, units: Mapping[str, str]) -> list[Step]:
    """`units` maps the name of a shipped unit to its text. Raises ConfigError for answers that cannot work."""
    _refuse(answers)
    return [
        *_account(answers),
        *_credentials(answers),
        *_certificates(answers),
        *_units(answers, units),
        *_commands(answers),
        *_start(answers),
    ]


def _refuse(answers: Answers) -> None:
    if answers.program.startswith(CLOSED):
        raise ConfigError(
            f"{answers.program} is in a home directory, which a service may not read: install evd into /opt/evd "
            "(`python3 -m venv /opt/evd && /opt/evd/bin/pip install evd`), and run its setup"
        )
    if not answers.domain or any(one.isspace() or one in "\"'\\{}%" for one in answers.domain):
        raise ConfigError(f"{answers.domain!r} is no domain name or address: give one as evd.example.org")
    if answers.certificates == "own" and (answers.certificate is None or answers.key is None):
        raise ConfigError("a certificate of your own needs --tls-cert and --tls-key: a PEM chain and its key")
    if (answers.sigfox_password is None) == bool(answers.sigfox_login):
        raise ConfigError("Sigfox's login and password belong together: give both, or neither")


def _account(answers: Answers) -> Iterator[Step]:
    yield File("the user evd, and the group evd, whose members may read the database", "/etc/sysusers.d/evd.conf",
               texts.sysusers(answers))  # fmt: skip
    yield Run(
        "make them",
        ("systemd-sysusers", "evd.conf"),
        below_root=("systemd-sysusers", "--root={root}", "evd.conf"),
        undo=("userdel", "evd"),
        undo_below_root=("userdel", "--prefix", "{root}", "evd"),
    )
    yield Directory("what root gives to evd", ETC)


def _credentials(answers: Answers) -> Iterator[Step]:
    if answers.fcm is not None:
        yield File("the Firebase service account, which systemd passes to evd", f"{ETC}/fcm.json", answers.fcm, 0o600)
    if answers.sigfox_password is not None:
        yield File("Sigfox's password, likewise", f"{ETC}/sigfox-password", answers.sigfox_password, 0o600)


def _certificates(answers: Answers) -> Iterator[Step]:
    if answers.certificates == "caddy":
        yield File("what Caddy needs to know", f"{ETC}/Caddyfile", texts.caddyfile(answers))
        return
    yield Directory("the certificate, which evd reads again at a reload", TLS, 0o750, "evd")
    if answers.certificates == "own":
        assert answers.certificate is not None and answers.key is not None
        yield File("the chain", f"{TLS}/fullchain.pem", answers.certificate, 0o640, "evd")
        yield File("its key", f"{TLS}/privkey.pem", answers.key, 0o640, "evd")
        return
    hook = "/etc/letsencrypt/renewal-hooks/deploy/evd"
    yield File("renewed certificates go to evd", hook, texts.certbot_hook(answers), 0o755)
    account = ("-m", answers.email) if answers.email else ("--register-unsafely-without-email",)
    lineage = f"/etc/letsencrypt/live/{answers.domain}"
    yield Run(
        "the first certificate; Let's Encrypt asks back at port 80",
        ("certbot", "certonly", "--standalone", "--non-interactive", "--agree-tos", *account, "-d", answers.domain),
        unless=lineage,
    )
    yield Run(
        "and its copy for evd",
        (hook,),
        unless=f"{TLS}/fullchain.pem",
        env={"RENEWED_LINEAGE": lineage, "RENEWED_DOMAINS": answers.domain},
    )


def _units(answers: Answers, units: Mapping[str, str]) -> Iterator[Step]:
    socket = f"evd's port, {answers.listen}: callbacks wait in it while evd restarts"
    yield File("evd as a service", f"{UNITS}/evd.service", texts.unit(units["evd.service"], answers))
    yield File("its first start", f"{UNITS}/evd-init.service", texts.unit(units["evd-init.service"], answers))
    yield File(socket, f"{UNITS}/evd.socket", texts.socket_unit(units["evd.socket"], answers))
    backup, timer = "a backup of evd", "each night"
    yield File(backup, f"{UNITS}/evd-backup.service", texts.unit(units["evd-backup.service"], answers))
    yield File(timer, f"{UNITS}/evd-backup.timer", units["evd-backup.timer"].encode())
    yield File("your answers", f"{UNITS}/evd.service.d/10-setup.conf", texts.drop_in(answers), 0o644)


def _commands(answers: Answers) -> Iterator[Step]:
    if answers.program != "/usr/local/bin/evd":
        yield Link("evd on the PATH", "/usr/local/bin/evd", answers.program)
    for path, text in sorted(answers.documents.items()):
        yield File("completion" if "complet" in path or "site-functions" in path else "man page", path, text.encode())


def _start(answers: Answers) -> Iterator[Step]:
    yield Run("systemd reads the units", ("systemctl", "daemon-reload"), undo=("systemctl", "daemon-reload"))
    yield Run(
        "evd starts with the machine",
        ("systemctl", "enable", *ENABLED),
        below_root=("systemctl", "--root={root}", "enable", *ENABLED),
        undo=("systemctl", "disable", "--now", *ENABLED),
        undo_below_root=("systemctl", "--root={root}", "disable", *ENABLED),
    )
    yield Run("evd's port may have changed", ("systemctl", "stop", *STARTED), if_changed=True)
    yield Run("evd starts", ("systemctl", "start", *ENABLED))
