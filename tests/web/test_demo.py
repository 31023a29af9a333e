"""`evd demo` in a browser: its link opens the fleet, live; a callback of one's own shows its way to the phone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console_page import console_page
from daemon_process import READY_S, STOP_S, Lines, clean_env, start
from playwright.sync_api import Browser, expect


class DemoAddress:
    """Where the demo is."""

    def __init__(self, link: str) -> None:
        self.link = link
        self.url = link.partition("/#")[0]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoAddress]:
    home = tmp_path_factory.mktemp("demo")
    reading, writing = os.pipe()
    with Path(os.devnull).open("r+b") as null:
        command = ["-m", "evd", "demo", "--dir", str(home / "evd-data"), "--bind", "127.0.0.1:0"]
        process = start(command, clean_env(), (null.fileno(), writing, null.fileno()))
        os.close(writing)
    screen = Lines(os.fdopen(reading, encoding="utf-8"))
    try:
        line = screen.wait_for("/#/signin?code=", READY_S)
        assert line is not None, str(screen)
        yield DemoAddress(line.strip())
        process.terminate()
        assert process.wait(STOP_S) == 0
    finally:
        process.kill()
        process.wait()
        screen.close()


def test_the_link_opens_the_fleet_and_shows_a_callbacks_way(browser: Browser, demo: Any) -> None:
    assert demo.url.startswith("http://127.0.0.1:")
    with console_page(browser, demo) as one:
        page = one.page
        page.goto(demo.link)
        expect(page.get_by_role("listitem").nth(5)).to_be_visible()
        assert "evd_link_" not in page.url
        expect(page.get_by_role("listitem").nth(8)).to_be_visible(timeout=20_000)
        one.shot("fleet")
        expect(page.get_by_text(re.compile(r"^[1-9]\d* push"))).to_be_visible()
        page.get_by_role("button", name="Send a callback").click()
        page.get_by_role("dialog").get_by_label("Charge").fill("63")
        page.get_by_role("dialog").get_by_role("button", name="Send a callback").click()
        way = page.get_by_role("dialog").get_by_role("listitem")
        expect(way.nth(1)).to_contain_text("answered 201")
        expect(way.nth(2)).to_contain_text(
            re.compile("FCM took it for phone demo-pho|replaced by a newer|a newer status")
        )
        assert one.violations() == []
        one.shot("demo-callback")
        page.keyboard.press("Escape")
        page.emulate_media(color_scheme="dark")
        one.shot("fleet-dark")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 390, "height": 844})
        assert one.overflow() == 0
        one.shot("fleet-phone")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.get_by_text("Rows").click(force=True)
        expect(page.locator(".vehicle-line").nth(8)).to_be_visible()
        line = page.locator(".vehicle-line").first
        assert line.evaluate("(element) => element.scrollWidth <= element.clientWidth"), "no column beside the row"
        one.shot("fleet-rows")
        other = one.tab()
        other.goto(demo.link)
        expect(other.get_by_role("listitem").first).to_be_visible()  # the browser is signed in; the link itself is used
    with console_page(browser, demo) as stranger:
        stranger.page.goto(demo.link)
        expect(stranger.page.get_by_text("good no more")).to_be_visible()
