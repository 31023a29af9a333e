"""evd as others see it: its certificate, for a client that sends no server name, and FCM."""

from __future__ import annotations

import hashlib
import socket
import ssl
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import trio

from evd.doctor.finding import Diagnosis, ok, skipped
from evd.doctor.place import Surroundings, command
from evd.errors import ConfigError, PushError, Unreachable
from evd.net.client.transport import default_ssl_context
from evd.push.providers.fcm.traits import service_account_file

CONNECTS_S = 10.0
"""Sigfox waits no longer for an answer."""


class CertificateSeen(NamedTuple):
    """What a client without SNI is shown at `where`."""

    where: str
    unreachable: str
    distrusted: str
    """Why the chain does not lead to an authority that this machine knows; "" if it does."""
    ends_s: float
    now_s: float
    early_days: int
    newer_file: bool
    """Whether the file holds another certificate than the one that is shown."""
    reload: str


def look_at_certificate(place: Surroundings) -> CertificateSeen | None:
    """None: evd serves no TLS, and no `--url` says where somebody else does."""
    server = place.config.server
    if place.url:
        split = urlsplit(place.url if "://" in place.url else f"https://{place.url}")
        host, port = split.hostname or "", split.port or 443
    elif server.tls_cert and place.statistics is not None:
        host, port = _own_address(server.binds[0])
    else:
        return None
    seen = CertificateSeen(
        f"{host}:{port}",
        "",
        "",
        0.0,
        place.now_s,
        place.config.alerts.certificate_days,
        False,
        command(place, "reload"),
    )
    try:
        shown = _shown(host, port)
    except OSError as error:
        return seen._replace(unreachable=str(error.strerror or error))
    from cryptography import x509

    ends_s = x509.load_der_x509_certificate(shown).not_valid_after_utc.timestamp()
    newer = (
        bool(server.tls_cert) and not place.url and _in_file(Path(server.tls_cert)) != hashlib.sha256(shown).digest()
    )
    return seen._replace(ends_s=ends_s, distrusted=_distrust(host, port), newer_file=newer)


def _own_address(bind: str) -> tuple[str, int]:
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    return ("127.0.0.1" if host in ("", "0.0.0.0", "::") else host), int(port)  # noqa: S104


def _shown(host: str, port: int) -> bytes:
    """The certificate in DER. Raises OSError."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host, port), CONNECTS_S) as raw, trusting.wrap_socket(raw) as tls:
        return tls.getpeercert(binary_form=True) or b""


def _distrust(host: str, port: int) -> str:
    """Why a client that knows the authorities of this machine, and sends no name, refuses; "" if it does not."""
    context = default_ssl_context()
    context.check_hostname = False  # without SNI only the chain is asked for
    try:
        with socket.create_connection((host, port), CONNECTS_S) as raw, context.wrap_socket(raw):
            return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except OSError as error:
        return str(error.strerror or error)


def _in_file(path: Path) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        first = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as a certificate ({type(error).__name__})") from None
    return hashlib.sha256(first.public_bytes(Encoding.DER)).digest()


def judge_certificate(seen: CertificateSeen | None) -> Diagnosis:
    if seen is None:
        return skipped("evd serves no TLS itself: `evd doctor --url https://…` looks at the proxy in front")
    if seen.unreachable:
        return Diagnosis(
            "fail", f"{seen.where} shows no certificate: {seen.unreachable}", "check who listens there", "ss -ltnp"
        )
    days = (seen.ends_s - seen.now_s) / 86_400
    if days <= 0:
        return Diagnosis("fail", f"the certificate at {seen.where} has ended", "renew it", "certbot renew")
    if seen.newer_file:
        return Diagnosis(
            "warn",
            "the certificate's file was renewed, and evd still shows the old one",
            "let evd read it",
            seen.reload,
        )
    if seen.distrusted:
        return Diagnosis(
            "fail",
            f"Sigfox would refuse the certificate at {seen.where} ({seen.distrusted})",
            "serve the whole chain of a public authority (fullchain.pem), also to clients without SNI",
            f"openssl s_client -noservername -connect {seen.where}",
        )
    if days < seen.early_days:
        return Diagnosis(
            "warn", f"the certificate at {seen.where} ends in {int(days)} days", "renew it", "certbot renew"
        )
    return ok(f"{seen.where} shows a trusted certificate without SNI, good for {int(days)} days")


class FcmSeen(NamedTuple):
    project: str
    refused: str
    unreachable: bool


def look_at_fcm(place: Surroundings) -> FcmSeen | None:
    """FCM validates a message, and delivers it to nobody; None: no credentials. Raises ConfigError for wrong ones."""
    # A service's credentials are in a folder that root can read.
    env = {"CREDENTIALS_DIRECTORY": "/run/credentials/evd.service", **place.env}
    try:
        credentials = service_account_file(place.config, env)
    except PermissionError:
        return None
    if credentials is None:
        return None
    from evd.push.providers.fcm.sender import FcmPusher

    push = place.config.push
    pusher = FcmPusher.from_file(credentials, push.endpoint, connections_max=1, timeout_s=push.timeout_s)
    try:
        trio.run(_validated, pusher)
    except PushError as error:
        return FcmSeen(pusher.project_id, str(error), isinstance(error, Unreachable))
    return FcmSeen(pusher.project_id, "", False)


async def _validated(pusher: object) -> None:
    from evd.push.providers.fcm.sender import FcmPusher

    assert isinstance(pusher, FcmPusher)
    try:
        await pusher.validate()
    finally:
        await pusher.aclose()


def judge_fcm(seen: FcmSeen | None) -> Diagnosis:
    if seen is None:
        return skipped("no pushes are set up: push.credentials names no service account")
    if seen.refused:
        remedy = (
            "check this machine's way to the internet" if seen.unreachable else "check push.credentials and the project"
        )
        return Diagnosis("fail", f"FCM did not take a test for {seen.project}: {seen.refused}", remedy, "evd push list")
    return ok(f"FCM takes messages of {seen.project}")
