"""A vehicle's past, looked at closely: replay, charging curve, months and their print, battery, zoom by two fingers."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import httpx
import pytest
from console_page import ConsolePage, add_user, ask_as_admin, console_page
from daemon_process import RunningDaemon, running_daemon
from lived_vehicle import live
from playwright.sync_api import Browser, expect


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    settings = "[retention]\nrollup_days = 400\n"
    with running_daemon(tmp_path_factory.mktemp("replay") / "evd", settings=settings) as one:
        add_user(one, "root", admin=True)
        yield one


MONTHS = 8


def grow_old(daemon: RunningDaemon, vehicle: str) -> None:
    """A status a month: with each the range of a full battery is 3 km less."""
    for month in range(MONTHS, 0, -1):
        full = 420 - 3 * (MONTHS - month)
        body = {"device": vehicle, "time": int(time.time()) - month * 30 * 86_400, "seqNumber": MONTHS - month}
        headers = {"x-api-key": daemon.keys["sigfox"]}
        body |= {"state": 2, "current_charge": 50, "range": full / 2}
        assert httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers=headers).status_code == 201


@pytest.fixture(scope="module")
def vehicle(daemon: RunningDaemon) -> str:
    grow_old(daemon, "386625")
    lived = live(daemon)
    assert lived == "386625"
    profile = {"name": "Zoe", "regNumber": "BA 123 XY", "battery": 52, "maxVoltage": 230, "phases": 3}
    ask_as_admin(daemon, "PATCH", f"/vehicles/{lived}/profile", profile)
    ask_as_admin(daemon, "PUT", f"/vehicles/{lived}/tariff", {"currency": "EUR", "per_kwh": 0.2})
    return lived


@pytest.fixture(scope="module")
def console(browser: Browser, daemon: RunningDaemon, vehicle: str) -> Iterator[ConsolePage]:
    with console_page(browser, daemon) as one:
        one.sign_in("root", f"/vehicles/{vehicle}")
        expect(one.page.locator(".vehicle-graph canvas")).to_be_visible()
        yield one


def test_a_replay_moves_the_chart_and_the_map_and_goes_to_a_stop(console: ConsolePage) -> None:
    page, player = console.page, console.page.locator(".replay")
    shown = page.get_by_role("region", name="Where it was")
    expect(shown.locator(".map-tile").first).to_be_attached()
    player.get_by_role("button", name="Play this span").click()
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    page.wait_for_function("() => document.querySelector('.vehicle-map').dataset.cursor")
    first = player.get_attribute("data-at") or ""
    expect(player).not_to_have_attribute("data-at", first)
    player.get_by_role("button", name="Pause").click()
    stop = player.get_by_role("list", name="Stops").get_by_role("button").last
    stop.click()
    place = shown.get_attribute("data-cursor")
    assert place and int(place) <= int(float(player.get_attribute("data-at") or 0))
    expect(page.locator(".u-cursor-x")).to_be_attached()
    expect(player.locator("output")).to_contain_text("%")
    player.get_by_role("slider").focus()
    at = player.get_attribute("data-at")
    page.keyboard.press("ArrowLeft")
    expect(player).not_to_have_attribute("data-at", str(at))
    assert console.violations() == []
    player.scroll_into_view_if_needed()
    console.shot("replay")


def test_a_session_shows_its_charging_curve(console: ConsolePage) -> None:
    page = console.page
    page.get_by_role("tab", name="Charge sessions", exact=True).click()
    page.get_by_role("tabpanel").locator("tbody tr").nth(1).click()
    curve = page.get_by_role("figure")
    expect(curve.get_by_role("img")).to_have_accessible_name(re.compile("Charging power over charge"))
    expect(curve.locator(".line-dot").nth(1)).to_be_attached()
    expect(curve).to_contain_text("kW")
    assert console.violations() == []
    curve.scroll_into_view_if_needed()
    console.shot("curve")


def test_a_month_has_its_cost_and_is_printed_alone(console: ConsolePage) -> None:
    page = console.page
    page.get_by_role("tab", name="Months", exact=True).click()
    rows = page.get_by_role("table", name="Months").locator("tbody tr")
    expect(rows.first).to_contain_text("0.2 EUR")
    sheet = page.locator(".month-sheet")
    expect(sheet).to_contain_text("Zoe · BA 123 XY")
    expect(sheet.locator(".month-total")).to_contain_text("EUR")
    assert console.violations() == []
    page.evaluate("() => { window.print = () => { window.printed = true; }; }")
    sheet.get_by_role("button", name="Print this month").click()
    assert page.evaluate("() => window.printed")
    page.emulate_media(media="print", color_scheme="dark")
    expect(sheet).to_be_visible()
    for other in (".side", ".vehicle-now", ".vehicle-chart", ".tab-list", ".no-print"):
        expect(page.locator(other).first).to_be_hidden()
    assert page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    console.shot("month")
    page.emulate_media(media="screen", color_scheme="light")


def test_the_battery_has_a_history_by_month(console: ConsolePage) -> None:
    console.page.get_by_role("tab", name="Battery", exact=True).click()
    expect(console.page.get_by_role("img", name="Range of a full battery by month, in km")).to_be_visible()
    expect(console.page.locator(".battery-now")).to_contain_text("km")
    expect(console.page.get_by_role("figure")).to_contain_text("% since")
    assert console.page.locator(".line-dot").count() >= MONTHS
    assert console.violations() == []
    console.page.get_by_role("figure").scroll_into_view_if_needed()
    console.shot("battery")


def test_two_fingers_zoom_on_a_phone(browser: Browser, daemon: RunningDaemon, vehicle: str) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "color_scheme": "dark"}
    with console_page(browser, daemon, **phone) as one:
        page = one.sign_in("root", f"/vehicles/{vehicle}")
        graph = page.locator(".vehicle-graph")
        expect(graph.locator("canvas")).to_be_visible()
        graph.scroll_into_view_if_needed()
        whole, box = int(graph.get_attribute("data-from") or 0), graph.locator(".u-over").bounding_box()
        assert box is not None
        middle, y = box["x"] + box["width"] / 2, box["y"] + 60
        touch = one.context.new_cdp_session(page)

        def fingers(kind: str, *apart: float) -> None:
            points = [{"x": middle + side * far, "y": y, "id": at} for far in apart for at, side in enumerate((-1, 1))]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        fingers("touchStart", 30)
        for far in (45, 60, 90):
            fingers("touchMove", far)
        fingers("touchEnd")
        expect(page.get_by_role("button", name="Whole span")).to_be_visible()
        page.wait_for_function(
            "whole => Number(document.querySelector('.vehicle-graph').dataset.from) > whole", arg=whole
        )
        zoomed = int(graph.get_attribute("data-from") or 0)
        assert whole + 6 * 3_600_000 < zoomed < whole + 10 * 3_600_000, "a third of the day, about its middle"
        assert one.overflow() <= 0
        assert one.violations() == []
        one.shot("replay-phone")
