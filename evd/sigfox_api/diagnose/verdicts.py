"""Rate what a step of the check found: whether it is right, and what to do."""

from __future__ import annotations

import ssl
from typing import Any

import msgspec
import orjson

from evd.model.units import DAY_S
from evd.net.client.response import Response

VEHICLE = "evd-check"
"""Not hex, so no Sigfox device can have this id."""

ROUTE = "/sigfox/uplink"

OK, FAILED, WARNING, SKIPPED = "ok", "failed", "warning", "skipped"

EXPIRES_SOON_DAYS = 14  # automatic renewals happen 30 days before the end: by now they have failed


class CheckStep(msgspec.Struct, frozen=True):
    """`text` says what was found, `advice` what to do.

    Only `failed` means that Sigfox's callbacks do not arrive.
    """

    name: str
    outcome: str
    text: str
    advice: str = ""


class Peer(msgspec.Struct, frozen=True):
    """What a TLS server presented: its certificate (DER), the version, and the certificate's end (OpenSSL's text)."""

    certificate: bytes
    version: str
    not_after: str


UNTRUSTED = "use a certificate of a public authority (for instance Let's Encrypt): Sigfox refuses all others"

#: OpenSSL's X509_V_ERR_… (openssl-verification-options) → what to do.
CERTIFICATE_ADVICE = {
    9: "set the server's clock, or wait: the certificate begins in the future",
    10: "renew the certificate, and have the server load it",
    18: UNTRUSTED,
    19: UNTRUSTED,
    20: f"give the server the whole chain (fullchain.pem), not the certificate alone; else {UNTRUSTED}",
    21: f"give the server the whole chain (fullchain.pem), not the certificate alone; else {UNTRUSTED}",
    62: "get a certificate for this name, or use the name of the certificate in the URL",
    64: "use the name of the certificate in the URL, in place of the address",
}


def judge_addresses(host: str, addresses: list[str]) -> tuple[str, str, str]:
    text = f"{host} is {', '.join(addresses)}"
    if all(":" in address for address in addresses):
        return WARNING, text, "add an A record: the addresses that Sigfox calls from are IPv4"
    return OK, text, ""


def judge_certificate(peer: Peer, now: int) -> tuple[str, str, str]:
    days = (int(ssl.cert_time_to_seconds(peer.not_after)) - now // 1000) // DAY_S
    text = f"{peer.version}, the chain is trusted, the certificate holds for {days} days"
    if days < EXPIRES_SOON_DAYS:
        return WARNING, text, "renew it in time: look why it was not renewed by itself"
    return OK, text, ""


def judge_health(answer: Response) -> CheckStep:
    if 300 <= answer.status < 400:
        target = answer.headers.get("location", "somewhere else")[:200]
        return CheckStep(
            "HTTP", FAILED, f"the server sends callers on to {target}", "give Sigfox the address of that place"
        )
    if answer.status >= 500:
        advice = "look whether evd runs (`evd stats`), and where the proxy in front of it leads to"
        return CheckStep("HTTP", FAILED, f"the server answers {answer.status}", advice)
    version = _json(answer).get("version")
    if answer.status == 200 and version:
        return CheckStep("HTTP", OK, f"evd {version} answers")
    advice = "all is well if a proxy passes on /sigfox/ only; else it leads elsewhere than to evd"
    return CheckStep("HTTP", WARNING, f"/healthz is answered with {answer.status}, and not by evd", advice)


_KEY_FITS = CheckStep("key", OK, "the key may send callbacks")
_DECODED = CheckStep("decode", OK, "the callback was read and its payload decoded")


def judge_answer(answer: Response) -> list[CheckStep]:
    """The steps key, decode and commit, as far as the test callback's answer shows them; the last may have failed."""
    detail = str(_json(answer).get("detail", "no reason is given"))
    if answer.status == 201 and answer.headers.get("x-status-id"):
        commit = f"on disk as status {answer.headers['x-status-id']} of vehicle {VEHICLE}"
        return [_KEY_FITS, _DECODED, CheckStep("commit", OK, commit)]
    if answer.status in KEY_ADVICE:
        return [CheckStep("key", FAILED, detail, KEY_ADVICE[answer.status])]
    if answer.status == 400:
        return [
            _KEY_FITS,
            CheckStep("decode", FAILED, detail, DECODE_ADVICE.get(_json(answer).get("Error", ""), LOOK_UP)),
        ]
    if answer.status in (500, 503):
        advice = "look at evd's log: the disk may be full, or evd overloaded"
        return [_KEY_FITS, _DECODED, CheckStep("commit", FAILED, detail, advice)]
    advice = "look where the proxy leads to, and whether it changes the path"
    return [
        CheckStep("callback", FAILED, f"{ROUTE} is answered with {answer.status}, which evd never does there", advice)
    ]


KEY_ADVICE = {
    401: "make a key with `evd key create --role sigfox`, for $EVD_SIGFOX_KEY and for the callbacks' x-api-key",
    403: "make a key with `evd key create --role sigfox`: this one has another role",
}
LOOK_UP = "`evd rejected list` shows it; mend the default format in evd.toml"
DECODE_ADVICE = {
    "Unknown vehicle": f"evd takes known vehicles only: `evd vehicle set {VEHICLE} --keep 1`, then check again",
    "Too many vehicles": "raise ingest.vehicles_max",
}


def judge_push(stats: dict[str, Any]) -> tuple[str, str, str]:
    push, stored = stats.get("push", {}), stats.get("stored", {})
    if not push.get("enabled"):
        return WARNING, "pushes are off", "set push.credentials, if phones shall hear of statuses"
    if push.get("paused"):
        return WARNING, f"pushes pause: {push['paused']}", "look at evd's log: FCM refuses the sender for now"
    return OK, f"pushes go out; {stored.get('registrations', 0)} phones are registered", ""


def _json(answer: Response) -> dict[str, Any]:
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def reason(error: BaseException) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or type(error).__name__)
