"""`evd sigfox check`: each step against a real daemon or a real server, and what is advised where it fails."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from daemon_process import RunningDaemon, run_evd, running_daemon

from evd.clock import now_ms
from evd.errors import ConfigError
from evd.net.client import control_socket
from evd.sigfox_api.diagnose.probe import Checkup, base_of
from evd.sigfox_api.diagnose.verdicts import (
    FAILED,
    OK,
    SKIPPED,
    VEHICLE,
    WARNING,
    CheckStep,
)

SECRET = "a-key-that-nobody-may-see"


def trusting(authority: trustme.CA) -> Callable[[], ssl.SSLContext]:
    def context() -> ssl.SSLContext:
        made = ssl.create_default_context()
        authority.configure_trust(made)
        return made

    return context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[RunningDaemon]:
    """An evd that speaks TLS with a certificate of `authority`."""
    folder = tmp_path_factory.mktemp("checkup")
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    settings = f'[server]\ntls_cert = "{folder}/cert.pem"\ntls_key = "{folder}/key.pem"\n'
    with running_daemon(folder / "evd", settings=settings) as one:
        yield one


async def walk(url: str, key: str, **options: Any) -> dict[str, CheckStep]:
    """The steps by name."""
    told: list[CheckStep] = []
    checkup = Checkup(url, key, now=now_ms(), report=told.append, **options)
    await checkup.run()
    assert told == checkup.steps
    assert checkup.passed == (FAILED not in {step.outcome for step in told})
    assert all(step.advice for step in told if step.outcome in (FAILED, WARNING)), "trouble comes with what to do"
    assert not any(key in step.text + step.advice for step in told)
    return {step.name: step for step in told}


def outcomes(steps: dict[str, CheckStep]) -> dict[str, str]:
    return {name: step.outcome for name, step in steps.items()}


# Against a daemon


async def test_every_step_of_a_daemon_with_tls_is_taken(daemon: RunningDaemon, authority: trustme.CA) -> None:
    local = partial(control_socket.call, daemon.directory / "evd.sock")
    steps = await walk(daemon.url, daemon.keys["sigfox"], trust=trusting(authority), local=local)
    fine = ("DNS", "TCP", "TLS", "TLS 1.2", "SNI", "HTTP", "key", "decode", "commit")
    assert outcomes(steps) == dict.fromkeys(fine, OK) | {"push": WARNING}  # no credentials are set
    assert "TLSv1.3" in steps["TLS"].text


async def test_the_marked_status_is_on_disk_and_does_not_add_up(daemon: RunningDaemon, authority: trustme.CA) -> None:
    call = partial(control_socket.call, daemon.directory / "evd.sock")
    for _ in range(2):
        steps = await walk(daemon.url, daemon.keys["sigfox"], trust=trusting(authority), local=call)
    vehicle = call("GET", f"/vehicles/{VEHICLE}")
    assert (vehicle["kept"], vehicle["keep"]) == (1, 1)
    assert vehicle["status_id"] in steps["commit"].text


async def test_a_wrong_key_and_a_key_of_another_role_are_distinguished(
    daemon: RunningDaemon, authority: trustme.CA
) -> None:
    for key, says in ((SECRET, "key"), (daemon.keys["app"], "role app")):
        steps = await walk(daemon.url, key, trust=trusting(authority))
        assert list(steps)[-1] == "key"
        assert steps["key"].outcome == FAILED
        assert says in steps["key"].text
        assert "evd key create --role sigfox" in steps["key"].advice


async def test_the_daemon_of_another_directory_is_not_taken_for_the_one_behind_the_url(
    daemon: RunningDaemon, authority: trustme.CA
) -> None:
    def other(method: str, path: str, body: Any) -> Any:
        return {"status_id": "of another evd", "push": {"enabled": True}}

    steps = await walk(daemon.url, daemon.keys["sigfox"], trust=trusting(authority), local=other)
    assert steps["push"].outcome == WARNING
    assert "not the one behind the URL" in steps["push"].text


def test_the_command_reports_each_step_in_a_line_and_ends_with_0(daemon: RunningDaemon) -> None:
    env = {"EVD_SIGFOX_KEY": daemon.keys["sigfox"], "SSL_CERT_FILE": str(daemon.directory.parent / "ca.pem")}
    done = run_evd("sigfox", "check", f"{daemon.url}/sigfox/uplink", "--dir", daemon.directory, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines() if line and line[0] in "✓✗!–"] == ["✓"] * 9 + ["!"]
    assert done.stdout.endswith("Sigfox's callbacks arrive.\n")


def test_the_command_takes_the_key_on_stdin_and_ends_with_1_where_a_step_fails(daemon: RunningDaemon) -> None:
    env = {"SSL_CERT_FILE": str(daemon.directory.parent / "ca.pem")}
    done = run_evd("sigfox", "check", daemon.url, "--json", "--key-stdin", env=env, stdin=f"{SECRET}\n")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["url"], told["passed"], told["steps"][-1]["name"]) == (daemon.url, False, "key")
    assert SECRET not in done.stdout + done.stderr


def test_without_a_key_the_command_says_where_it_belongs(tmp_path: Path) -> None:
    done = run_evd("sigfox", "check", "http://127.0.0.1:1", "--dir", tmp_path)
    assert done.returncode == 2
    assert "EVD_SIGFOX_KEY" in done.stderr


async def test_where_vehicles_must_be_known_the_marked_one_is_made_known_if_that_is_possible(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd", env={"EVD_INGEST__UNKNOWN_VEHICLE": "reject"}) as one:
        steps = await walk(one.url, one.keys["sigfox"])
        assert outcomes(steps) == {"DNS": OK, "TCP": OK, "TLS": SKIPPED, "HTTP": OK, "key": OK, "decode": FAILED}
        assert f"evd vehicle set {VEHICLE}" in steps["decode"].advice
        steps = await walk(one.url, one.keys["sigfox"], local=partial(control_socket.call, one.directory / "evd.sock"))
        assert steps["commit"].outcome == OK


# Against other servers


@asynccontextmanager
async def server(answer: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Gives the port of one that says `answer` to each request; b"": nothing, ever."""

    async def talk(stream: trio.abc.HalfCloseableStream | trio.SSLStream[trio.SocketStream]) -> None:
        async with stream:
            try:
                while await stream.receive_some():
                    if answer:
                        await stream.send_all(answer)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass

    async with trio.open_nursery() as nursery:
        serve: Any = partial(trio.serve_tcp, talk, 0, host="127.0.0.1")
        if context is not None:
            serve = partial(trio.serve_ssl_over_tcp, talk, 0, context, host="127.0.0.1", https_compatible=True)
        listeners: Any = await nursery.start(serve)
        listener = listeners[0] if context is None else listeners[0].transport_listener
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
MOVED = b"HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.example\r\nContent-Length: 0\r\n\r\n"
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "last", "says"),
    [
        (MOVED, "HTTP", "https://elsewhere.example"),
        (BAD_GATEWAY, "HTTP", "502"),
        (b"SSH-2.0-x\r\n", "HTTP", "no answer within"),
        (b"SSH-2.0-x\r\n\r\n", "HTTP", "not HTTP/1.1"),
        (b"", "HTTP", ""),
        (NOT_FOUND, "callback", "404"),
    ],
)
async def test_what_is_no_evd_is_named_and_the_walk_ends_there(answer: bytes, last: str, says: str) -> None:
    async with server(answer) as port:
        steps = await walk(f"http://127.0.0.1:{port}", SECRET, timeout_s=0.5)
    assert list(steps)[-1] == last
    assert steps[last].outcome == FAILED
    assert says in steps[last].text


async def test_a_closed_port_and_an_unknown_name_fail_before_a_key_is_sent() -> None:
    async with server(NOT_FOUND) as port:
        pass
    assert outcomes(await walk(f"http://127.0.0.1:{port}", SECRET)) == {"DNS": OK, "TCP": FAILED}
    assert outcomes(await walk("https://nowhere.invalid", SECRET)) == {"DNS": FAILED}


def server_context(
    authority: trustme.CA, name: str = "127.0.0.1", *, whole: bool = False, **more: Any
) -> ssl.SSLContext:
    """With `whole` the authority's own certificate is shown, too."""
    certificate = authority.issue_cert(name, **more)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    chain += authority.cert_pem.bytes() if whole else b""
    with trustme.Blob(certificate.private_key_pem.bytes() + chain).tempfile() as path:
        context.load_cert_chain(path)
    return context


def utc(**ago: int) -> datetime:
    return datetime.now(UTC) + timedelta(**ago)


@pytest.mark.parametrize(
    ("options", "trusted", "advice"),
    [
        ({}, False, "fullchain.pem"),
        ({"whole": True}, False, "public authority"),
        ({"name": "elsewhere.example"}, True, "of the certificate in the URL"),
        ({"not_before": utc(days=-3), "not_after": utc(days=-1)}, True, "renew the certificate"),
    ],
)
async def test_a_certificate_that_sigfox_would_refuse_ends_the_walk(
    options: dict[str, Any], trusted: bool, advice: str, authority: trustme.CA
) -> None:
    trust = trusting(authority) if trusted else ssl.create_default_context
    async with server(NOT_FOUND, server_context(authority, **options)) as port:
        steps = await walk(f"https://127.0.0.1:{port}", SECRET, trust=trust)
    assert outcomes(steps) == {"DNS": OK, "TCP": OK, "TLS": FAILED}
    assert advice in steps["TLS"].advice


async def test_a_server_without_tls_is_said_to_be_one(authority: trustme.CA) -> None:
    async with server(NOT_FOUND) as port:
        steps = await walk(f"https://127.0.0.1:{port}", SECRET, trust=trusting(authority))
    assert steps["TLS"].outcome == FAILED
    assert "speaks TLS" in steps["TLS"].advice


async def test_a_certificate_about_to_end_and_a_missing_tls_1_2_are_warned_of(authority: trustme.CA) -> None:
    context = server_context(authority, not_after=utc(days=3, hours=1))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    async with server(NOT_FOUND, context) as port:
        steps = await walk(f"https://127.0.0.1:{port}", SECRET, trust=trusting(authority))
    assert (steps["TLS"].outcome, steps["TLS 1.2"].outcome) == (WARNING, WARNING)
    assert "3 days" in steps["TLS"].text


async def test_a_server_that_chooses_by_sni_is_found_out(authority: trustme.CA) -> None:
    named, nameless = server_context(authority, "localhost"), server_context(authority, "default.example")

    def choose(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        if name == "localhost":
            connection.context = named

    nameless.sni_callback = choose
    async with server(NOT_FOUND, nameless) as port:
        steps = await walk(f"https://localhost:{port}", SECRET, trust=trusting(authority))
    assert (steps["TLS"].outcome, steps["SNI"].outcome) == (OK, WARNING)
    assert "Send SNI" in steps["SNI"].advice


# Without a server


@pytest.mark.parametrize(
    "url", ["https://x.example", "https://x.example/", "https://x.example/sigfox/uplink", "https://x.example/sigfox"]
)
def test_a_callbacks_whole_url_stands_for_its_evd(url: str) -> None:
    assert base_of(url) == "https://x.example"


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError):
        Checkup("evd.example.org", SECRET, now=0, report=print)
