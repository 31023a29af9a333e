"""`server.trusted_proxies` through the whole daemon: whose address the log and `rejected` have, and who waits."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx
import pytest
import trustme
from daemon_process import RunningDaemon, run_evd, running_daemon

from evd.auth.guess_limit import AT_ONCE

IMPORTED = "hZ3kQ9vT1mB7xW5cR2nL8pD4sF6gJ0aY"


@pytest.fixture(scope="module", params=["plain", "TLS"])
def daemon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    folder = tmp_path_factory.mktemp("proxied")
    settings = '[server]\ntrusted_proxies = ["127.0.0.0/8"]\n'
    if request.param == "TLS":
        both = folder / "both.pem"
        trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(both)
        settings += f'tls_cert = "{both}"\ntls_key = "{both}"\n'
    with running_daemon(folder / "evd", settings=settings) as one:
        yield one


@pytest.fixture
def client(daemon: RunningDaemon) -> Iterator[httpx.Client]:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with httpx.Client(base_url=daemon.url, verify=trusting, timeout=30) as one:
        yield one


FORWARDED = {
    "X-Forwarded-For": ("8.8.8.8, {}", "192.0.2."),
    "Forwarded": ('for=8.8.8.8, for="[{}]:4711"', "2001:db8::"),
}


@pytest.mark.parametrize("header", FORWARDED)
@pytest.mark.parametrize(
    ("path", "event", "number"),
    [
        ("/sigfox/uplink", "a callback is rejected", 1),
        ("/sigfox/batch", "a callback is rejected", 2),
        ("/sigfox/none", "a request to an unknown path is rejected", 3),
    ],
)
def test_the_log_and_what_is_kept_of_a_rejected_request_say_whose_it_was(
    daemon: RunningDaemon, client: httpx.Client, path: str, event: str, number: int, header: str
) -> None:
    """The edge answers the first two, the web application the third."""
    text, network = FORWARDED[header]
    address = f"{network}{number}"
    headers = {"x-api-key": daemon.keys["sigfox"], header: text.format(address)}
    assert client.post(path, content=f"{header} {path}".encode(), headers=headers).status_code >= 400
    daemon.event(event, client=address)
    newest = client.get("/api/v1/rejections?limit=1", headers={"x-api-key": daemon.keys["admin"]}).json()[0]
    assert newest["client"] == address
    shown = run_evd("rejected", "show", str(newest["number"]), "--dir", daemon.directory).stdout
    assert f" from {address}\n" in shown


def test_wrong_keys_are_counted_by_the_client_behind_the_proxy(daemon: RunningDaemon, client: httpx.Client) -> None:
    imported = run_evd("key", "import", "--role", "sigfox", "--dir", daemon.directory, stdin=f"{IMPORTED}\n")
    assert imported.returncode == 0, imported.stderr

    def status(path: str, key: str, address: str) -> int:
        return client.get(path, headers={"x-api-key": key, "x-forwarded-for": f"8.8.8.8, {address}"}).status_code

    answered = [status("/metrics", f"wrong {number}", "192.0.2.66") for number in range(AT_ONCE)]
    while answered[-1] == 401:  # five a second are forgiven meanwhile
        answered.append(status("/metrics", "wrong", "192.0.2.66"))
    assert answered[-1] == 429, "the web application's server"
    assert status("/sigfox/uplink?id=1", IMPORTED, "192.0.2.66") == 429, "the edge"
    assert status("/sigfox/uplink?id=1", IMPORTED, "192.0.2.67") not in (401, 429)
    assert status("/metrics", "wrong", "192.0.2.67") == 401


def test_at_the_control_socket_nobody_is_behind_a_proxy(daemon: RunningDaemon) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(daemon.directory / "evd.sock"))) as client:
        headers = {"x-forwarded-for": "192.0.2.66", "x-api-key": daemon.keys["sigfox"]}
        answer = client.post("http://evd/sigfox/uplink", content=b"by the control socket", headers=headers)
        assert answer.status_code == 400
        (newest,) = client.get("http://evd/api/v1/rejections?limit=1").json()
    assert newest["client"] == ""
