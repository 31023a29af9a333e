"""The console of an empty evd in a browser: the first user, a vehicle, a key, and the first arrival."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from console_page import PASSWORD, console_page
from daemon_process import RunningDaemon, running_daemon
from playwright.sync_api import Browser, expect


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("first") / "evd") as one:
        yield one


def test_an_empty_evd_leads_to_the_first_arrival(browser: Browser, daemon: RunningDaemon) -> None:
    with console_page(browser, daemon) as one:
        page = one.open()
        expect(page.get_by_role("heading", name="Welcome to evd")).to_be_visible()
        assert one.violations() == []
        one.shot("first-user")
        key = page.get_by_label("Administrator's key")
        page.get_by_label("Your user name").fill("root")
        page.get_by_label("A password").fill(PASSWORD)
        key.fill(daemon.keys["sigfox"])
        page.get_by_role("button", name="Make the user").click()
        expect(page.get_by_text("This is no administrator's key of this evd.")).to_be_visible()
        key.fill(daemon.keys["admin"])
        page.get_by_role("button", name="Make the user").click()

        expect(page.get_by_role("heading", name="First steps")).to_be_visible()
        expect(page.get_by_text(f"{daemon.url}/sigfox/uplink")).to_be_visible()
        page.get_by_label("Sigfox device id").fill("00386625")
        page.get_by_label("Name", exact=True).fill("Zoe")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Zoe is saved")).to_be_visible()
        page.get_by_role("button", name="Make a key for Sigfox").click()
        header = page.locator("code", has_text="x-api-key: evd_")
        expect(header).to_be_visible()
        assert one.violations() == []
        one.shot("first-steps")
        headers = {"x-api-key": header.inner_text().removeprefix("x-api-key: ")}
        body = {"device": "386625", "time": int(time.time()), "data": "330a4c0f594e427e4bb45088", "seqNumber": 1}
        assert httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers=headers).status_code == 201
        expect(page.get_by_text("386625 has arrived.")).to_be_visible()
        page.get_by_role("link", name="See the fleet").click()
        expect(page.get_by_role("listitem")).to_contain_text("Zoe")
        assert httpx.get(f"{daemon.url}/api/v1/console").json()["first_run"] is False
