"""A vehicle's past in a browser: charge sessions, trips and events as lists, and in the chart at their times."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from console_page import ConsolePage, add_user, ask_as_admin, console_page, send
from daemon_process import RunningDaemon, running_daemon
from folders import ROOT
from lived_vehicle import live
from playwright.sync_api import Browser, Locator, expect

DRAW_MAX_MS = 200


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("past") / "evd") as one:
        add_user(one, "root", admin=True)
        yield one


@pytest.fixture(scope="module")
def vehicle(daemon: RunningDaemon) -> str:
    """It charges now."""
    lived = live(daemon)
    profile = {"name": "Zoe", "regNumber": "BA 123 XY", "battery": 52, "maxVoltage": 230, "phases": 1}
    ask_as_admin(daemon, "PATCH", f"/vehicles/{lived}/profile", profile)
    ask_as_admin(daemon, "PUT", f"/vehicles/{lived}/tariff", {"currency": "EUR", "per_kwh": 0.2})
    return lived


@pytest.fixture(scope="module")
def console(browser: Browser, daemon: RunningDaemon, vehicle: str) -> Iterator[ConsolePage]:
    with console_page(browser, daemon) as one:
        one.sign_in("root", f"/vehicles/{vehicle}")
        expect(one.page.locator(".vehicle-graph canvas")).to_be_visible()
        yield one


def part(console: ConsolePage, name: str) -> Locator:
    """The rows of the table of this tab."""
    console.page.get_by_role("tab", name=name, exact=True).click()
    rows = console.page.get_by_role("tabpanel").locator("tbody tr")
    expect(rows.first).to_be_visible()
    return rows


def test_while_it_charges_its_power_and_what_it_added_stand_in_the_head(console: ConsolePage) -> None:
    figures = console.page.locator(".vehicle-figures")
    for title, unit in (("Charging at", "kW"), ("Added so far", "kWh"), ("Time left", "min")):
        expect(figures.locator("div", has_text=title)).to_contain_text(unit)


def test_a_charge_session_opens_inside_the_chart(console: ConsolePage) -> None:
    page, graph = console.page, console.page.locator(".vehicle-graph")
    rows = part(console, "Charge sessions")
    expect(rows.first).to_contain_text("Going on")
    expect(rows.nth(1)).to_contain_text("EUR")
    assert int(graph.get_attribute("data-bands") or 0) > 5, "sessions and trips are bands"
    before = graph.get_attribute("data-from")
    with page.expect_response(lambda answer: "bucket=1m" in answer.url):
        rows.nth(1).click()
    expect(graph).not_to_have_attribute("data-from", str(before))
    expect(page.get_by_role("button", name="Whole span")).to_be_visible()
    assert console.violations() == []
    console.shot("vehicle")
    page.get_by_role("button", name="Whole span").click()


@pytest.mark.parametrize(
    ("name", "file", "column"), [("Charge sessions", "sessions", "cost"), ("Trips", "trips", "km_by_range")]
)
def test_sessions_and_trips_are_saved_as_csv(
    console: ConsolePage, vehicle: str, name: str, file: str, column: str
) -> None:
    shown = part(console, name).count()
    with console.page.expect_download() as saved:
        console.page.get_by_role("tabpanel").get_by_role("button", name="All as CSV").click()
    assert saved.value.suggested_filename == f"{vehicle}-{file}.csv"
    rows = list(csv.DictReader(io.StringIO(saved.value.path().read_text("utf-8"))))
    assert len(rows) == shown and float(rows[0][column]) > 0


def test_an_event_stands_in_the_chart_at_the_sample_that_caused_it(console: ConsolePage) -> None:
    page, graph = console.page, console.page.locator(".vehicle-graph")
    page.get_by_text("7 days").click()
    rows = part(console, "Events")
    low = rows.filter(has_text="Charge is low").first
    expect(low).to_contain_text("→")
    expect(graph).to_have_attribute("data-marks", str(rows.count()))
    with page.expect_response(lambda answer: "bucket=1m" in answer.url):
        low.click()
    expect(graph).to_have_attribute("data-marks", "1")
    assert console.violations() == []


def test_parts_are_chosen_by_the_keyboard_and_stand_in_the_address(console: ConsolePage) -> None:
    page = console.page
    part(console, "Trips")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Events", exact=True)).to_be_focused()
    assert page.url.endswith("?part=events")
    page.reload()
    expect(page.get_by_role("tab", name="Events", exact=True)).to_have_attribute("aria-selected", "true")


def test_its_past_fits_a_phone(browser: Browser, daemon: RunningDaemon, vehicle: str) -> None:
    with console_page(browser, daemon, viewport={"width": 390, "height": 844}, color_scheme="dark") as one:
        one.sign_in("root", f"/vehicles/{vehicle}?part=sessions")
        expect(one.page.get_by_role("tabpanel").locator("tbody tr").first).to_be_visible()
        assert one.overflow() <= 0
        assert one.violations() == []


def test_the_map_and_the_chart_have_one_cursor(console: ConsolePage) -> None:
    page, graph = console.page, console.page.locator(".vehicle-graph")
    shown = page.get_by_role("region", name="Where it was")
    expect(shown.locator(".map-tile").first).to_contain_text("°")
    assert int(shown.get_attribute("data-points") or 0) > 10
    box = graph.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 50)
    expect(shown.locator(".map-cursor")).to_be_visible()
    page.mouse.move(box["x"], box["y"] - 60)
    expect(shown.locator(".map-cursor")).to_be_hidden()
    assert console.violations() == []


def test_tiles_come_from_the_host_that_is_configured_and_from_no_other(browser: Browser, tmp_path: Path) -> None:
    settings = '[web]\ntiles = "http://tiles.example.org/{z}/{x}/{y}.png"\ntiles_attribution = "© <b>us"\n'
    with running_daemon(tmp_path / "evd", settings=settings) as one:
        add_user(one, "root", admin=True)
        lived = live(one, days=1)
        policy = httpx.get(one.url).headers["content-security-policy"]
        assert "img-src 'self' http://tiles.example.org;" in policy and policy.count("example.org") == 1
        with console_page(browser, one) as console:
            picture = ROOT / "evd/web/static/vendor/images/layers.png"
            console.context.route("http://tiles.example.org/**", lambda route: route.fulfill(path=picture))
            page = console.sign_in("root", f"/vehicles/{lived}")
            expect(page.locator(".leaflet-tile-loaded").first).to_be_visible()
            expect(page.locator(".map-credit")).to_have_text("© <b>us")
            assert {urlsplit(url).netloc for url in console.foreign} == {"tiles.example.org"}
            console.foreign.clear()


DRAW = """async () => {
  const base = `${document.documentElement.dataset.assets}/`;
  const { chart } = await import(`${base}pages/vehicle/chart.js`);
  const stop = new AbortController();
  const none = () => {};
  const graph = await chart({ zoomed: none, whole: none, pointed: none, signal: stop.signal });
  document.querySelector("main").append(graph);
  const rows = Array.from({ length: 100000 }, (_, at) => ({
    start_ms: at * 60000,
    statuses: 1,
    fields: { current_charge: { mean: 50 + 40 * Math.sin(at / 500) }, range: { mean: 200 + (at % 97) } },
  }));
  const second = { field: "range", unit: "km", title: "range" };
  const given = { from: 0, until: rows.length * 60000, rows, second, bands: [], marks: [] };
  const taken = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const began = performance.now();
    graph.update(given);
    await null; // uPlot draws in a microtask
    await new Promise((resolve) => queueMicrotask(resolve));
    graph.querySelector("canvas").getContext("2d").getImageData(0, 0, 1, 1);
    taken.push(performance.now() - began);
  }
  stop.abort();
  graph.remove();
  return Math.min(...taken);
}"""


def test_a_hundred_thousand_points_are_drawn_at_once(console: ConsolePage) -> None:
    assert console.page.evaluate(DRAW) <= DRAW_MAX_MS


def test_what_arrives_leaves_the_older_statuses_that_the_reader_asked_for(
    console: ConsolePage, daemon: RunningDaemon, vehicle: str
) -> None:
    rows = part(console, "Latest statuses")
    console.page.get_by_role("button", name="Show older").click()
    expect(rows).to_have_count(40)
    newest = rows.first.locator("time")
    before = newest.get_attribute("datetime") or ""
    send(daemon, vehicle, 4000)
    expect(newest).not_to_have_attribute("datetime", before)
    expect(rows).to_have_count(40)
