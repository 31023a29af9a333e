"""The first view on a slow phone's network: Chrome's "Fast 3G", nothing in the browser's cache, 1,000 vehicles."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from builders import arrival, new_store
from console_page import ConsolePage, add_user, console_page
from daemon_process import RunningDaemon, init, running_daemon
from playwright.sync_api import Browser

VEHICLES = 1000
FAST_3G = {"offline": False, "latency": 562.5, "downloadThroughput": 180_000.0, "uploadThroughput": 84_375.0}
"""As Chrome's preset: 1.6 Mbit/s down and 750 kbit/s up, less a tenth; each answer 562.5 ms after its request."""
FIRST_VIEW_MS = 1000
TRIES = 20
"""One of them must do: in the others another test may have the processor."""

NOTE_FIRST_CARD = """
window.firstCard = null;
new MutationObserver((_, seeing) => {
  if (!document.querySelector(".vehicle-card .vehicle-name")?.textContent) return;
  seeing.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.firstCard = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
"""Milliseconds from the navigation's start until a vehicle was painted."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    directory = tmp_path_factory.mktemp("slow") / "evd"
    keys, now = init(directory), int(time.time() * 1000)
    store = new_store(directory / "evd.db", capacity=10)
    said = []
    for number in range(1, VEHICLES + 1):
        fields = json.dumps({"state": number % 4, "current_charge": number % 101}).encode()
        said.append(arrival(f"{number:05X}", time=now - 60_000, seq=1, now=now, fields=fields))
    store.write(said)
    store.close()
    with running_daemon(directory, keys=keys) as one:
        add_user(one, "root", admin=True)
        yield one


def first_view(one: ConsolePage) -> float:
    """Milliseconds until the first vehicle is seen, on a slow network with an empty cache."""
    page = one.tab()
    page.add_init_script(NOTE_FIRST_CARD)
    network = one.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.clearBrowserCache")
    network.send("Network.emulateNetworkConditions", FAST_3G)
    page.goto(f"{one.url}/", wait_until="commit")
    page.wait_for_function("() => window.firstCard !== null")
    taken = float(page.evaluate("window.firstCard"))
    page.close()
    return taken


def test_the_fleet_stands_within_a_second_on_a_slow_network(browser: Browser, daemon: RunningDaemon) -> None:
    with console_page(browser, daemon) as one:
        one.sign_in("root")
        taken: list[float] = []
        while not taken or (min(taken) > FIRST_VIEW_MS and len(taken) < TRIES):
            taken.append(first_view(one))
        assert min(taken) <= FIRST_VIEW_MS, taken
