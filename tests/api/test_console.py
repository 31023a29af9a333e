"""The console over HTTP: its page, its files, and what is not there."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from daemon_process import RunningDaemon, running_daemon
from folders import ROOT

from evd.web.assets import Assets, assets

STATIC = ROOT / "evd/web/static"


@pytest.fixture(scope="module")
def known() -> Assets:
    return assets()


INLINE = re.compile(r"<(script|style)(?![^>]*application/json)[^>]*>([^<]*(?:<(?!/\1>)[^<]*)*)</\1>")


def test_the_page_is_sent_with_a_strict_policy_that_names_what_stands_in_it(daemon: RunningDaemon) -> None:
    page = httpx.get(f"{daemon.url}/")
    assert page.status_code == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-") and "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff" and page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    inline = INLINE.findall(page.text)
    assert [kind for kind, _ in inline] == ["script", "style", "script", "script"]
    for _, text in inline:
        assert f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert re.search(r"<[^>]*\s(?:style|on\w+)=", page.text[: page.text.index("<script>")]) is None


def test_what_the_page_names_is_there_and_never_changes(daemon: RunningDaemon) -> None:
    page = httpx.get(f"{daemon.url}/").text
    named = re.findall(r'"(/assets/[^"]+\.\w+)"', page)
    assert len(named) > 8
    with httpx.Client(base_url=daemon.url) as client:
        for address in named:
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_the_page_has_what_its_reader_may_see_and_no_more(
    daemon: RunningDaemon, session_cookie: str, accepted: str
) -> None:
    headers = {"accept-encoding": accepted}
    for cookie, uid in (("", None), ("evd=wrong", None), (f"evd={session_cookie}", "conny")):
        answer = httpx.get(f"{daemon.url}/", headers={**headers, "cookie": cookie})
        assert answer.headers.get("content-encoding") == ("gzip" if accepted == "gzip" else None)
        found = {name: json.loads(text) for name, text in re.findall(r'id="evd-(\w+)">(.*?)</script>', answer.text)}
        assert (found["start"]["session"] or {}).get("uid") == uid
        assert found.get("fleet") == ({"rows": [], "next": None} if uid else None)


@pytest.mark.parametrize("accepted", ["gzip", "identity", "br;q=0, gzip;q=0"])
def test_a_file_is_compressed_for_who_takes_it(daemon: RunningDaemon, known: Assets, accepted: str) -> None:
    address = f"{daemon.url}/assets/{known.version}/app.js"
    with httpx.stream("GET", address, headers={"accept-encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers.get("content-encoding") == ("gzip" if accepted == "gzip" else None)
    plain = (STATIC / "app.js").read_bytes()
    assert (gzip.decompress(raw) if accepted == "gzip" else raw) == plain


@pytest.mark.parametrize(
    "name",
    [
        "../assets.py",
        "..%2fassets.py",
        "%2e%2e/assets.py",
        "/etc/passwd",
        "pages",
        "index.html",
        "app.js.gz",
        "a\0b",
        "",
    ],
)
def test_nothing_outside_of_the_manifest_is_sent(daemon: RunningDaemon, known: Assets, name: str) -> None:
    path = f"/assets/{known.version}/{name}".replace("\0", "%00").encode()
    answer = httpx.get(httpx.URL(daemon.url, raw_path=path))
    assert (answer.status_code, answer.text) == (418, "I'm a teapot!")


def test_another_versions_address_has_no_file(daemon: RunningDaemon) -> None:
    assert httpx.get(f"{daemon.url}/assets/0123456789abcdef/app.js").status_code == 418


def test_without_the_console_its_paths_are_as_unknown_ones(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd", settings="[web]\nenabled = false\n") as one:
        for path in ("/", f"/assets/{assets().version}/app.js"):
            answer = httpx.get(one.url + path)
            assert (answer.status_code, answer.text) == (418, "I'm a teapot!")
        assert httpx.get(f"{one.url}/api/v1/console").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_the_console_takes_no_other_method_from_the_original(daemon: RunningDaemon, method: str) -> None:
    for path in ("/", "/v2/", "/v3", "/assets/"):
        answer = httpx.request(method, daemon.url + path)
        assert (answer.status_code, answer.text) == (418, "I'm a teapot!")


@pytest.mark.parametrize(
    ("cookie", "user"), [("", None), ("evd=wrong", None), ("evd={cookie}", "conny"), ("__Host-evd={cookie}", None)]
)
def test_the_sign_in_page_knows_whether_somebody_is_signed_in(
    client: httpx.Client, admin: dict[str, str], session_cookie: str, cookie: str, user: str | None
) -> None:
    answer = client.get("/api/v1/console", headers={"cookie": cookie.format(cookie=session_cookie)})
    start = answer.json()
    assert (start["first_run"], start["demo"], answer.headers["cache-control"]) == (False, False, "no-store")
    assert (start["session"] and start["session"]["uid"]) == user
    assert user is None or start["session"]["csrf_token"].startswith("evd_csrf_")


@pytest.fixture(scope="module")
def session_cookie(daemon: RunningDaemon) -> str:
    """Of conny, a local user."""
    wish = {"uid": "conny", "password": "correct horse battery"}
    with httpx.Client(base_url=f"{daemon.url}/api/v1") as browser:
        assert browser.post("/users", json=wish, headers={"x-api-key": daemon.keys["admin"]}).status_code == 201
        assert browser.post("/session", json={"user": "conny", "password": wish["password"]}).status_code == 201
        return browser.cookies["evd"]
