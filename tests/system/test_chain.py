"""The whole chain with the original's own requests: a callback goes in, a phone gets the push, the app can ask.

evd and the fake FCM are processes of their own, everything between them goes over real sockets, and every field of what
comes out is compared. The bodies are those of reference/original-system.md.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
from chain import SIGFOX_BODY, Fcm, app, callback, fake_fcm, fcm, register, whole_chain
from daemon_process import READY_S, run_evd
from original_status import FRAME, MEASURED, SIMULATOR_READ

from evd.store.sqlite.connection import open_reader

__all__ = ["fcm"]

WLAN_BODY = (
    '{"timestamp":1639400000123,"vehicleId":"386625","encoded":false,"advanced":true,"connectivity":1,"state":1,'
    '"current_charge":76,"target_charge":80,"current":32.5,"elapsed_time":45,"remain_time":30,"range":211,'
    '"elec_consumption":15.4,"indoor_temp":21.5,"outdoor_temp":3.5,"desired_temp":21.0,"max_current":64.0,'
    '"location":"48.1486,17.1077"}'
)
SIGFOX_STATUS: dict[str, Any] = {
    "vehicleId": "386625",
    "timestamp": 1639400000000,
    "connectivity": 1,
    "seqNumber": 118,
    "rawdata": FRAME,
    "advanced": False,
    **MEASURED,
}
WLAN_STATUS: dict[str, Any] = {
    "vehicleId": "386625",
    "timestamp": 1639400000123,
    "connectivity": 2,
    **SIMULATOR_READ,
}


def test_the_originals_callback_and_wlan_post_reach_disk_phone_and_app(tmp_path: Path, fcm: Fcm) -> None:
    with whole_chain(tmp_path, fcm) as daemon:
        register(daemon, "phone-of-martin")

        answer = callback(daemon)
        assert (answer.status_code, answer.content) == (201, b"")
        sigfox = {"id": answer.headers["x-status-id"], **SIGFOX_STATUS}
        assert app(daemon, "GET", "/android/last?vehicleId=386625").json() == sigfox

        headers = {"x-api-key": daemon.keys["device"], "connectivityMethod": "network"}
        answer = httpx.post(f"{daemon.url}/v2/wifi/", content=WLAN_BODY, headers=headers)
        assert (answer.status_code, answer.content) == (201, b"")
        wlan = {"id": answer.headers["x-status-id"], **WLAN_STATUS}

        last = app(daemon, "GET", "/android/last?vehicleId=386625")
        assert last.status_code == 200
        assert last.headers["content-type"] == "application/json"
        assert last.headers["access-control-allow-origin"] == "*"
        assert last.json() == wlan
        times = "timeFrom=1639400000000&timeTo=1639400000123"
        assert app(daemon, "GET", f"/android/range?vehicleId=386625&{times}").json() == [sigfox, wlan]

        first, second = fcm.sent(2)
        for message, status in ((first, sigfox), (second, wlan)):
            assert json.loads(message["data"]["serialized"]) == status
            assert message == {
                "token": "phone-of-martin",
                "data": {
                    "serialized": message["data"]["serialized"],
                    "event_id": status["id"],
                    "time": str(status["timestamp"]),
                },
                "android": {"ttl": "60s", "priority": "normal", "restricted_package_name": "com.martin.carcharge"},
            }

        reader = open_reader(daemon.database)
        rows = reader.execute("SELECT vehicle, channel, current_charge, document FROM history").fetchall()
        reader.close()
        assert rows == [("386625", "sigfox", 76, SIGFOX_BODY), ("386625", "wlan", 76, WLAN_BODY)]


def test_sigfoxs_four_deliveries_make_one_status_and_one_push(tmp_path: Path, fcm: Fcm) -> None:
    with whole_chain(tmp_path, fcm) as daemon:
        register(daemon, "phone-of-martin")
        plain = '{"device":"00386625","time":"1639400000","data":"130A4C0F594E427E4BB45088","seqNumber":"118"}'
        answers = [callback(daemon), callback(daemon), callback(daemon, plain), callback(daemon, path="/sigfox/uplink")]
        assert [answer.status_code for answer in answers] == [201] * 4
        assert len({answer.headers["x-status-id"] for answer in answers}) == 1
        later = SIGFOX_BODY.replace("1639400000", "1639400600").replace('"seqNumber":118', '"seqNumber":119')
        assert callback(daemon, later).status_code == 201
        pushed = [json.loads(message["data"]["serialized"])["seqNumber"] for message in fcm.sent(2)]
        assert pushed == [118, 119]


def test_h10_e05_data_advanced_alone_is_pushed_once_and_of_a_list_the_last_status(tmp_path: Path, fcm: Fcm) -> None:
    with whole_chain(tmp_path, fcm, settings="[sigfox]\nadvanced_waits_s = 0.5\n") as daemon:
        register(daemon, "phone-of-martin")
        advanced = '{"device":"386625","time":1639400000,"data":"130A4C0F594E427E4BB45088","seq":118,"lqi":"Good"}'
        assert callback(daemon, advanced, path="/sigfox/advanced").status_code == 201
        (first,) = fcm.sent(1)
        assert json.loads(first["data"]["serialized"])["seqNumber"] == 118
        assert callback(daemon).headers["x-status-id"] == json.loads(first["data"]["serialized"])["id"]
        points = [{"vehicleId": "386625", "timestamp": 1639400600000 + n, "state": n % 3} for n in (5, 1, 9, 2)]
        key = {"x-api-key": daemon.keys["device"], "content-type": "application/json"}
        assert httpx.post(f"{daemon.url}/wlan", content=json.dumps(points), headers=key).status_code == 201
        pushed = [json.loads(message["data"]["serialized"])["timestamp"] for message in fcm.sent(2)]
        assert pushed == [1639400000000, 1639400600009]


def test_pushes_that_fcm_did_not_answer_survive_kill_9(tmp_path: Path) -> None:
    with fake_fcm(tmp_path) as first:
        port = int(first.url.rpartition(":")[2])
        with whole_chain(tmp_path, first) as daemon:
            register(daemon, "hang-for-ever")
            register(daemon, "phone-of-martin")
            assert callback(daemon).status_code == 201
            first.sent(1)
            daemon.stop(9, exit_code=-9)
    (tmp_path / "second").mkdir()
    with fake_fcm(tmp_path / "second", port) as second, whole_chain(tmp_path, second, keys=daemon.keys):
        end = time.monotonic() + READY_S
        while time.monotonic() < end and "hang-for-ever" not in _text(second.record):
            time.sleep(0.02)
        assert "hang-for-ever" in _text(second.record)
        assert "phone-of-martin" not in _text(second.record)


def test_an_fcm_that_never_answers_delays_no_callback(tmp_path: Path, fcm: Fcm) -> None:
    with whole_chain(tmp_path, fcm) as daemon:
        for number in range(3):
            register(daemon, f"hang-{number}")
        for number in range(20):
            start = time.monotonic()
            assert callback(daemon, SIGFOX_BODY.replace("1639400000", str(1639400000 + number))).status_code == 201
            assert time.monotonic() - start < 5
        assert app(daemon, "GET", "/android/last?vehicleId=386625").json()["timestamp"] == 1639400019000


def test_keys_and_owners_changed_by_command_count_at_once(tmp_path: Path, fcm: Fcm) -> None:
    with whole_chain(tmp_path, fcm) as daemon:
        imported = "aws-key-of-the-original-0123456789"
        made = run_evd("key", "import", "--role", "sigfox", "--dir", daemon.directory, "--json", stdin=imported + "\n")
        assert made.returncode == 0, made.stderr
        headers = {"x-api-key": imported}
        post = {"url": f"{daemon.url}/sigfox/uplink", "content": SIGFOX_BODY, "headers": headers}
        assert httpx.post(**post).status_code == 201
        revoked = run_evd("key", "revoke", json.loads(made.stdout)["id"], "--yes", "--dir", daemon.directory)
        assert revoked.returncode == 0, revoked.stderr
        assert httpx.post(**post).status_code == 401
        assert app(daemon, "GET", "/android/last?vehicleId=386625").status_code == 403
        assert run_evd("owner", "add", "martin", "00386625", "--dir", daemon.directory).returncode == 0
        assert app(daemon, "GET", "/android/last?vehicleId=386625").status_code == 200
        assert imported not in str(daemon.logs)


def test_the_gateways_one_key_serves_every_route_of_the_original(tmp_path: Path, fcm: Fcm) -> None:
    """Imported at once for several roles, or again for one more."""
    one, other = "one-key-of-the-gateway-0123456789", "another-key-of-it-0123456789"
    with whole_chain(tmp_path, fcm) as daemon:

        def imported(secret: str, *roles: str) -> str:
            asked = [word for role in roles for word in ("--role", role)]
            made = run_evd("key", "import", *asked, "--dir", daemon.directory, "--json", stdin=secret)
            return str(json.loads(made.stdout)["role"]) if made.returncode == 0 else made.stderr

        assert imported(one, "sigfox", "device", "app") == "sigfox,device,app"
        assert [imported(other, role) for role in ("sigfox", "device", "app")][-1] == "sigfox,device,app"
        assert "exists already" in imported(other, "app")
        assert "cannot be combined" in imported("a-third-key-0123456789", "app", "admin")
        assert run_evd("owner", "add", "martin", "386625", "--dir", daemon.directory).returncode == 0
        for secret in (one, other):
            headers = {"x-api-key": secret, "userId": "martin"}
            asked = [
                httpx.post(f"{daemon.url}/v3/sigfox/uplink", content=SIGFOX_BODY, headers=headers),
                httpx.post(f"{daemon.url}/v3/wlan", content=WLAN_BODY, headers=headers),
                httpx.get(f"{daemon.url}/v3/android/last?vehicleId=386625", headers=headers),
                httpx.get(f"{daemon.url}/api/v1/keys", headers=headers),
            ]
            assert [answer.status_code for answer in asked] == [201, 201, 200, 403]


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""
