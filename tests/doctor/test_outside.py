"""The certificate that a client without SNI is shown, and FCM."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server
from typing import Any

import pytest
import trustme
from chain import Fcm, fake_fcm
from doctor_place import examine, issued, settings

from evd.doctor import outside
from evd.doctor.finding import ok
from evd.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "make", "state", "what"),
    [
        ("fcm", lambda directory: None, "skipped", "no pushes are set up"),
        ("fcm", settings('[push]\ncredentials = "/no/such.json"\n'), "fail", "cannot read /no/such.json"),
        ("certificate", lambda directory: None, "skipped", "evd doctor --url"),
    ],
)
def test_a_finding(name: str, make: Callable[[Path], Any], state: str, what: str, directory: Path) -> None:
    make(directory)
    verdict = examine(name, directory)
    assert (verdict.state, what in verdict.what) == (state, True), verdict
    assert bool(verdict.remedy) == (state in ("warn", "fail"))


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


# ---- what was seen is judged ----

SHOWN = outside.CertificateSeen("x:443", "", "", 40 * 86_400.0, 0.0, 21, False, "evd reload --dir /x")


@pytest.mark.parametrize(
    ("changes", "state", "what"),
    [
        ({}, "ok", "good for 40 days"),
        ({"ends_s": 21 * 86_400.0}, "ok", "good for 21 days"),
        ({"ends_s": 21 * 86_400.0 - 1}, "warn", "ends in 20 days"),
        ({"ends_s": 0.0, "newer_file": True, "distrusted": "why"}, "fail", "has ended"),
        ({"newer_file": True, "distrusted": "why"}, "warn", "still shows the old one"),
        ({"distrusted": "why", "ends_s": 86_400.0}, "fail", "Sigfox would refuse the certificate at x:443 (why)"),
        ({"unreachable": "refused", "ends_s": 0.0}, "fail", "x:443 shows no certificate: refused"),
    ],
)
def test_of_several_faults_of_a_certificate_the_worst_is_named(changes: Any, state: str, what: str) -> None:
    verdict = outside.judge_certificate(SHOWN._replace(**changes))
    assert (verdict.state, what in verdict.what) == (state, True), verdict


@pytest.mark.parametrize(
    ("unreachable", "remedy"),
    [(True, "check this machine's way to the internet"), (False, "check push.credentials and the project")],
)
def test_an_fcm_that_refuses_is_another_matter_than_one_that_is_not_reached(unreachable: bool, remedy: str) -> None:
    verdict = outside.judge_fcm(outside.FcmSeen("evd-demo", "why", unreachable))
    assert (verdict.state, verdict.remedy) == ("fail", remedy)


@pytest.mark.parametrize(
    ("bind", "address"),
    [
        ("0.0.0.0:443", ("127.0.0.1", 443)),
        ("[::]:443", ("127.0.0.1", 443)),
        (":8443", ("127.0.0.1", 8443)),
        ("[::1]:443", ("::1", 443)),
        ("evd.example.org:443", ("evd.example.org", 443)),
    ],
)
def test_evds_own_certificate_is_looked_at_where_it_listens(bind: str, address: tuple[str, int]) -> None:
    assert outside._own_address(bind) == address


def test_a_certificate_of_the_settings_that_is_none_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.pem", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read as a certificate"):
            outside._in_file(path)
