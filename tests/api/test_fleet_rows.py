"""The first vehicles in the console's page: those that the API gives its reader, and no others."""

from __future__ import annotations

import json
import re

import httpx
from daemon_process import RunningDaemon

FIRST = "/api/v1/vehicles?sort=attention&today=1&limit=48"


def test_the_page_has_the_vehicles_that_the_api_gives_its_reader(daemon: RunningDaemon) -> None:
    admin = {"x-api-key": daemon.keys["admin"]}
    wish = {"uid": "fleetreader", "password": "correct horse battery"}
    with httpx.Client(base_url=daemon.url) as browser:
        for number in range(50):
            body = {
                "device": f"F1EE{number:02X}",
                "time": 1_700_000_000,
                "data": "130a4c0f594e427e4bb45088",
                "seqNumber": 1,
            }
            sent = browser.post("/sigfox/uplink", json=body, headers={"x-api-key": daemon.keys["sigfox"]})
            assert sent.status_code == 201
        assert browser.post("/api/v1/users", json={**wish, "admin": True}, headers=admin).status_code == 201
        browser.post("/api/v1/session", json={"user": wish["uid"], "password": wish["password"]}).raise_for_status()
        fleet = json.loads(re.findall(r'id="evd-fleet">(.*?)</script>', browser.get("/").text)[0])
        asked = browser.get(FIRST)
        ages = {"age_s": 0}
        assert [row | ages for row in fleet["rows"]] == [row | ages for row in asked.json()]
        assert f'<{fleet["next"]}>; rel="next"' == asked.headers["link"]
        assert len(browser.get(fleet["next"]).json()) >= 2
