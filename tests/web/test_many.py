"""Settings of many vehicles in a browser: chosen by tag, set at once, saved as a file and set from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from console_page import ConsolePage, add_user, ask_as_admin, console_page, send
from daemon_process import RunningDaemon, running_daemon
from playwright.sync_api import Browser, expect

VEHICLES = ("A11", "A12", "A13")
MARKUP = "<b>Zoe</b>"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("many") / "evd") as one:
        add_user(one, "root", admin=True)
        for number, vehicle in enumerate(VEHICLES, 1):
            send(one, vehicle, number)
        for vehicle in VEHICLES[:2]:
            ask_as_admin(one, "PATCH", f"/vehicles/{vehicle}/tags", {"add": ["pool"]})
        ask_as_admin(one, "PATCH", f"/vehicles/{VEHICLES[0]}/profile", {"name": MARKUP})
        yield one


@pytest.fixture
def console(browser: Browser, daemon: RunningDaemon) -> Iterator[ConsolePage]:
    with console_page(browser, daemon) as one:
        one.sign_in("root")
        yield one


def known(daemon: RunningDaemon) -> dict[str, Any]:
    answer = httpx.get(f"{daemon.url}/api/v1/fleet/settings", headers={"x-api-key": daemon.keys["admin"]})
    return {row["vehicle"]: row for row in answer.json()}


def test_settings_are_set_for_all_with_a_tag_and_moved_by_a_file(
    console: ConsolePage, daemon: RunningDaemon, tmp_path: Path
) -> None:
    page = console.page
    page.get_by_role("link", name="Settings of many vehicles").click()
    rows = page.get_by_role("table", name="Settings of many vehicles").locator("tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_label("With the tag").fill("pool")
    page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text(MARKUP)
    page.get_by_label("Battery (kWh)").fill("52,5")
    page.get_by_label("Voltage of a phase (V)").fill("230")
    page.get_by_label("Phases").select_option("3")
    page.get_by_label("Time zone").fill("Europe/Bratislava")
    page.get_by_label("Price of a kWh").fill("0.2")
    page.get_by_role("button", name="Set for 2 vehicles").click()
    expect(rows.first).to_contain_text("52.5 kWh")
    expect(rows.nth(1)).to_contain_text("0.2 EUR")
    found = known(daemon)
    assert [found[one]["profile"].get("battery") for one in VEHICLES] == [52.5, 52.5, None]
    assert console.violations() == []
    console.shot("many")

    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as a file").click()
    items = json.loads(saved.value.path().read_text("utf-8"))
    assert {item["vehicle"] for item in items} == set(VEHICLES[:2])
    items[0] |= {"profile": {"battery": 40}, "tariff": None}
    items[1]["profile"]["phases"] = 9
    changed = tmp_path / "settings.json"
    changed.write_text(json.dumps(items))
    page.locator("input[type=file]").set_input_files(changed)
    page.get_by_role("dialog").get_by_role("button", name="Set", exact=True).click()
    refused = page.locator(".many-refused")
    expect(refused).to_contain_text(items[1]["vehicle"])
    expect(refused).to_contain_text("phases")
    found = known(daemon)
    assert found[items[0]["vehicle"]]["profile"]["battery"] == 40 and found[items[0]["vehicle"]]["tariff"] is None
    changed.write_text("no settings")
    page.locator("input[type=file]").set_input_files(changed)
    expect(page.get_by_text("This is no file that this page saved.")).to_be_visible()


def test_it_fits_a_phone_in_slovak(browser: Browser, daemon: RunningDaemon) -> None:
    with console_page(browser, daemon, viewport={"width": 390, "height": 844}, color_scheme="dark") as one:
        page = one.sign_in("root")
        page.evaluate("() => localStorage.setItem('evd.language', 'sk')")
        page.reload()
        one.open("/fleet/settings")
        expect(page.get_by_role("button", name="Nastaviť pre 3 vozidlá")).to_be_visible()
        assert one.overflow() <= 0
        assert one.violations() == []
        one.shot("many-phone")
