"""A page of the console in a real browser, and what must hold for each: no error, and no request to another host."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from daemon_process import RunningDaemon
from folders import ROOT
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
PASSWORD = "correct horse battery"
PAYLOAD, CHARGING = "130a4c0f594e427e4bb45088", "330a4c0f594e427e4bb45088"
WAITS_MS = 10_000
SCREENSHOTS = ROOT / "docs/screenshots"


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Debian's Chromium; the test is skipped where there is none."""
    if not CHROMIUM.exists():
        pytest.skip("there is no /usr/bin/chromium: apt-get install chromium; .ci/run installs it")
    # trio-asyncio, which evd imports, makes loops that run inside trio only.
    policy = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())
    with ExitStack() as stack:
        stack.callback(asyncio.set_event_loop_policy, policy)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"]
        )
        try:
            yield browser
        finally:
            browser.close()


def send(daemon: RunningDaemon, vehicle: str, sequence: int, payload: str = PAYLOAD, ago_s: int = 0) -> None:
    body = {"device": vehicle, "time": int(time.time()) - ago_s, "data": payload, "seqNumber": sequence}
    headers = {"x-api-key": daemon.keys["sigfox"]}
    assert httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers=headers).status_code == 201


def ask_as_admin(daemon: RunningDaemon, method: str, path: str, body: object = None) -> None:
    answer = httpx.request(method, f"{daemon.url}/api/v1{path}", json=body, headers={"x-api-key": daemon.keys["admin"]})
    assert answer.status_code < 300, answer.text


def add_user(daemon: RunningDaemon, uid: str, *, admin: bool = False) -> None:
    ask_as_admin(daemon, "POST", "/users", {"uid": uid, "password": PASSWORD, "admin": admin})


class ConsolePage:
    """A tab of its own browser profile. `close` asserts that it met no error and asked no other host."""

    def __init__(self, browser: Browser, daemon: RunningDaemon, **options: Any) -> None:
        given = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "timezone_id": "Europe/Prague"}
        self.context: BrowserContext = browser.new_context(**{**given, **options})
        self.context.set_default_timeout(WAITS_MS)
        self.url = daemon.url
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.page: Page = self.tab()

    def tab(self) -> Page:
        """One more tab, which is watched, too."""
        page = self.context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))
        return page

    def _said(self, message: ConsoleMessage) -> None:
        # The browser itself notes each answer 401 and 403: what evd refuses is shown in the page.
        if message.type == "error" and not re.search(r"the server responded with a status of 4\d\d", message.text):
            self.errors.append(message.text)

    def _asked(self, url: str) -> None:
        if urlsplit(url).netloc != urlsplit(self.url).netloc and not url.startswith(("data:", "blob:")):
            self.foreign.append(url)

    def open(self, path: str = "/fleet") -> Page:
        self.page.goto(f"{self.url}/#{path}")
        return self.page

    def sign_in(self, user: str, path: str = "/fleet") -> Page:
        """Sign in by the form, as a person does, and go to the page."""
        self.open(path)
        self.page.get_by_label("User", exact=True).fill(user)
        self.page.get_by_role("textbox", name="Password").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(".frame")
        return self.page

    def violations(self) -> list[str]:
        """What axe finds that is serious or critical."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:160]} {one['nodes'][0].get('failureSummary', '')[:200]}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the screen."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return width

    def shot(self, name: str) -> None:
        """A picture for the docs, if `make screenshots` asks for them."""
        if "SCREENSHOTS" in os.environ:
            SCREENSHOTS.mkdir(exist_ok=True)
            self.page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")

    def close(self) -> None:
        self.context.close()
        assert self.errors == []
        assert self.foreign == []


@contextmanager
def console_page(browser: Browser, daemon: RunningDaemon, **options: Any) -> Iterator[ConsolePage]:
    """`options` are those of playwright's browser contexts, as viewport, locale, color_scheme."""
    one = ConsolePage(browser, daemon, **options)
    try:
        yield one
    except BaseException:
        one.context.close()
        raise
    one.close()
