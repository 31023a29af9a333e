"""A fleet of 10,000 vehicles in a browser: few of them stand in the document, and all can be reached."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from builders import arrival, new_store
from console_page import add_user, console_page
from daemon_process import RunningDaemon, init, running_daemon
from playwright.sync_api import Browser, expect

VEHICLES = 10_000
IN_DOCUMENT_MAX = 100
SILENT = "02710"
"""The last one by its id: what needs attention comes first nevertheless."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    directory = tmp_path_factory.mktemp("large") / "evd"
    keys, now = init(directory), int(time.time() * 1000)
    store = new_store(directory / "evd.db", capacity=10)
    for first in range(1, VEHICLES, 2000):
        said = []
        for number in range(first, first + 2000):
            vehicle, at = f"{number:05X}", now - 60_000 if number < VEHICLES else now - 30 * 86_400_000
            fields = json.dumps({"state": number % 4, "current_charge": number % 101}).encode()
            said.append(arrival(vehicle, time=at, seq=1, now=at, fields=fields))
        store.write(said)
    store.close()
    with running_daemon(directory, keys=keys) as one:
        add_user(one, "root", admin=True)
        yield one


def test_ten_thousand_vehicles_scroll(browser: Browser, daemon: RunningDaemon) -> None:
    with console_page(browser, daemon) as one:
        page = one.sign_in("root")
        cards = page.locator(".vehicle-card")
        expect(cards.first).to_contain_text(SILENT)
        expect(cards.first).to_contain_text("Silent")
        most, seen = 0, 0
        until = time.monotonic() + 8
        while seen < 1000 and time.monotonic() < until:
            page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
            page.wait_for_function(
                "(seen) => document.querySelector('.windowed li:last-child').ariaPosInSet > seen", arg=seen
            )
            seen = int(page.locator(".windowed li").last.get_attribute("aria-posinset") or 0)
            most = max(most, cards.count())
        assert seen >= 1000, "more pages come as the reader scrolls"
        assert most <= IN_DOCUMENT_MAX
        page.evaluate("window.scrollTo(0, 0)")
        expect(cards.filter(has_text=SILENT)).to_be_visible()
