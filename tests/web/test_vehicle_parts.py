"""The parts of a vehicle's page in a browser: a status opened, frames, downlinks, settings, sharing."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from console_page import CHARGING, PAYLOAD, ConsolePage, add_user, ask_as_admin, console_page, send
from daemon_process import RunningDaemon, running_daemon
from playwright.sync_api import Browser, Locator, expect

VEHICLE = "C0FFE1"
MARKUP = "<b onclick=alert(1)>van"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("parts") / "evd") as one:
        add_user(one, "root", admin=True)
        add_user(one, "vera")
        send(one, VEHICLE, 1, ago_s=86_400)
        send(one, VEHICLE, 5, PAYLOAD, 600)
        send(one, VEHICLE, 6, CHARGING)
        yield one


@pytest.fixture(scope="module")
def console(browser: Browser, daemon: RunningDaemon) -> Iterator[ConsolePage]:
    with console_page(browser, daemon) as one:
        one.sign_in("root", f"/vehicles/{VEHICLE}")
        yield one


def part(console: ConsolePage, name: str) -> Locator:
    console.page.get_by_role("tab", name=name, exact=True).click()
    return console.page.get_by_role("tabpanel")


def document(daemon: RunningDaemon, path: str) -> dict[str, object]:
    headers = {"x-api-key": daemon.keys["admin"]}
    found: dict[str, object] = httpx.get(f"{daemon.url}/api/v1/vehicles/{VEHICLE}{path}", headers=headers).json()
    return found


def test_a_status_opens_with_its_bits_and_its_way(console: ConsolePage) -> None:
    part(console, "Latest statuses").locator("tbody tr").first.click()
    shown = console.page.get_by_role("dialog")
    bits = shown.get_by_role("table", name="Which bits each field takes").locator("tbody tr")
    expect(bits).to_have_count(len(CHARGING) // 2)
    expect(bits.first.locator("td").first).to_contain_text(f"state{int(CHARGING[:2], 16):08b}"[:8])
    values = shown.get_by_role("table", name="Bits of the payload").locator("tbody tr")
    expect(values.filter(has_text="current_charge")).to_contain_text("0.4 – 1.676 %")
    expect(shown.locator(".way-step")).to_have_count(3)
    expect(shown.locator(".way")).to_contain_text("No phone is registered")
    assert console.violations() == []
    console.shot("status")
    console.page.keyboard.press("Escape")


def test_frames_stand_by_day_against_the_contract(console: ConsolePage) -> None:
    shown = part(console, "Frames")
    expect(shown.get_by_role("img", name="Frames received and lost by day")).to_be_visible()
    expect(shown.locator("tbody tr").first).to_contain_text("/ 140")
    expect(shown.locator(".vehicle-legend")).to_contain_text("The contract: 140 a day")
    assert console.violations() == []


def test_a_downlink_is_encoded_by_a_grammar_and_cancelled(console: ConsolePage) -> None:
    shown = part(console, "Downlinks")
    shown.get_by_label("Grammar", exact=True).fill("target::uint:8 heat:1:bool:0")
    shown.get_by_label("target (uint)").fill("80")
    shown.get_by_label("heat (bool)").check()
    shown.get_by_role("button", name="Queue it").click()
    row = shown.locator("tbody tr").first
    expect(row).to_contain_text("5001000000000000")
    assert console.violations() == []
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("Cancelled")
    shown.get_by_text("As hex").click()
    shown.get_by_label("Payload", exact=True).fill("12")
    shown.get_by_role("button", name="Queue it").click()
    expect(shown.get_by_role("alert")).to_contain_text("exactly 8")


def test_an_owner_names_it_and_says_what_a_kwh_costs(console: ConsolePage, daemon: RunningDaemon) -> None:
    shown = part(console, "Settings")
    shown.get_by_label("Name", exact=True).fill(MARKUP)
    shown.get_by_label("Battery (usable kWh)").fill("52,5")
    shown.get_by_role("button", name="Save").first.click()
    expect(console.page.get_by_role("heading", name=MARKUP)).to_be_visible()
    profile = document(daemon, "/profile")
    assert (profile["name"], profile["battery"]) == (MARKUP, 52.5)
    shown.get_by_label("Price of a kWh").fill("0.3")
    shown.get_by_role("button", name="Another price").click()
    shown.get_by_label("From").fill("22:00")
    shown.get_by_label("Until").fill("06:00")
    shown.get_by_label("Price of a kWh").nth(1).fill("0.1")
    with console.page.expect_response(lambda answer: answer.url.endswith("/tariff")) as saved:
        shown.get_by_role("button", name="Save").last.click()
    assert saved.value.status == 200
    tariff = document(daemon, "/tariff")
    assert (tariff["per_kwh"], tariff["prices"]) == (0.3, [{"per_kwh": 0.1, "begin": "22:00", "end": "06:00"}])
    assert console.violations() == []


def test_a_shared_vehicle_is_seen_by_who_opens_the_link(
    console: ConsolePage, browser: Browser, daemon: RunningDaemon
) -> None:
    shown = part(console, "Sharing")
    shown.get_by_role("button", name="Make a link").click()
    link = shown.locator(".secret code")
    expect(link).to_contain_text("#/invited?code=")
    shown.get_by_role("button", name="Revoke").click()
    asked = console.page.get_by_role("dialog")
    expect(asked).to_contain_text("Revoke this link?")
    asked.get_by_role("button", name="Cancel").click()
    expect(shown.get_by_role("button", name="Revoke")).to_be_visible()
    assert console.violations() == []
    path = link.inner_text().partition("#")[2]
    with console_page(browser, daemon, viewport={"width": 390, "height": 844}) as other:
        page = other.sign_in("vera", path)
        page.get_by_role("button", name="Accept").click()
        expect(page.get_by_role("tab", name="Frames", exact=True)).to_be_visible()
        expect(page.get_by_role("tab", name="Settings")).to_have_count(0)
        assert other.overflow() <= 0 and other.violations() == []
        shown = part(console, "Events")
        shown = part(console, "Sharing")
        row = shown.locator("tbody tr", has_text="vera")
        row.get_by_role("button", name="Remove").click()
        expect(row).to_have_count(1)
        asked.get_by_role("button", name="Remove").click()
        expect(row).to_have_count(0)


def test_each_part_fits_a_phone(browser: Browser, daemon: RunningDaemon) -> None:
    ask_as_admin(daemon, "POST", f"/vehicles/{VEHICLE}/downlinks", {"payload": "0102030405060708"})
    options = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
    with console_page(browser, daemon, **options) as one:
        one.sign_in("root", f"/vehicles/{VEHICLE}")
        for name in ("Frames", "Downlinks", "Sharing", "Settings"):
            expect(part(one, name).locator("table, form").first).to_be_visible()
            assert (name, one.overflow()) == (name, 0)
        assert one.violations() == []
