"""The console in a browser: signing in and out, the fleet as it changes, its filters, its looks, the keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from console_page import CHARGING, PAYLOAD, ConsolePage, add_user, ask_as_admin, console_page, send
from daemon_process import RunningDaemon, running_daemon
from playwright.sync_api import Browser, expect

MARKUP = "<img src=x onerror=alert(1)>"
VEHICLES = [f"C0FFE{number}" for number in range(1, 7)]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """root administrates; anna owns the first vehicle; the second one's name is markup; the last is charging."""
    with running_daemon(tmp_path_factory.mktemp("console") / "evd") as one:
        add_user(one, "root", admin=True)
        add_user(one, "anna")
        for number, vehicle in enumerate(VEHICLES):
            send(one, vehicle, 1, CHARGING if vehicle == VEHICLES[-1] else PAYLOAD, ago_s=600 * (number + 1))
        ask_as_admin(one, "POST", "/owners", {"uid": "anna", "vehicle": VEHICLES[0]})
        ask_as_admin(one, "PATCH", f"/vehicles/{VEHICLES[0]}/profile", {"name": "Zoe", "regNumber": "1AB 2345"})
        ask_as_admin(one, "PATCH", f"/vehicles/{VEHICLES[1]}/profile", {"name": MARKUP})
        ask_as_admin(one, "PATCH", f"/vehicles/{VEHICLES[2]}/tags", {"add": ["winter"]})
        yield one


@pytest.fixture(scope="module")
def console(browser: Browser, daemon: RunningDaemon) -> Iterator[ConsolePage]:
    """root's, signed in."""
    with console_page(browser, daemon) as one:
        one.sign_in("root")
        yield one


def test_a_wrong_password_is_refused_and_a_right_one_opens_the_fleet(browser: Browser, daemon: RunningDaemon) -> None:
    with console_page(browser, daemon) as one:
        page = one.open()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert one.violations() == []
        one.shot("sign-in")
        page.get_by_label("User", exact=True).fill("anna")
        page.get_by_role("textbox", name="Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("the user or the password is wrong")
        one.sign_in("anna")
        expect(page.get_by_role("listitem")).to_have_count(1)
        expect(page.get_by_role("listitem")).to_contain_text("Zoe")


def test_an_access_token_shows_what_it_is_good_for_and_stays_in_its_tab(
    browser: Browser, daemon: RunningDaemon
) -> None:
    headers = {"x-api-key": daemon.keys["admin"]}
    body = {"uid": "anna", "scopes": ["read"]}
    token = httpx.post(f"{daemon.url}/api/v1/tokens", json=body, headers=headers).json()["token"]
    with console_page(browser, daemon) as one:
        page = one.open()
        page.get_by_text("Access token").click()
        secret = page.get_by_label("Access token or administrator's key")
        secret.fill("evd_token_wrong")
        secret.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("not valid")
        secret.fill(token)
        secret.press("Enter")
        expect(page.get_by_role("listitem")).to_have_count(1)
        other = one.tab()
        other.goto(f"{daemon.url}/#/fleet")
        expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_session_ends_in_all_tabs(browser: Browser, daemon: RunningDaemon) -> None:
    with console_page(browser, daemon) as one:
        page = one.sign_in("root")
        other = one.tab()
        other.goto(f"{daemon.url}/#/fleet")
        expect(other.get_by_role("listitem")).to_have_count(len(VEHICLES))
        page.get_by_role("button", name="Account and settings").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(other.get_by_text("Your session has ended")).to_be_visible()


def test_a_session_that_ends_elsewhere_leads_to_the_sign_in(browser: Browser, daemon: RunningDaemon) -> None:
    with console_page(browser, daemon) as one:
        page = one.sign_in("root")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        one.context.clear_cookies()
        page.get_by_label("Order").select_option(label="Lowest charge first")
        expect(page.get_by_text("Your session has ended")).to_be_visible()


def test_the_fleet_is_live(console: ConsolePage, daemon: RunningDaemon) -> None:
    page = console.open()
    card = page.get_by_role("listitem").filter(has_text=VEHICLES[3])
    expect(card.get_by_text("Off")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    card.evaluate("(element) => (window.watched = element)")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    send(daemon, VEHICLES[3], 2, CHARGING)
    expect(card.get_by_text("Charging")).to_be_visible()
    expect(card.get_by_text("just now")).to_be_visible()
    assert card.evaluate("(element) => element === window.watched"), "it changes in place"
    assert asked == [], "by the stream alone"


def test_markup_in_a_name_stays_text(console: ConsolePage) -> None:
    page = console.open()
    expect(page.get_by_text(MARKUP)).to_be_visible()
    assert page.locator("img").count() == 0


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("zoe", {VEHICLES[0]}),
        ("1ab", {VEHICLES[0]}),
        ("tag:winter", {VEHICLES[2]}),
        ("ffe", set(VEHICLES)),
        ("zz", set()),
    ],
)
def test_a_search_finds_by_name_plate_id_and_tag(console: ConsolePage, typed: str, found: set[str]) -> None:
    page = console.open()
    page.get_by_role("searchbox").fill(typed)
    cards = page.get_by_role("listitem")
    expect(cards).to_have_count(len(found))
    for vehicle in found:
        expect(cards.filter(has_text=vehicle)).to_have_count(1)
    if not found:
        page.get_by_role("button", name="Clear the search").click()
        expect(cards).to_have_count(len(VEHICLES))
    page.get_by_role("searchbox").fill("")
    expect(cards).to_have_count(len(VEHICLES))


def test_filters_stand_in_the_address(console: ConsolePage) -> None:
    page = console.open("/fleet?state=charging")
    expect(page.get_by_role("listitem").filter(has_text=VEHICLES[5])).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Off")).to_have_count(0)
    page.get_by_label("State").select_option(label="Any")
    expect(page.get_by_role("listitem")).to_have_count(len(VEHICLES))
    page.get_by_label("Order").select_option(label="Newest data first")
    expect(page).to_have_url(re.compile("sort=age"))
    page.reload()
    expect(page.get_by_label("Order")).to_have_value("age")


LATEST = """async () => {
  const base = `${document.documentElement.dataset.assets}/`;
  const { gathered, latest } = await import(`${base}ui/latest.js`);
  const answers = {};
  const shown = [];
  const ask = (name) => new Promise((resolve) => (answers[name] = resolve));
  const choose = latest(ask, (found, name) => shown.push([name, found]));
  const choices = [choose("slow"), choose("quick")];
  answers.quick(1);
  await choices[1];
  answers.slow(2);
  await choices[0];
  let runs = 0;
  let end;
  const work = gathered(() => ((runs += 1), new Promise((resolve) => (end = resolve))));
  const all = [work(), work(), work()];
  end();
  while (runs < 2) await null;
  end();
  await Promise.all(all);
  return { shown, runs };
}"""


def test_a_slower_answer_to_an_earlier_choice_is_not_shown_and_work_is_gathered(console: ConsolePage) -> None:
    assert console.open().evaluate(LATEST) == {"shown": [["quick", 1]], "runs": 2}


def test_rows_are_remembered(console: ConsolePage) -> None:
    page = console.open()
    page.get_by_text("Rows").click(force=True)
    expect(page.locator(".vehicle-line")).to_have_count(len(VEHICLES))
    page.reload()
    expect(page.locator(".vehicle-line")).to_have_count(len(VEHICLES))
    assert console.violations() == []
    page.get_by_text("Cards").click(force=True)
    expect(page.locator(".vehicle-card")).to_have_count(len(VEHICLES))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_either_theme(browser: Browser, daemon: RunningDaemon, scheme: str) -> None:
    with console_page(browser, daemon, color_scheme=scheme) as one:
        page = one.sign_in("root")
        expect(page.get_by_role("listitem")).to_have_count(len(VEHICLES))
        ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) == (scheme == "dark")
        assert one.violations() == []
        page.get_by_role("button", name="Account and settings").click()
        assert one.violations() == []
        page.get_by_text("Light" if scheme == "dark" else "Dark", exact=True).click()
        chosen = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert chosen != ground
        page.reload()
        assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == chosen


@pytest.mark.parametrize("width", [360, 390])
def test_a_phone_shows_all_of_it(browser: Browser, daemon: RunningDaemon, width: int) -> None:
    with console_page(browser, daemon, viewport={"width": width, "height": 844}, has_touch=True, is_mobile=True) as one:
        page = one.sign_in("root")
        expect(page.get_by_role("listitem").first).to_be_visible()
        assert one.overflow() == 0
        assert one.violations() == []
        bar = page.get_by_role("navigation").bounding_box()
        assert bar is not None and bar["y"] > 700, "the navigation is at the thumb"


def test_the_keyboard_is_enough(browser: Browser, daemon: RunningDaemon) -> None:
    with console_page(browser, daemon) as one:
        page = one.open()
        expect(page.get_by_label("User", exact=True)).to_be_focused()
        page.keyboard.type("root")
        page.keyboard.press("Tab")
        page.keyboard.type("correct horse battery")
        page.keyboard.press("Enter")
        expect(page.get_by_role("listitem")).to_have_count(len(VEHICLES))
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to content")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Settings of many vehicles")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_role("searchbox")).to_be_focused()
        for _ in range(5):
            page.keyboard.press("Tab")
        expect(page.get_by_role("listitem").first.get_by_role("link")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("#/vehicles/"))


def test_slovak(browser: Browser, daemon: RunningDaemon) -> None:
    with console_page(browser, daemon, locale="sk-SK") as one:
        page = one.open()
        page.get_by_label("Používateľ").fill("root")
        page.get_by_role("textbox", name="Heslo").fill("correct horse battery")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Vozidlá")).to_be_visible()
        expect(page.get_by_text(f"{len(VEHICLES)} vozidiel")).to_be_visible()
        assert page.evaluate("document.documentElement.lang") == "sk"
        page.get_by_role("button", name="Účet a nastavenia").click()
        page.get_by_text("English").click()
        expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
