"""`evd fake-fcm`: FCM's two endpoints on this machine, for demos and tests."""

from __future__ import annotations

import json
import os
import signal
import ssl
import sys
from pathlib import Path
from typing import BinaryIO

import click
import trio

from evd.cli.common import directory_option, json_option
from evd.cli.printing import say, show_error_line
from evd.dev.fake_fcm.behaviours import BEHAVIOURS, MOODS
from evd.dev.fake_fcm.server import FAKE_DOMAIN, FakeFcm, make_service_account

PROJECT = "evd-demo"

_BEHAVIOURS = "\n".join(f"  {row.prefix + '…':14} {row.does}" for row in BEHAVIOURS)
_MOODS = "\n".join(f"  {name:14} {does}" for name, (does, _) in MOODS.items())

HELP = f"""A fake Firebase Cloud Messaging server.

Serves FCM HTTP v1 and Google's token endpoint, checks messages much as FCM does, and delivers them nowhere. Point
evd at it with push.endpoint and the file that --credentials writes.

\b
The beginning of a registration token decides what happens to its messages:
{_BEHAVIOURS}
  anything else  delivered

\b
While it runs, PUT /mood with {{"mood": "ok", "latency_s": 0.05}} sets what happens to all messages, and after how long;
GET /counts gives {{"sends": …, "delivered": …}}. The moods:
{_MOODS}
"""


def _parse_bind(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(f"{value!r} is not HOST:PORT, such as 127.0.0.1:8085 or [::1]:0 (any free port).")
    return host, int(port)


@click.command("fake-fcm", help=HELP)
@click.option(
    "--bind",
    metavar="HOST:PORT",
    callback=_parse_bind,
    default="127.0.0.1:8085",
    show_default=True,
    help="Where to listen.",
)
@click.option("--record", metavar="FILE", help="Append each request as a line of JSON; - is standard output.")
@click.option(
    "--credentials",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Write a service account for this server (project {PROJECT}), to be used as push.credentials.",
)
@directory_option
@click.option("--tls-cert", type=click.Path(exists=True, dir_okay=False), help="Serve TLS with this certificate chain.")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False), help="The certificate's key.")
@json_option
def fake_fcm(
    bind: tuple[str, int],
    record: str | None,
    credentials: Path | None,
    directory: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    as_json: bool,
) -> None:
    if directory is not None:
        record = record or str(Path(directory) / "pushes.jsonl")
        credentials = credentials or Path(directory) / "fcm.json"
    if bool(tls_cert) != bool(tls_key):
        raise click.UsageError("--tls-cert and --tls-key belong together: give both, or neither.")
    host, port = bind
    target: Path | BinaryIO | None = sys.stdout.buffer if record == "-" else Path(record) if record else None
    failure: BaseExceptionGroup[OSError] | None = None
    try:
        fake = FakeFcm(target, host=host, port=port, ssl_context=_tls(tls_cert, tls_key), requests_max=0)
        trio.run(_serve, fake, credentials, as_json)
    except* OSError as group:
        failure = group  # raised here it would be in a group itself, on Python 3.11.2
    if failure is not None:
        raise click.ClickException(f"The fake FCM on {host}:{port} stops: {_reason(failure)}.")


async def _serve(fake: FakeFcm, credentials: Path | None, as_json: bool) -> None:
    """What it says goes to stderr: stdout may have the requests (`--record -`)."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            await nursery.start(fake.serve)
            if credentials is not None:
                write_credentials(credentials, fake.token_uri)
            if as_json:
                show_error_line({"url": fake.url, "project": PROJECT, "credentials": credentials and str(credentials)})
            elif credentials is not None:
                say("Credentials of project {} are in {}.", PROJECT, credentials, err=True)
            if not as_json:
                say("The fake FCM listens on {} (until Ctrl-C).", fake.url, err=True)
            async for _ in signals:
                break
            nursery.cancel_scope.cancel()


def write_credentials(path: Path, token_uri: str) -> None:
    """Write a new service account to `path`, mode 0600, replacing an older one of a fake FCM.

    Raises FileExistsError if any other file is there.
    """
    if path.exists() and not _is_fake(path):
        raise FileExistsError(f"{path} exists and is not a fake service account; name another file")
    text = json.dumps(make_service_account(PROJECT, token_uri), indent=2) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)  # an older file keeps its mode otherwise
        file.write(text)


def _is_fake(path: Path) -> bool:
    try:
        account = json.loads(path.read_bytes())
        return bool(account["client_email"].endswith(f".{FAKE_DOMAIN}"))
    except (ValueError, LookupError, TypeError, AttributeError):
        return False


def _tls(cert: str | None, key: str | None) -> ssl.SSLContext | None:
    if cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
    except OSError as error:
        raise click.UsageError(f"{cert} and {key} are not a certificate and its key in PEM form ({error}).") from None
    return context


def _reason(group: BaseExceptionGroup[OSError]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, OSError)
    said = error.strerror or str(error)
    return f"{error.filename}: {said}" if error.filename else said
