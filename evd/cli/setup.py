"""`evd setup`: evd as a service of this machine, from a few answers; shown before it is done, and undone by --undo."""

from __future__ import annotations

import os
import sys
from importlib import resources
from pathlib import Path

import click

from evd.cli.common import json_option
from evd.cli.printing import asked, confirmed, say, show
from evd.errors import ConfigError, SetupError

UNITS = ("evd.service", "evd.socket", "evd-init.service", "evd-backup.service", "evd-backup.timer")
FILE_MAX = 1 << 20
"""Bytes; a chain has some KiB."""


@click.command()
@click.argument("domain", required=False)
@click.option("--certificates", type=click.Choice(["caddy", "certbot", "own"]), help="Who takes care of them.")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="With own: a PEM chain, copied for evd.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="With own: its key.")
@click.option("--email", default="", help="With certbot: for Let's Encrypt's warnings.")
@click.option("--user", default="", metavar="UID", help="The first user, an administrator; asks for the password.")
@click.option("--fcm", type=click.Path(path_type=Path), help="A Firebase service account's JSON file.")
@click.option("--sigfox-login", default="", help="Of Sigfox's REST API; the password: --sigfox-password-file.")
@click.option("--sigfox-password-file", type=click.Path(path_type=Path), help="A file with that password.")
@click.option("--reader", "readers", multiple=True, help="A user of this machine who may read the database.")
@click.option(
    "--root", type=click.Path(path_type=Path, file_okay=False), help="Another root, for an image: starts nothing."
)
@click.option("--print", "folder", type=click.Path(path_type=Path), help="Only write the files below this folder.")
@click.option("--undo", is_flag=True, help="Undo what setups made; the data stay.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
def setup(
    ctx: click.Context,
    domain: str | None,
    certificates: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    email: str,
    user: str,
    fcm: Path | None,
    sigfox_login: str,
    sigfox_password_file: Path | None,
    readers: tuple[str, ...],
    root: Path | None,
    folder: Path | None,
    undo: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Make evd a service of this machine that is reached at DOMAIN. To be run as root; it can be repeated.

    What will be done is shown first. `--print` writes the files for another tool, `--root` prepares an image.

    \b
    Example:
      evd setup evd.example.org --certificates caddy --user martin
    """
    from evd.setup.apply import Site

    running = root is None and Path("/run/systemd/system").is_dir()
    site = Site((root or Path("/")).absolute(), running=running)
    if undo:
        _undo(site, yes=yes, as_json=as_json)
        return
    from evd.cli import cli
    from evd.cli.manual import documents
    from evd.setup.answers import Answers
    from evd.setup.plan import plan
    from evd.setup.steps import File, shown

    asks = sys.stdin.isatty() and not yes
    if domain is None:
        if not asks:
            raise ConfigError("name the domain or address at which evd is reached: `evd setup evd.example.org`")
        domain = asked("Domain or address at which evd is reached")
    if certificates is None:
        if not asks:
            raise ConfigError("say who takes care of certificates: --certificates caddy, certbot or own")
        certificates = asked("Certificates by", ["caddy", "certbot", "own"])
    password = _content(sigfox_password_file)
    answers = Answers(
        domain,
        certificates,  # type: ignore[arg-type]  # click allows these three
        str(Path(sys.argv[0]).absolute()) if Path(sys.argv[0]).name == "evd" else f"{Path(sys.executable).parent}/evd",
        user,
        email,
        _content(tls_cert),
        _content(tls_key),
        _content(fcm),
        sigfox_login,
        None if password is None else password.strip(),
        readers,
        documents(cli),
    )
    units = {name: resources.files("evd.setup").joinpath("units", name).read_text("utf-8") for name in UNITS}
    steps = plan(answers, units)
    if folder is not None:
        written = [_write(folder, step) for step in steps if isinstance(step, File)]
        show({"files": written}) if as_json else say("{} files are in {}.", len(written), folder)
        return
    if not as_json:
        say("evd setup does this:")
        for step in steps:
            if "/man1/" not in shown(step):
                say("  {}", shown(step))
        say("  and writes a man page for each command.")
    if asks and not confirmed("Go on?"):
        ctx.exit(1)
    outcomes = []
    for step in steps:
        outcome = site.apply(step)
        outcomes.append({"step": shown(step), "outcome": outcome})
    if as_json:
        show({"steps": outcomes})
    else:
        done = sum(one["outcome"] == "done" for one in outcomes)
        say("\nDone: {}, there already: {}.", done, sum(one["outcome"] == "already" for one in outcomes))
    if running:
        _finish(ctx, answers.user, domain, caddy=certificates == "caddy")
    elif root is None:
        say("systemd does not run here: nothing was started.", err=True)


def _content(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            content = file.read(FILE_MAX + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})") from None
    if len(content) > FILE_MAX:
        raise ConfigError(f"{path} is longer than {FILE_MAX} bytes: it is none of these files")
    return content


def _write(folder: Path, step: object) -> str:
    from evd.setup.steps import File

    assert isinstance(step, File)
    path = folder / step.path.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, step.mode), "wb") as file:
        file.write(step.content)
        os.fchmod(file.fileno(), step.mode)
    return step.path


def _undo(site: object, *, yes: bool, as_json: bool) -> None:
    from evd.setup.apply import Site
    from evd.setup.steps import shown

    assert isinstance(site, Site)
    made = [shown(step) for step in reversed(site.made)]
    if not made:
        raise SetupError("no setup made anything here: there is nothing to undo")
    if not as_json:
        say("This is undone: {} steps; the data in /var/lib/evd stay.", len(made))
    if not yes and not confirmed("Go on?"):
        return
    kept = site.undo()
    if as_json:
        show({"undone": made, "kept": kept})
    for sentence in [] if as_json else kept:
        say("{}", sentence)


def _finish(ctx: click.Context, user: str, domain: str, *, caddy: bool) -> None:
    """On a running machine: the keys, once; the first user; then the doctor."""
    from evd.cli.doctor import doctor
    from evd.config.data_dir import FIRST_KEYS, find

    first = find(None, {}).directory / FIRST_KEYS
    if first.exists() and sys.stdout.isatty():
        say("\nThe first keys, shown only this once:\n")
        for line in first.read_text("utf-8").splitlines():
            say("  {}", line)
        first.unlink()
    elif first.exists():
        say("\nThe first keys are in {}: note them elsewhere, then remove the file.", first)
    if user:
        from evd.cli.users import add

        ctx.invoke(add, uid=user, admin=True)
    if caddy:
        say("\nCaddy: put /etc/evd/Caddyfile into /etc/caddy/Caddyfile, then `systemctl reload caddy`.")
    say("\nSigfox's callbacks go to https://{}/sigfox/uplink: `evd sigfox config` writes them.\n", domain)
    ctx.invoke(doctor, url="" if caddy else f"https://{domain}")
