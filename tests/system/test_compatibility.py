"""Where evd means to answer otherwise than the original: the lines of docs/compatibility.md, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, run_evd, running_daemon
from original_status import MEASURED, SIGFOX_SAYS

NOW_S = int(time.time())
UPLINK, WLAN, LAST, RANGE = "/v3/sigfox/uplink", "/v3/wlan", "/v3/android/last", "/v3/android/range"
REGISTER, TEST = "/v3/android/fcm-register", "/v3/test"
MINE = "?vehicleId=386625"
SIGFOX: dict[str, Any] = {"timestamp": NOW_S - 60, "vehicleId": "386625", "seqNumber": 2893, **SIGFOX_SAYS}
PHONE = {"vehicleId": "386625", "fcmToken": "tokA:APA91b", "register": True}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    settings = "[app]\ntrust_user_header = true\n"
    with running_daemon(tmp_path_factory.mktemp("evd") / "evd", settings=settings) as running:
        for uid in ("u1", "u2"):
            run_evd("owner", "add", uid, "386625", "--dir", running.directory)
        run_evd("owner", "add", "u1", "ABC1", "--dir", running.directory)
        yield running


def ask(
    daemon: RunningDaemon, method: str, path: str, body: Any = None, *, role: str = "", user: str = "u1"
) -> httpx.Response:
    """With the key that the original's client shows on this route, or `role`'s; "-" shows none."""
    if not role:
        role = "sigfox" if "/sigfox/" in path else "device" if "/wlan" in path else "app"
    headers = {"content-type": "application/json"}
    headers |= {"x-api-key": daemon.keys.get(role, role)} if role != "-" else {}
    headers |= {"userId": user} if "/android/" in path else {}
    content = {"content": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
    return httpx.request(method, f"{daemon.url}{path}", headers=headers, **content)


@pytest.mark.parametrize(
    ("status", "method", "path", "body", "role"),
    [
        pytest.param(401, "POST", UPLINK, SIGFOX, "-", id="no key"),
        pytest.param(401, "GET", LAST + MINE, None, "nonsense", id="a wrong key"),
        pytest.param(403, "POST", UPLINK, SIGFOX, "app", id="the app's key for a callback"),
        pytest.param(403, "GET", LAST + MINE, None, "sigfox", id="Sigfox's key for a question"),
        pytest.param(401, "POST", TEST, {}, "-", id="/test without a key"),
        pytest.param(200, "POST", TEST, {}, "sigfox", id="/test with one"),
        pytest.param(400, "GET", LAST, None, "", id="no vehicleId"),
        pytest.param(400, "GET", f"{RANGE}{MINE}&timeFrom=5.5&timeTo=9", None, "", id="half a number"),
        pytest.param(400, "GET", f"{RANGE}{MINE}&timeFrom=-5&timeTo=9", None, "", id="a negative time"),
        pytest.param(204, "GET", f"{RANGE}{MINE}&timeFrom=2000&timeTo=1000", None, "", id="a range that ends first"),
        pytest.param(201, "PUT", UPLINK, SIGFOX | {"seqNumber": 1}, "", id="a callback by PUT"),
        pytest.param(201, "POST", UPLINK, {n: str(v) for n, v in SIGFOX.items() if n != "advanced"}, "", id="texts"),
        pytest.param(201, "POST", UPLINK, {"timestamp": NOW_S + 0.5, "vehicleId": "386625"}, "", id="half a second"),
        pytest.param(201, "POST", UPLINK, SIGFOX | {"seqNumber": 3, "location": None}, "", id="null"),
        pytest.param(201, "POST", WLAN, {"timestamp": NOW_S, "vehicleId": "386625", "state": 3}, "", id="WLAN, short"),
        pytest.param(400, "POST", UPLINK, {"timestamp": -5, "vehicleId": "386625"}, "", id="a time below zero"),
        pytest.param(400, "POST", UPLINK, {"timestamp": NOW_S, "vehicleId": "x" * 65}, "", id="a long id"),
        pytest.param(400, "POST", UPLINK, SIGFOX | {"rawdata": "zz"}, "", id="a payload that is no hex"),
        pytest.param(400, "POST", UPLINK, SIGFOX | {"rawdata": "00" * 13}, "", id="a payload of 13 bytes"),
        pytest.param(400, "POST", UPLINK, b'{"timestamp":1,"vehicleId":"\xff"}', "", id="not UTF-8"),
        pytest.param(400, "POST", REGISTER + MINE, PHONE | {"fcmToken": "x" * 5000}, "", id="a long token"),
        pytest.param(400, "POST", REGISTER + MINE, PHONE | {"vehicleId": "777"}, "", id="another vehicle in the body"),
    ],
)
def test_an_answer_that_is_meant_to_differ(
    daemon: RunningDaemon, status: int, method: str, path: str, body: Any, role: str
) -> None:
    answer = ask(daemon, method, path, body, role=role)
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert set(answer.json()) == {"Error", "detail"}, "the text that clients know, and a sentence"
    elif status == 201:
        assert (answer.content, "content-type" in answer.headers) == (b"", False)


def test_head_is_get_without_a_body(daemon: RunningDaemon) -> None:
    assert ask(daemon, "POST", UPLINK, SIGFOX | {"seqNumber": 4}).status_code == 201
    head, get = (ask(daemon, method, LAST + MINE) for method in ("HEAD", "GET"))
    assert (head.status_code, head.headers["content-length"]) == (get.status_code, get.headers["content-length"])


def test_what_the_original_decoded_by_half_is_decoded(daemon: RunningDaemon) -> None:
    vehicle = SIGFOX | {"vehicleId": "00abc1", "connectivity": 2, "timestamp": NOW_S * 1000 - 5000}
    assert ask(daemon, "POST", UPLINK, vehicle).status_code == 201
    assert ask(daemon, "POST", UPLINK, vehicle | {"seqNumber": "2893"}).status_code == 201, "again"
    first = ask(daemon, "GET", f"{LAST}?vehicleId=abc1").json()
    assert first.items() >= {"connectivity": 1, "timestamp": NOW_S * 1000 - 5000, **MEASURED}.items()
    assert "indoor_temp" not in first
    ahead = vehicle | {"timestamp": NOW_S + 2 * 86_400, "seqNumber": 7}
    assert ask(daemon, "POST", UPLINK, ahead).status_code == 201
    assert ask(daemon, "GET", f"{LAST}?vehicleId=ABC1").json()["id"] == first["id"], "what lies ahead is never the last"
    told = ask(daemon, "GET", f"{RANGE}?vehicleId=ABC1&timeFrom=0&timeTo={NOW_S * 1000}").json()
    assert [one["id"] for one in told] == [first["id"]], "once"
