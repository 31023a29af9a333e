"""Follow the path of a Sigfox callback to the disk once, from the outside, step by step.

The test callback is sent for a vehicle of its own, VEHICLE. It takes every step of a real one, is recognizable in the
fleet by its name, and has a ring of one status if the daemon can be asked for that.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import orjson
import trio

from evd.errors import ControlError, HttpError
from evd.net.client.base_url import BaseUrl, parse_base_url
from evd.net.client.http import HttpClient
from evd.net.client.response import Response
from evd.net.client.transport import default_ssl_context
from evd.sigfox_api.diagnose.verdicts import (
    CERTIFICATE_ADVICE,
    FAILED,
    OK,
    ROUTE,
    SKIPPED,
    UNTRUSTED,
    VEHICLE,
    WARNING,
    CheckStep,
    Peer,
    judge_addresses,
    judge_answer,
    judge_certificate,
    judge_health,
    judge_push,
    reason,
)

TIMEOUT_S = 10.0
"""Time limit of each step: Sigfox waits no longer for an answer."""

ANSWER_MAX = 65_536  # bytes; evd's answers are small, a proxy's error page is some kilobytes
ADDRESSES_MAX = 8  # addresses of a name that are tried


Local = Callable[[str, str, Any], Any]
"""`control_socket.call` to the daemon of this machine: method, path below /api/v1, body. It may block."""


class _Failed(Exception):
    """A failed step that makes the next ones pointless."""

    def __init__(self, step: CheckStep) -> None:
        super().__init__(step.name)
        self.step = step


class _EachStep(NamedTuple):
    trust: Callable[[], ssl.SSLContext]
    """Makes a context that knows the authorities that count."""
    timeout_s: float


class Checkup:
    """One run. `report` gets each step as it ends, `now` is the time in epoch ms.

    `trust` makes a TLS context with the accepted authorities; `local` reaches the daemon of this machine if one runs
    here.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        now: int,
        report: Callable[[CheckStep], None],
        local: Local | None = None,
        trust: Callable[[], ssl.SSLContext] = default_ssl_context,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Raises ConfigError if `url` is not an http:// or https:// address."""
        self.url = base_of(url)
        self.steps: list[CheckStep] = []
        self._origin: BaseUrl = parse_base_url(self.url)
        self._key = key
        self._now = now
        self._report = report
        self._local = local
        self._each = _EachStep(trust, timeout_s)

    @property
    def passed(self) -> bool:
        return not any(step.outcome == FAILED for step in self.steps)

    async def run(self) -> None:
        """Run the steps in order up to the first that fails. The key is sent only if all steps before it succeeded."""
        try:
            await self._within("DNS", self._dns)
            await self._within("TCP", self._tcp)
            await self._tls_steps()
            await self._within("HTTP", self._http)
            await self._within("callback", self._callback)
            await self._within("push", self._push)
        except _Failed as failure:
            self._add(failure.step)

    def _add(self, step: CheckStep) -> None:
        self.steps.append(step)
        self._report(step)

    async def _within(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        with trio.move_on_after(self._each.timeout_s):
            await work()
            return
        raise _Failed(
            CheckStep(
                name,
                FAILED,
                f"no answer within {self._each.timeout_s:g} s",
                "look whether a firewall swallows the packets: Sigfox calls from 185.110.96.0/22",
            )
        )

    async def _dns(self) -> None:
        host = self._origin.host
        try:
            found = await trio.socket.getaddrinfo(host, self._origin.port, type=trio.socket.SOCK_STREAM)
        except OSError as error:
            advice = "set an A record for this name, or mend the name in the URL"
            raise _Failed(CheckStep("DNS", FAILED, f"{host} has no address ({error.strerror})", advice)) from None
        self._addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))[:ADDRESSES_MAX]
        self._add(CheckStep("DNS", *judge_addresses(host, self._addresses)))

    async def _tcp(self) -> None:
        """Connect to every address, because Sigfox may use any of them."""
        silent: dict[str, str] = {}

        async def knock(address: str) -> None:
            try:
                # Half of the step's time, so that one silent address is named and does not fail the others.
                with trio.fail_after(self._each.timeout_s / 2):
                    stream = await trio.open_tcp_stream(address, self._origin.port)
            except (OSError, trio.TooSlowError) as error:
                silent[address] = type(error).__name__
            else:
                await stream.aclose()

        async with trio.open_nursery() as nursery:
            for address in self._addresses:
                nursery.start_soon(knock, address)
        self._add_tcp(silent)

    def _add_tcp(self, silent: dict[str, str]) -> None:
        port = self._origin.port
        if len(silent) == len(self._addresses):
            advice = f"open port {port} in the firewall (Sigfox calls from 185.110.96.0/22), and look whether evd runs"
            raise _Failed(CheckStep("TCP", FAILED, f"nothing listens at {', '.join(silent)} port {port}", advice))
        if silent:
            advice = "take the address out of the DNS, or have evd listen there: Sigfox may try it first"
            self._add(CheckStep("TCP", WARNING, f"nothing listens at {', '.join(silent)} port {port}", advice))
        else:
            self._add(CheckStep("TCP", OK, f"port {port} is open"))

    async def _tls_steps(self) -> None:
        if self._origin.scheme == "http":
            advice = "for Sigfox use https with a certificate of a public authority: it refuses self-signed ones"
            self._add(
                CheckStep("TLS", SKIPPED, "the address is plain http: anyone on the way can read the key", advice)
            )
            return
        await self._within("TLS", self._tls)
        await self._within("TLS 1.2", self._tls_12)
        await self._within("SNI", self._sni)

    async def _tls(self) -> None:
        """Check the certificate's chain, name and end."""
        try:
            self._peer = await self._handshake(self._each.trust(), self._origin.host)
        except ssl.SSLCertVerificationError as error:
            advice = CERTIFICATE_ADVICE.get(error.verify_code, UNTRUSTED)
            raise _Failed(
                CheckStep("TLS", FAILED, f"the certificate is refused: {error.verify_message}", advice)
            ) from None
        except (OSError, trio.BrokenResourceError) as error:
            advice = f"look whether port {self._origin.port} speaks TLS (server.tls_cert and tls_key, or the proxy)"
            raise _Failed(CheckStep("TLS", FAILED, f"no TLS connection ({reason(error)})", advice)) from None
        self._add(CheckStep("TLS", *judge_certificate(self._peer, self._now)))

    async def _tls_12(self) -> None:
        """Check TLS 1.2: Sigfox does not document its versions, and old clients have no newer one."""
        if self._peer.version == "TLSv1.2":
            return
        context = self._each.trust()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            await self._handshake(context, self._origin.host)
        except OSError:
            advice = "let the proxy speak TLS 1.2 beside 1.3: Sigfox does not say which versions it knows"
            self._add(CheckStep("TLS 1.2", WARNING, "refused", advice))
        else:
            self._add(CheckStep("TLS 1.2", OK, "spoken too"))

    async def _sni(self) -> None:
        """Sigfox names the server only where the callback's SNI switch is on, and it is off unless ticked."""
        context = self._each.trust()
        context.check_hostname = False
        try:
            peer = await self._handshake(context, None)
        except OSError as error:
            found = f"none is shown ({reason(error)})"
        else:
            if peer.certificate == self._peer.certificate:
                self._add(CheckStep("SNI", OK, "without SNI the same certificate is shown"))
                return
            found = "another one is shown"
        advice = "tick “Send SNI” in every callback, or make this certificate the server's default"
        self._add(CheckStep("SNI", WARNING, f"without SNI {found}", advice))

    async def _handshake(self, context: ssl.SSLContext, name: str | None) -> Peer:
        """Make a TLS handshake. Raises OSError, including ssl.SSLCertVerificationError."""
        tcp = await trio.open_tcp_stream(self._origin.host, self._origin.port)
        tls = trio.SSLStream(tcp, context, server_hostname=name, https_compatible=True)
        try:
            await tls.do_handshake()
            return Peer(tls.getpeercert(True), str(tls.version()), tls.getpeercert().get("notAfter", ""))
        except trio.BrokenResourceError as error:
            cause = error.__cause__
            raise (cause if isinstance(cause, OSError) else ConnectionResetError("the connection was closed")) from None
        finally:
            tcp.socket.close()

    async def _request(
        self, step: str, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> Response:
        client = HttpClient(
            connections_max=1, timeout_s=self._each.timeout_s, body_max=ANSWER_MAX, ssl_context=self._each.trust()
        )
        try:
            async with client:
                return await client.request(method, self._origin.url + path, headers, body)
        except HttpError as error:
            advice = "look whether evd runs, and whether the proxy in front of it passes requests on"
            raise _Failed(CheckStep(step, FAILED, str(error).rstrip("."), advice)) from None

    async def _http(self) -> None:
        answer = await self._request("HTTP", "GET", "/healthz", {})
        step = judge_health(answer)
        if step.outcome == FAILED:
            raise _Failed(step)
        self._add(step)

    async def _callback(self) -> None:
        self._here = await self._ask_local("PATCH", f"/vehicles/{VEHICLE}", {"keep": 1, "name": "evd sigfox check"})
        headers = {"x-api-key": self._key, "content-type": "application/json"}
        document = {"device": VEHICLE, "time": self._now // 1000, "data": "00" * 12}
        answer = await self._request("callback", "POST", ROUTE, headers, orjson.dumps(document))
        for step in judge_answer(answer):
            if step.outcome == FAILED:
                raise _Failed(step)
            self._add(step)
        self._status_id = answer.headers.get("x-status-id", "")

    async def _push(self) -> None:
        """Check pushes, if the daemon of this machine is the one that took the callback."""
        if self._here is None:
            text = "no evd runs in this machine's directory, so pushes were not looked at"
            self._add(CheckStep("push", SKIPPED, text, "run this command where evd runs, with --dir, to know"))
            return
        vehicle = await self._ask_local("GET", f"/vehicles/{VEHICLE}", None) or {}
        if vehicle.get("status_id") != self._status_id:
            text = "the evd of this machine's directory is not the one behind the URL"
            self._add(
                CheckStep("push", WARNING, text, "look where the name and the proxy lead to, or name another --dir")
            )
            return
        stats = await self._ask_local("GET", "/stats", None) or {}
        self._add(CheckStep("push", *judge_push(stats)))

    async def _ask_local(self, method: str, path: str, body: Any) -> Any:
        """The daemon's answer; None if there is none."""
        local = self._local
        if local is None:
            return None
        try:
            return await trio.to_thread.run_sync(local, method, path, body, abandon_on_cancel=True)
        except ControlError:
            return None


def base_of(url: str) -> str:
    """evd's base address, given that or a callback's whole URL."""
    return url.partition("/sigfox/")[0].removesuffix("/sigfox").rstrip("/")
