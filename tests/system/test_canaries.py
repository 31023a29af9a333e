"""Canaries: a secret of every class is sent in every place, refused and accepted, and then looked for everywhere.

Everywhere is: each answer, the log, the bytes of the database and its log, what commands print and the API tells.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest
from daemon_process import RunningDaemon, run_evd, running_daemon

from evd.auth.api_keys import new_key
from evd.net.client.signature import new_secret

NOW = int(time.time())
FORM, TEXT, JSON = "application/x-www-form-urlencoded", "text/plain", "application/json"
WORD = "C4nary"
"""In every canary, and in nothing else."""

KEY = new_key("sigfox")[0].replace("_", f"_{WORD}", 3).replace(f"evd_{WORD}sigfox_{WORD}", "evd_sigfox_")
JWT = f"eyJhbGciOiJSUzI1NiJ9.{WORD}eyJzdWIiOiJ1aWQifQ.c2lnbmF0dXJl"
SHAPED = {
    "a key": KEY,
    "a session": KEY.replace("_sigfox_", "_session_"),
    "a personal access token": KEY.replace("_sigfox_", "_token_"),
    "a CSRF token": f"evd_csrf_{WORD}0123456789abcdef",
    "bearer": f"Bearer {WORD}-abc123",
    "basic": "Basic " + base64.b64encode(b"user:password").decode().replace("=", "") + WORD,
    "JWT": JWT,
    "access token": f"ya29.a0{WORD}-x",
    "FCM token": f"cX1-yZ_abcdefghijklmn:APA91b{WORD}Hun4MxP5egoKMwt2KZFBaFUH",
    "webhook secret": new_secret()[:20] + WORD + "AAAA",
    "private key": f"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN{WORD}/\nBAQ==\n-----END PRIVATE KEY-----",
    "user in a URL": f"https://user:{WORD}pw@example.org/x",
}
NAMED = (
    "key",
    "Key",
    "x-api-key",
    "apikey",
    "api_key",
    "token",
    "accessToken",
    "password",
    "pw",
    "secret",
    "authorization",
)
GOOD = {"device": "A1", "time": NOW, "data": "00", "seqNumber": 1}
BAD = {"device": "A1", "time": "never", "data": "00"}


class Sent(NamedTuple):
    about: str
    path: str
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = MappingProxyType({})
    method: str = "POST"


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


def requests() -> Iterator[Sent]:
    uplink = "/sigfox/uplink"
    for base, which in ((BAD, "refused"), (GOOD, "accepted")):
        for name in NAMED:
            escaped = f"\\u{ord(name[0]):04x}{name[1:]}"
            plain = "&".join(f"{one}={value}" for one, value in base.items())
            yield Sent(f"{which}: member {name}", uplink, as_json({**base, name: WORD}))
            yield Sent(
                f"{which}: member {name} escaped", uplink, as_json({**base, "!": WORD}).replace(b"!", escaped.encode())
            )
            yield Sent(f"{which}: member {name} of a list", uplink, as_json({**base, "l": [1, {"n": [{name: WORD}]}]}))
            yield Sent(f"{which}: {name} is an object", uplink, as_json({**base, name: {"a": [WORD, {"b": WORD}]}}))
            yield Sent(f"{which}: {name} in a text", uplink, as_json({**base, "note": f"it said {name}={WORD}!"}))
            yield Sent(
                f"{which}: {name} in JSON in a text", uplink, as_json({**base, "note": as_json({name: WORD}).decode()})
            )
            yield Sent(
                f"{which}: {name} twice",
                uplink,
                as_json({**base, "!": WORD}).replace(b'"!"', f'"{name}":null,"{name}"'.encode()),
            )
            yield Sent(f"{which}: {name} in a URL", f"{uplink}?{name}={WORD}", as_json(base))
            yield Sent(f"{which}: {name} in a GET", f"{uplink}?{plain}&{name}={WORD}", method="GET")
            yield Sent(f"{which}: {name} in a form", uplink, f"{plain}&{name}={WORD}".encode(), FORM)
            yield Sent(
                f"{which}: {name} in a URL in a form",
                uplink,
                f"{plain}&u={quote(f'https://x/?{name}={WORD}', safe='')}".encode(),
                FORM,
            )
        for about, secret in SHAPED.items():
            plain = "&".join(f"{one}={value}" for one, value in base.items())
            yield Sent(f"{which}: {about} in a member", uplink, as_json({**base, "note": f"see {secret} there"}))
            yield Sent(f"{which}: {about} in a variable of Sigfox's", uplink, as_json({**base, "station": secret}))
            yield Sent(f"{which}: {about} in a list", uplink, as_json({**base, "l": [[secret]]}))
            yield Sent(f"{which}: {about} in a GET", f"{uplink}?{plain}&x={quote(secret, safe='')}", method="GET")
    for about, secret in SHAPED.items():
        yield Sent(f"{about} for the time", uplink, as_json({**GOOD, "time": secret}))
        yield Sent(f"{about} for the payload", uplink, as_json({**GOOD, "data": secret}))
        yield Sent(f"{about} for the device", uplink, as_json({**GOOD, "device": secret}))
        yield Sent(f"{about} for a number", uplink, as_json({**GOOD, "current": secret}))
        yield Sent(f"{about} in what is no JSON", uplink, b"[" + secret.encode())
        yield Sent(f"{about} in a text", uplink, f"A1;{secret};00".encode(), TEXT)
        yield Sent(
            f"{about} in an error's words",
            "/sigfox/error",
            as_json({**GOOD, "info": f"no {secret}", "severity": "WARN"}),
        )
        yield Sent(f"{about} in a header", uplink, b"{", headers={"x-note": secret.replace("\n", " ")})
        yield Sent(
            f"{about} in the path of a batch", "/sigfox/batch", f"A1;never;{secret};1;\nA1;{NOW};00;1;".encode(), TEXT
        )
    yield Sent(
        "names and values apart",
        uplink,
        as_json({**BAD, "l": ["x-api-key", WORD], "h": [{"name": "token", "value": WORD}]}),
    )
    yield Sent("JSON that is cut", uplink, b'{"device":"A1","key":"' + WORD.encode())
    yield Sent("a text", uplink, f"device A1 key={WORD}".encode(), TEXT)
    yield Sent("a form called JSON", uplink, f"device=A1&code={WORD}&x={WORD}".encode())
    yield Sent("not UTF-8", uplink, b'{"device":"\xff","key":"' + WORD.encode() + b'"}')
    yield Sent("UTF-16", uplink, json.dumps({**BAD, "key": WORD}).encode("utf-16-le"))
    yield Sent(
        "a multipart form",
        uplink,
        f'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\n{WORD}\r\n'.encode(),
        "multipart/form-data",
    )
    yield Sent("H04", f"/sigfox/geoloc?code={WORD}FUNCTIONKEY&lat=-33.795&lng=151.035&radius=3321", method="GET")
    yield Sent(
        "H04, its kin",
        f"/sigfox/geoloc?apikey={WORD}&token={WORD}&pw={WORD}&sig={WORD}&sid={WORD}&other={WORD}",
        method="GET",
    )
    for name in ("x-auth-token", "cookie", "authorization", "x-functions-key", "x-hub-signature"):
        yield Sent(f"header {name}", uplink, b"{", headers={name: f"session={WORD}"})
    yield Sent("a batch", "/sigfox/batch", f"A1;{NOW};00;7;\nA1;never;key={WORD};2;".encode(), TEXT)
    yield Sent("no route", f"/sigfox/uplink/{JWT}?key={WORD}", as_json(BAD))


def bound(data: bytes, where: str) -> None:
    for form in (WORD.encode(), WORD.encode("utf-16-le"), WORD.encode().hex().encode()):
        at = data.find(form)
        assert at < 0, f"{where}: …{data[max(0, at - 80) : at + 40]!r}…"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    env = {"EVD_LOG__LEVEL": "debug", "EVD_APP__TRUST_USER_HEADER": "true"}
    with running_daemon(tmp_path_factory.mktemp("canaries") / "evd", env=env) as one:
        assert run_evd("owner", "add", "martin", "A1", "--dir", one.directory).returncode == 0
        yield one


ALL = list(requests())


def test_no_secret_is_kept_logged_answered_or_printed(daemon: RunningDaemon) -> None:
    statuses: dict[str, int] = {}
    with httpx.Client(base_url=daemon.url) as client:
        for sent in ALL:
            headers = {"x-api-key": daemon.keys["sigfox"], "content-type": sent.content_type, **sent.headers}
            content = sent.body if sent.method != "GET" else None
            answer = client.request(sent.method, sent.path, content=content, headers=headers)
            statuses[sent.about] = answer.status_code
            bound(answer.content + repr(answer.headers).encode(), f"the answer to {sent.about}")
    assert all(status < 500 for status in statuses.values())
    assert {statuses[about] for about in statuses if about.startswith("accepted")} <= {201, 400}
    assert sum(statuses[about] == 201 for about in statuses if about.startswith("accepted: member")) == 3 * len(NAMED)
    assert statuses["H04"] == 400
    _look_everywhere(daemon)


def _look_everywhere(daemon: RunningDaemon) -> None:
    commands = (
        *(("rejected", "list", "--limit", "1000"), ("vehicle", "log"), ("vehicle", "list"), ("stats",)),
        *(("vehicle", "show", "A1"), ("rejected", "replay", "--all"), ("event", "list"), ("push", "list")),
    )
    for command in commands:
        for more in ((), ("--json",)):
            done = run_evd(*command, *more, "--dir", daemon.directory)
            bound((done.stdout + done.stderr).encode(), " ".join(command))
    admin = {"x-api-key": daemon.keys["admin"]}
    numbers = [row["number"] for row in httpx.get(f"{daemon.url}/api/v1/rejections?limit=1000", headers=admin).json()]
    assert len(numbers) > 100
    for number in numbers:
        answer = httpx.get(f"{daemon.url}/api/v1/rejections/{number}", headers=admin)
        assert answer.status_code == 200
        bound(answer.content, f"rejection {number}")
    app = {"x-api-key": daemon.keys["app"], "userId": "martin"}
    for path in ("/android/last?vehicleId=A1", f"/android/range?vehicleId=A1&timeFrom=0&timeTo={10**13}"):
        answer = httpx.get(f"{daemon.url}{path}", headers=app)
        assert answer.status_code == 200
        bound(answer.content, path)
    bound(httpx.get(f"{daemon.url}/metrics", headers=admin).content, "metrics")
    for file in daemon.directory.iterdir():
        if file.is_file():
            bound(file.read_bytes(), file.name)
    daemon.stop()
    bound(str(daemon.logs).encode(), "the log")
    assert "a callback is rejected" in str(daemon.logs)
    for file in daemon.directory.iterdir():
        bound(file.read_bytes(), f"{file.name} after the end")
