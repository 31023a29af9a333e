"""The operator's pages in a browser: refused callbacks, pushes, formats, the system; what holds for each."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from builders import ROOMY, new_store
from chain import fake_fcm
from console_page import PASSWORD, PAYLOAD, ConsolePage, add_user, ask_as_admin, console_page, send
from daemon_process import RunningDaemon, init, running_daemon
from playwright.sync_api import Page, Route, expect

from evd.clock import now_ms
from evd.model.operations import Register

MARKUP = "<img src=x onerror=alert(1)>"
GOOD, DEAD = "goodphone:one", "unregistered:two"
"""What the fake FCM makes of a message to them."""

PAGES = {"refused": "Refused", "pushes": "Pushes", "formats": "Formats", "system": "System"}
IN_SLOVAK = {"refused": "Odmietnuté", "pushes": "Pushe", "formats": "Formáty", "system": "Systém"}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """It takes known vehicles only, as A1, which has a phone and a dead one; root administrates, anna does not."""
    folder = tmp_path_factory.mktemp("operator")
    keys = init(folder / "evd")
    with closing(new_store(folder / "evd/evd.db", capacity=1000, limits=ROOMY)) as store:
        store.write([Register("A1", "A1", token, "anna", now_ms()) for token in (GOOD, DEAD)])
    with fake_fcm(folder) as fcm:
        settings = f'[push]\ncredentials = "{fcm.credentials}"\nendpoint = "{fcm.url}"\n'
        settings += '[ingest]\nunknown_vehicle = "reject"\n'
        with running_daemon(folder / "evd", keys=keys, settings=settings) as one:
            add_user(one, "root", admin=True)
            add_user(one, "anna")
            ask_as_admin(one, "PATCH", "/vehicles/A1", {"name": "Zoe"})
            send(one, "A1", 1)
            refuse(one, {"device": "A1", "time": "soon", "data": PAYLOAD, "note": MARKUP})
            yield one


def refuse(daemon: RunningDaemon, body: dict[str, Any]) -> None:
    """Send what evd does not take."""
    headers = {"x-api-key": daemon.keys["sigfox"]}
    assert httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers=headers).status_code == 400


def unknown(vehicle: str) -> dict[str, Any]:
    return {"device": vehicle, "time": int(time.time()), "data": PAYLOAD, "seqNumber": 7}


def known(daemon: RunningDaemon, vehicle: str) -> None:
    ask_as_admin(daemon, "PATCH", f"/vehicles/{vehicle}", {"name": "new"})


@pytest.fixture(scope="module")
def console(browser: Any, daemon: RunningDaemon) -> Iterator[ConsolePage]:
    """root's, signed in."""
    with console_page(browser, daemon) as one:
        one.sign_in("root")
        yield one


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()


@pytest.mark.parametrize("name", PAGES)
def test_each_page_can_be_read_in_both_themes_and_on_a_phone(console: ConsolePage, name: str) -> None:
    page = console.page
    try:
        for width, height, scheme in ((1280, 800, "light"), (1280, 800, "dark"), (390, 844, "light")):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            console.open("/fleet")
            console.open(f"/{name}")
            heading(page, PAGES[name])
            expect(page.locator(".skeletons")).to_have_count(0)
            if (width, scheme) == (1280, "light"):
                console.shot(name)
            assert console.violations() == [], (width, scheme)
            assert console.overflow() <= 0, (width, scheme)
    finally:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.emulate_media(color_scheme="light")


def test_they_speak_slovak(browser: Any, daemon: RunningDaemon) -> None:
    with console_page(browser, daemon, locale="sk-SK") as one:
        page = one.open()
        page.get_by_role("textbox", name="Používateľ").fill("root")
        page.get_by_role("textbox", name="Heslo").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector(".frame")
        for name, title in IN_SLOVAK.items():
            one.open(f"/{name}")
            heading(page, title)


def test_they_are_for_administrators(browser: Any, daemon: RunningDaemon) -> None:
    with console_page(browser, daemon) as one:
        page = one.sign_in("anna")
        expect(page.get_by_role("navigation").get_by_role("link")).to_have_count(1)
        for name in PAGES:
            one.open("/fleet")
            heading(page, "Fleet")
            one.open(f"/{name}")
            expect(page.get_by_role("heading", name="This page does not exist")).to_be_visible()


# Refused


def test_a_refused_callback_shows_why_and_where(console: ConsolePage) -> None:
    page = console.open("/refused")
    item = page.get_by_role("listitem").filter(has_text='time is "soon"')
    item.get_by_role("button").click()
    body = page.get_by_label("Body", exact=True)
    expect(body.locator("mark")).to_have_text('"soon"')
    expect(body).to_contain_text(MARKUP)
    assert page.locator("img").count() == 0
    page.get_by_role("article").get_by_role("button", name="Replay").click()
    expect(page.get_by_text('Still refused: time is "soon"')).to_be_visible()
    expect(item).to_have_count(1)


def test_a_slower_answer_does_not_replace_the_callback_that_was_chosen_later(
    console: ConsolePage, daemon: RunningDaemon
) -> None:
    refuse(daemon, {"device": "A1", "time": "later", "data": PAYLOAD})
    console.open("/fleet")
    page = console.open("/refused")
    items = page.get_by_role("list", name="Refused callbacks").get_by_role("listitem")
    slow, quick = items.filter(has_text='"soon"'), items.filter(has_text='"later"')
    expect(page.locator(".refused-sentence")).to_contain_text('"later"')
    held: list[Route] = []
    address = re.compile(f"/rejections/{slow.get_attribute('data-number')}$")
    page.route(address, lambda route: held.append(route))
    with page.expect_request(address):
        slow.get_by_role("button").click()
    quick.get_by_role("button").click()
    expect(page).to_have_url(re.compile(f"number={quick.get_attribute('data-number')}$"))
    with page.expect_response(address):
        held[0].continue_()
    page.evaluate("() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    expect(page.locator(".refused-sentence")).to_contain_text('"later"')
    page.unroute(address)
    quick.get_by_role("button").click()
    page.get_by_role("article").get_by_role("button", name="Forget").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget").click()
    expect(quick).to_have_count(0)


def test_one_is_replayed_after_the_fix(console: ConsolePage, daemon: RunningDaemon) -> None:
    refuse(daemon, unknown("B1"))
    console.open("/fleet")
    page = console.open("/refused")
    item = page.get_by_role("listitem").filter(has_text="Unknown vehicle")
    item.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_contain_text("makes it known")
    known(daemon, "B1")
    page.get_by_role("article").get_by_role("button", name="Replay").press("Enter")
    expect(page.get_by_text("1 taken")).to_be_visible()
    expect(item).to_have_count(0)
    console.open("/fleet")
    expect(page.get_by_role("listitem").filter(has_text="B1")).to_be_visible()


def test_all_are_replayed_and_some_forgotten(console: ConsolePage, daemon: RunningDaemon) -> None:
    for vehicle in ("B2", "B3", "B4"):
        refuse(daemon, unknown(vehicle))
    known(daemon, "B2")
    console.open("/fleet")
    page = console.open("/refused?error=Unknown+vehicle")
    items = page.get_by_role("list", name="Refused callbacks").get_by_role("listitem")
    expect(items).to_have_count(3)
    page.get_by_role("button", name="Replay all").click()
    expect(items).to_have_count(2)
    for box in page.get_by_role("checkbox").all():
        box.check()
    expect(page.get_by_text("2 chosen")).to_be_visible()
    page.get_by_role("button", name="Forget").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Forget 2 callbacks?")
    dialog.get_by_role("button", name="Forget").click()
    expect(page.get_by_text("No refused callback has this reason")).to_be_visible()


def test_on_a_phone_one_opens_over_the_list(console: ConsolePage) -> None:
    page = console.page
    page.set_viewport_size({"width": 390, "height": 844})
    try:
        console.open("/fleet")
        console.open("/refused")
        page.get_by_role("listitem").filter(has_text='time is "soon"').get_by_role("button").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator("mark")).to_have_text('"soon"')
        assert console.violations() == []
        assert console.overflow() <= 0
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    finally:
        page.set_viewport_size({"width": 1280, "height": 800})


# Pushes


def test_pushes_show_what_was_sent_and_why_some_failed(console: ConsolePage) -> None:
    page = console.open("/pushes")
    rows = page.get_by_role("table").locator("tbody tr")
    expect(rows.filter(has_text="goodphon").first).to_contain_text("Taken")
    expect(rows.filter(has_text="unregist").first).to_contain_text("Given up")
    expect(page.locator(".reason").first).to_contain_text("UNREGISTERED")
    page.get_by_text("Phones", exact=True).last.click(force=True)
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("anna")
    page.get_by_text("Waiting", exact=True).last.click(force=True)
    expect(page.get_by_text("Nothing waits")).to_be_visible()


def test_a_test_push_shows_the_phones_answers(console: ConsolePage) -> None:
    page = console.open("/pushes")
    page.get_by_role("button", name="Test push").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Vehicle").fill("C0FFEE")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("no phone is registered for vehicle C0FFEE")
    dialog.get_by_label("Vehicle").fill("A1")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("table")).to_contain_text("Taken")
    assert console.violations() == []
    page.keyboard.press("Escape")


def test_pushes_are_paused_and_resumed(console: ConsolePage, daemon: RunningDaemon) -> None:
    page = console.open("/pushes")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("You have paused pushes")).to_be_visible()
    asked = httpx.get(f"{daemon.url}/api/v1/pushes", headers={"x-api-key": daemon.keys["admin"]})
    assert json.loads(asked.content)["paused_since"] > 0
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("You have paused pushes")).to_have_count(0)


# System


def test_the_system_shows_its_measures_and_a_chart_of_each(console: ConsolePage) -> None:
    page = console.open("/system")
    expect(page.locator(".system-calm, .system-alarm").first).to_be_visible()
    expect(page.get_by_role("img", name="Memory, now")).to_be_visible()
    expect(page.locator(".measure canvas")).to_have_count(8)
    with page.expect_response(lambda answer: "span_s=86400" in answer.url):
        page.get_by_text("24 hours").click()


HAS_COLOUR = """async (canvas, name) => {
  const deadline = performance.now() + 5000;
  for (; performance.now() < deadline; await new Promise(requestAnimationFrame)) {
    const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const wanted = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4) if (wanted.every((one, index) => data[at + index] === one)) return true;
  }
  return false;
}"""


def test_its_charts_follow_the_theme(console: ConsolePage) -> None:
    console.open("/fleet")
    page = console.open("/system")
    canvas = page.locator(".measure canvas").last
    expect(canvas).to_be_visible()
    try:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert canvas.evaluate(HAS_COLOUR, "--line"), scheme
    finally:
        page.emulate_media(color_scheme="light")


def test_a_dialog_ends_with_its_page(console: ConsolePage) -> None:
    page = console.open("/system?part=users")
    page.get_by_role("button", name="New user").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    console.open("/fleet")
    heading(page, "Fleet")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_key_is_made_shown_once_and_revoked(console: ConsolePage, daemon: RunningDaemon) -> None:
    page = console.open("/system?part=keys")
    page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("For").select_option("device")
    dialog.get_by_label("Name").fill(MARKUP)
    dialog.get_by_label("Vehicle").fill("A1")
    page.keyboard.press("Enter")
    key = dialog.locator("code")
    expect(key).to_contain_text("evd_device_")
    assert console.violations() == []
    secret = key.inner_text()
    page.keyboard.press("Escape")
    row = page.get_by_role("row").filter(has_text=MARKUP)
    expect(row).to_contain_text("Valid")
    assert page.locator("img").count() == 0
    status = {"vehicleId": "A1", "timestamp": int(time.time()), "rawdata": PAYLOAD}
    taken = httpx.post(f"{daemon.url}/wifi", json=status, headers={"x-api-key": secret})
    assert taken.status_code == 201
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("Revoked")
    expect(page.get_by_text(secret)).to_have_count(0)
    refused = httpx.post(f"{daemon.url}/wifi", json=status, headers={"x-api-key": secret})
    assert refused.status_code in (401, 403)


def test_a_user_is_made_gets_a_link_and_is_removed(console: ConsolePage, browser: Any, daemon: RunningDaemon) -> None:
    page = console.open("/system?part=users")
    page.get_by_role("button", name="New user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("User name").fill("eva")
    dialog.get_by_label("Password").fill("short")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    row = page.get_by_role("row").filter(has_text="eva")
    row.get_by_role("button", name="Sign-in link").click()
    link = page.get_by_role("dialog").locator("code").inner_text()
    page.keyboard.press("Escape")
    with console_page(browser, daemon) as other:
        other.page.goto(link)
        expect(other.page.get_by_text("No vehicle yet")).to_be_visible()
        row.get_by_role("button", name="Remove").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(row).to_have_count(0)
        other.open("/vehicles/A1")
        expect(other.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_settings_say_where_they_come_from(console: ConsolePage) -> None:
    page = console.open("/system?part=settings")
    page.get_by_label("Only what differs").check()
    rows = page.locator(".setting")
    expect(rows.filter(has_text="unknown_vehicle")).to_contain_text("evd.toml, line 5")
    expect(rows.filter(has_text="strangers_per_address")).to_have_count(0)
    page.get_by_role("searchbox").fill("zzz")
    expect(page.get_by_text("No setting matches")).to_be_visible()


# Formats


def test_a_format_is_written_with_a_live_check_saved_assigned_and_applied(
    console: ConsolePage, daemon: RunningDaemon
) -> None:
    page = console.open("/formats")
    expect(page.get_by_role("button", name="ev Default")).to_be_visible()
    page.get_by_role("button", name="New format").click()
    grammar = page.get_by_label("Sigfox's grammar")
    grammar.fill("load::uint:8 temp::in:16")
    alert = page.get_by_role("alert")
    expect(alert.locator("mark")).to_have_text("in")
    grammar.fill("load::uint:8 temp::int:16")
    expect(alert).to_have_count(0)
    page.get_by_label("Try a payload").fill("2a 01 5e")
    rows = page.get_by_role("table", name="Fields").locator("tbody tr")
    expect(rows.filter(has_text="temp")).to_contain_text("350")
    page.get_by_label("What the grammar cannot say").fill(
        '{"temp": {"scale": 0.1, "unit": "' + MARKUP.replace('"', "") + '"}}'
    )
    expect(rows.filter(has_text="temp")).to_contain_text("35 <img")
    assert page.locator("img").count() == 0
    bits = page.get_by_role("table", name="Which bits each field takes")
    expect(bits.locator("tbody tr")).to_have_count(3)
    expect(bits).to_contain_text("00101010")
    assert console.violations() == []
    page.get_by_label("Name").fill("trailer")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("trailer is saved")).to_be_visible()

    page.get_by_label("Its id").fill("A1")
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_role("link", name="A1")).to_be_visible()
    page.get_by_role("button", name="Show the difference").click()
    expect(page.get_by_role("table", name="Examples of what would change")).to_contain_text("temp")
    page.get_by_role("button", name="Change them").click()
    expect(page.get_by_text(re.compile(r"^\d+ status(es)? changed$"))).to_be_visible()
    last = httpx.get(f"{daemon.url}/api/v1/vehicles/A1/last", headers={"x-api-key": daemon.keys["admin"]}).json()
    assert "temp" in json.dumps(last)
    page.get_by_role("button", name="Take the format from A1").click()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("button", name="trailer")).to_have_count(0)


def test_a_built_in_format_is_read_only_and_can_be_copied(console: ConsolePage) -> None:
    console.open("/fleet")
    page = console.open("/formats?name=ev")
    expect(page.get_by_text("This format does not change here")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_role("button", name="Copy as a new one").click()
    expect(page.get_by_role("heading", name="New format")).to_be_visible()
    expect(page.get_by_label("Sigfox's grammar")).to_have_value(re.compile("current_charge|state"))
