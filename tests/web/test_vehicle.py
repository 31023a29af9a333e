"""A vehicle's page in a browser: what it says now, the chart of a span, its statuses as they arrive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from console_page import CHARGING, ConsolePage, add_user, ask_as_admin, console_page, send
from daemon_process import RunningDaemon, running_daemon
from playwright.sync_api import Browser, expect

MARKUP = "<img src=x onerror=alert(1)>"
IDLE = "530a4c0f594e427e4bb45088"
VEHICLE = "C0FFE1"
OLD_DAYS = 3


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A vehicle whose name is markup, with one status of three days ago and an hour of newer ones."""
    with running_daemon(tmp_path_factory.mktemp("vehicle") / "evd") as one:
        add_user(one, "root", admin=True)
        for number, ago_s in enumerate((OLD_DAYS * 86_400, 3600, 2400, 1200), 1):
            send(one, VEHICLE, number, IDLE, ago_s)
        ask_as_admin(one, "PATCH", f"/vehicles/{VEHICLE}/profile", {"name": MARKUP})
        yield one


@pytest.fixture
def console(browser: Browser, daemon: RunningDaemon) -> Iterator[ConsolePage]:
    with console_page(browser, daemon) as one:
        one.sign_in("root", f"/vehicles/{VEHICLE}")
        yield one


def test_a_status_that_arrives_stands_in_the_page_at_once(console: ConsolePage, daemon: RunningDaemon) -> None:
    page = console.page
    expect(page.get_by_role("heading", name=MARKUP)).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_request(lambda request: "/stream?" in request.url):
        page.reload()
    expect(page.locator(".table tbody tr")).to_have_count(4)
    send(daemon, VEHICLE, 5, CHARGING)
    expect(page.locator(".table tbody tr")).to_have_count(5)
    expect(page.locator(".vehicle-now")).to_contain_text("Charging")
    assert sum(url.endswith(f"/vehicles/{VEHICLE}") for url in asked) == 2, "with the page, and for the new status"
    assert console.violations() == []


def test_the_chart_shows_the_span_that_is_chosen(console: ConsolePage) -> None:
    page = console.page
    graph = page.locator(".vehicle-graph")
    expect(graph.locator("canvas")).to_be_visible()
    with page.expect_response(lambda answer: "bucket=30m" in answer.url) as asked:
        page.get_by_text("7 days").click()
    starts = [one["start_ms"] for one in asked.value.json()]
    assert starts[-1] - starts[0] > (OLD_DAYS - 1) * 86_400_000
    expect(graph).to_have_attribute("data-gaps", "1")


def test_what_arrives_keeps_the_chart_and_the_readers_zoom(console: ConsolePage, daemon: RunningDaemon) -> None:
    page = console.page
    graph = page.locator(".vehicle-graph")
    canvas = graph.locator("canvas")
    expect(canvas).to_be_visible()
    drawn, whole = canvas.element_handle(), graph.get_attribute("data-from")
    box = graph.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.99 * box["width"], box["y"] + 50, steps=5)
    page.mouse.up()
    expect(page.get_by_role("button", name="Whole span")).to_be_visible()
    expect(graph).not_to_have_attribute("data-from", str(whole))
    zoomed, held = graph.get_attribute("data-from"), page.locator(".table tbody tr").count()
    with page.expect_response(lambda answer: "bucket=1m" in answer.url):
        send(daemon, VEHICLE, 6, CHARGING)
    expect(page.locator(".table tbody tr")).to_have_count(held + 1)
    assert page.evaluate("one => one.isConnected", drawn), "it is the same canvas: none is left behind"
    expect(graph).to_have_attribute("data-from", str(zoomed))
    page.get_by_role("button", name="Whole span").click()
    expect(page.get_by_role("button", name="Whole span")).to_be_hidden()
    expect(graph).not_to_have_attribute("data-from", str(zoomed))


def test_its_statuses_are_saved_as_csv(console: ConsolePage) -> None:
    with console.page.expect_download() as saved:
        console.page.get_by_role("button", name="All as CSV").click()
    assert saved.value.suggested_filename == f"{VEHICLE}.csv"
    assert IDLE in saved.value.path().read_text("utf-8")


def test_it_fits_a_phone_and_speaks_slovak(browser: Browser, daemon: RunningDaemon) -> None:
    with console_page(browser, daemon, viewport={"width": 390, "height": 844}, locale="sk-SK") as one:
        one.open("/fleet")
        one.page.get_by_role("textbox").first.fill("root")
        one.page.locator("input[type=password]").fill("correct horse battery")
        one.page.keyboard.press("Enter")
        one.page.wait_for_selector(".frame")
        one.open(f"/vehicles/{VEHICLE}")
        expect(one.page.get_by_role("heading", name="História")).to_be_visible()
        expect(one.page.locator("canvas")).to_be_visible()
        one.shot("vehicle-phone")
        assert one.overflow() <= 0
        assert one.violations() == []
        for time in one.page.locator(".vehicle-now time, .table tbody tr:first-child time").all():
            time.hover()
            tip = time.locator(".tip")
            expect(tip).to_be_in_viewport(ratio=1)
            assert tip.evaluate("(tip) => tip.matches(':popover-open')"), "so no frame cuts it off"
            assert one.overflow() <= 0
