"""The live stream: each new last status once and in order, whoever may follow, whatever breaks in between."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from daemon_process import Lines, RunningDaemon, clean_env, init, run_evd, running_daemon

from evd.net import sse
from evd.net.client import control_socket

TIME = 1_639_400_000_000
LASTS_S = 2.2
SETTINGS = f"""
[server]
idle_timeout_s = 0.3
write_timeout_s = 0.5
[app]
trust_user_header = true
streams_per_user = 2
stream_heartbeat_s = 0.1
stream_lasts_s = {LASTS_S}
stream_queue_bytes_max = 100_000_000
[ingest]
body_max_bytes = 1_000_000
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    folder = tmp_path_factory.mktemp("live") / "evd"
    with running_daemon(folder, settings=SETTINGS, keys=init(folder)) as one:
        yield one


class Stream:
    """An open stream, read as it comes."""

    def __init__(self, connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> None:
        connection.request("GET", f"/api/v1/stream?{path}", headers=headers)
        self.answer = connection.getresponse()
        self.status = self.answer.status
        self.lines = 0
        self.events = sse.read(self._lines())

    def _lines(self) -> Iterator[str]:
        while line := self.answer.readline():
            self.lines += 1
            yield line.decode().rstrip("\n")

    def next(self) -> tuple[str, Any]:
        """The id and the document of the next event."""
        event = next(event for event in self.events if event.data)
        assert event.name == "status"
        return event.event_id, json.loads(event.data)

    def charges(self, count: int) -> list[int]:
        return [self.next()[1]["current_charge"] for _ in range(count)]


@contextmanager
def following(
    daemon: RunningDaemon, path: str, *, headers: dict[str, str] | None = None, last: str = "", tls: Any = None
) -> Iterator[Stream]:
    """A stream as the administrator's, or with these headers."""
    host = daemon.url.rpartition("/")[2]
    connection = (
        http.client.HTTPSConnection(host, timeout=10, context=tls)
        if tls
        else http.client.HTTPConnection(host, timeout=10)
    )
    who = {"x-api-key": daemon.keys["admin"]} if headers is None else headers
    try:
        yield Stream(connection, path, who | ({"Last-Event-ID": last} if last else {}))
    finally:
        connection.close()


def post(daemon: RunningDaemon, vehicle: str, number: int, *, more: Any = None, verify: Any = True) -> str:
    """A status whose charge is `number`, measured in second `number`; its id."""
    body = {"vehicleId": vehicle, "timestamp": TIME + number * 1000, "state": 1, "current_charge": number}
    key = {"x-api-key": daemon.keys["device"]}
    answer = httpx.post(f"{daemon.url}/wlan", json=body | (more or {}), headers=key, verify=verify)
    assert answer.status_code == 201, answer.text
    return answer.headers["x-status-id"]


def own(daemon: RunningDaemon, uid: str, vehicle: str, *, method: str = "POST") -> dict[str, str]:
    """Make the user the vehicle's owner; the headers with which his app asks."""
    answer = httpx.request(
        method, f"{daemon.url}/api/v1/owners", json={"uid": uid, "vehicle": vehicle},
        headers={"x-api-key": daemon.keys["admin"]},
    )  # fmt: skip
    assert answer.status_code < 300, answer.text
    return {"x-api-key": daemon.keys["app"], "userId": uid}


def streams(daemon: RunningDaemon) -> int:
    counted: int = control_socket.call(daemon.directory / "evd.sock", "GET", "/stats")["connections"]["streams"]
    return counted


def wait_for_streams(daemon: RunningDaemon, count: int, within_s: float) -> None:
    end = time.monotonic() + within_s
    while streams(daemon) != count:
        assert time.monotonic() < end, f"{streams(daemon)} streams are open"
        time.sleep(0.01)


def test_it_begins_with_the_last_status_and_sends_each_new_one_as_the_app_is_given_it(daemon: RunningDaemon) -> None:
    headers = own(daemon, "martin", "A1")
    post(daemon, "A1", 10)
    with following(daemon, "vehicle=00a1", headers=headers) as stream:
        assert stream.answer.headers["content-type"] == "text/event-stream"
        event_id, document = stream.next()
        assert document == httpx.get(f"{daemon.url}/android/last?vehicleId=00a1", headers=headers).json()
        assert event_id == f"{TIME + 10_000}.-1.{document['id']}"
        status_id = post(daemon, "A1", 12)
        post(daemon, "A1", 11)  # late: the ring keeps it, the app is not told
        post(daemon, "A1", 12)  # a redelivery
        post(daemon, "A2", 99)
        post(daemon, "A1", 13)
        event_id, document = stream.next()
        assert (document["id"], document["vehicleId"], document["current_charge"]) == (status_id, "00a1", 12)
        assert stream.charges(1) == [13]
    with following(daemon, "vehicle=a1", headers=headers, last=event_id) as stream:
        assert stream.charges(1) == [13]
    with following(daemon, f"vehicle=a1&last_event_id={TIME + 10_000}.-1.gone", headers=headers) as stream:
        assert stream.charges(4) == [10, 11, 12, 13]


@pytest.mark.parametrize(
    ("query", "vehicle", "replays"),
    [("", "R1", True), ("replay=0", "R2", False), ("vehicle=R3&replay=0", "R3", False)],
)
def test_it_begins_with_what_was_there_unless_it_should_not(
    daemon: RunningDaemon, query: str, vehicle: str, replays: bool
) -> None:
    post(daemon, vehicle, 1)
    with following(daemon, query) as stream:
        assert bool(list(takewhile(lambda event: event.data, stream.events))) == replays
        post(daemon, vehicle, 2)
        _, document = stream.next()
        assert (document["vehicleId"], document["current_charge"]) == (vehicle, 2)


def test_an_event_arrives_within_50_ms_of_its_commit(daemon: RunningDaemon) -> None:
    took = []
    with following(daemon, "vehicle=B1") as stream, httpx.Client() as client:
        for number in range(1, 21):
            body = {"vehicleId": "B1", "timestamp": TIME + number * 1000, "state": 1}
            client.post(f"{daemon.url}/wlan", json=body, headers={"x-api-key": daemon.keys["device"]})
            start = time.monotonic()
            stream.next()
            took.append(time.monotonic() - start)
    assert statistics.median(took) < 0.05, took


def test_of_several_vehicles_each_goes_on_where_it_was_whatever_their_clocks_say(daemon: RunningDaemon) -> None:
    with following(daemon, "vehicle=C1&vehicle=C2") as stream:
        post(daemon, "C1", 50)
        event_id, _ = stream.next()
    post(daemon, "C2", 20)  # earlier than what was told of the other
    post(daemon, "C2", 21)
    post(daemon, "C1", 51)
    with following(daemon, "vehicle=C1&vehicle=C2", last=event_id) as stream:
        assert stream.charges(3) == [20, 21, 51]
        post(daemon, "C2", 22)
        post(daemon, "C1", 52)
        assert stream.charges(1) == [22]
        event_id, document = stream.next()
        assert document["current_charge"] == 52
    with following(daemon, "vehicle=C1&vehicle=C2", last=event_id) as stream:
        post(daemon, "C2", 23)
        assert stream.charges(1) == [23]


def test_breaking_off_again_and_again_while_statuses_come_costs_none_and_doubles_none(daemon: RunningDaemon) -> None:
    def speak() -> None:
        with httpx.Client() as client:
            for number in range(1, 121):
                body = {"vehicleId": "Q1", "timestamp": TIME + number * 1000, "range": number}
                client.post(f"{daemon.url}/wlan", json=body, headers={"x-api-key": daemon.keys["device"]})

    speaker = threading.Thread(target=speak)
    got, last = list[int](), ""
    while not got or got[-1] < 120:
        with following(daemon, "vehicle=Q1", last=last) as stream:
            if not last:
                last = next(stream.events).event_id
                speaker.start()
            for _ in range(min(3, 120 - len(got))):
                last, document = stream.next()
                got.append(document["range"])
    speaker.join()
    assert got == list(range(1, 121))


def test_a_vehicle_that_said_nothing_when_it_was_followed_has_nothing_missing_later(daemon: RunningDaemon) -> None:
    with following(daemon, "vehicle=P1") as stream:
        event_id = next(stream.events).event_id
    for number in (1, 2, 3):
        post(daemon, "P1", number)
    with following(daemon, "vehicle=P1", last=event_id) as stream:
        assert stream.charges(3) == [1, 2, 3]
    with following(daemon, "vehicle=P1") as stream:
        assert stream.charges(1) == [3]


def test_an_administrator_may_follow_all_beginning_with_what_all_said_last(daemon: RunningDaemon) -> None:
    post(daemon, "D1", 1)
    with following(daemon, "") as stream:
        event_id, document = stream.next()
        while document["vehicleId"] != "D1":
            event_id, document = stream.next()
        assert event_id == ""
        post(daemon, "D2", 5)
        post(daemon, "D1", 2)
        told = [stream.next()[1] for _ in range(2)]
        while told[0]["vehicleId"] not in ("D1", "D2"):
            told = [told[1], stream.next()[1]]
        assert [(document["vehicleId"], document["current_charge"]) for document in told] == [("D2", 5), ("D1", 2)]


def test_who_may_follow_what(daemon: RunningDaemon) -> None:
    mine = own(daemon, "eva", "E1")
    post(daemon, "E2", 1)
    device = {"x-api-key": daemon.keys["device"]}
    app = {"x-api-key": daemon.keys["app"]}
    admin = {"x-api-key": daemon.keys["admin"]}
    for path, headers, status in (
        ("vehicle=E1", {}, 401),
        ("vehicle=E1", {"x-api-key": "evd_admin_guess"}, 401),
        ("vehicle=E1", device, 403),
        ("vehicle=E1", app, 401),
        ("vehicle=E2", mine, 404),
        ("vehicle=never", mine, 404),
        ("vehicle=E1&vehicle=E2", mine, 404),
        ("vehicle=", mine, 400),
        ("&".join(f"vehicle=E{number}" for number in range(17)), admin, 400),
        ("vehicle=E1&last_event_id=x", admin, 400),
    ):
        answer = httpx.get(f"{daemon.url}/api/v1/stream?{path}", headers=headers)
        assert answer.status_code == status, (path, headers)
        assert answer.headers["content-type"] == "application/problem+json"
    asked = f"{daemon.url}/api/v1/stream?vehicle=E1"
    assert httpx.head(asked, headers=mine).headers["content-type"] == "text/event-stream"
    assert httpx.post(asked, headers=mine).status_code == 405


def test_without_a_vehicle_in_the_query_a_user_follows_its_own_and_no_other(daemon: RunningDaemon) -> None:
    mine = own(daemon, "many", "E3")
    own(daemon, "many", "E4")
    nobody = {**mine, "userId": "ownsnone"}
    with following(daemon, "", headers=mine) as stream, following(daemon, "", headers=nobody) as empty:
        post(daemon, "E2", 90)
        post(daemon, "E3", 91)
        post(daemon, "E4", 92)
        assert sorted(stream.charges(2)) == [91, 92]
        assert not any(next(empty.events).data for _ in range(3)), "beats only"


def test_of_all_vehicles_the_newest_status_of_each_comes(daemon: RunningDaemon) -> None:
    with following(daemon, "replay=0&newest=1") as stream:
        next(stream.events)  # it has begun
        for charge in (20, 21):
            post(daemon, "E5", charge)
        came = stream.charges(1)
        assert came in ([20], [21]), "the newest of those that came until the moment"
        assert came == [21] or stream.charges(1) == [21]


def test_whoever_owns_it_no_more_is_let_go(daemon: RunningDaemon) -> None:
    headers = own(daemon, "former", "F1")
    with following(daemon, "vehicle=F1", headers=headers) as stream:
        next(stream.events)
        own(daemon, "former", "F1", method="DELETE")
        assert not any(event.data for event in stream.events), "the stream ends"


def test_where_all_places_are_taken_503_and_who_goes_makes_room_at_once(daemon: RunningDaemon) -> None:
    headers = own(daemon, "busy", "G1")
    with following(daemon, "vehicle=G1", headers=headers) as stream:
        next(stream.events)
        with following(daemon, "vehicle=G1", headers=headers) as second:
            next(second.events)
            answer = httpx.get(f"{daemon.url}/api/v1/stream?vehicle=G1", headers=headers)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert "app.streams_per_user" in answer.json()["detail"]
            assert streams(daemon) == 2
        wait_for_streams(daemon, 1, within_s=LASTS_S / 2)
    wait_for_streams(daemon, 0, within_s=LASTS_S / 2)


def test_a_quiet_stream_outlives_the_idle_timeout_and_ends_when_its_follower_must_identify_itself_again(
    daemon: RunningDaemon,
) -> None:
    with following(daemon, "vehicle=H1") as stream:
        start, beats = time.monotonic(), 0
        while time.monotonic() - start < 1:  # idle_timeout_s is 0.3
            beats += not next(stream.events).data
        post(daemon, "H1", 7)
        assert stream.charges(1) == [7]
        assert beats > 3
        assert not any(event.data for event in stream.events)
        assert LASTS_S - 0.7 < time.monotonic() - start < LASTS_S + 5


def test_a_follower_who_never_reads_is_cut_by_the_write_deadline(daemon: RunningDaemon) -> None:
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, _, port = daemon.url.rpartition("/")[2].rpartition(":")
        deaf.connect((host, int(port)))
        deaf.sendall(b"GET /api/v1/stream?vehicle=K1 HTTP/1.1\r\nHost: x\r\nx-api-key: %b\r\n\r\n"
                     % daemon.keys["admin"].encode())  # fmt: skip
        wait_for_streams(daemon, 1, within_s=10)
        for number in range(1, 9):
            post(daemon, "K1", number, more={"location": "x" * 900_000})
        wait_for_streams(daemon, 0, within_s=10)


def test_it_comes_by_the_control_socket_too_whose_permissions_are_its_key(daemon: RunningDaemon) -> None:
    post(daemon, "L1", 3)
    lines = control_socket.lines(daemon.directory / "evd.sock", "/stream?vehicle=L1", {})
    event = next(event for event in sse.read(lines) if event.data)
    assert json.loads(event.data)["current_charge"] == 3


def test_over_tls_too_and_a_stop_ends_it_at_once(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    folder = tmp_path / "evd"
    keys = init(folder)
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    settings = f'[server]\ntls_cert = "{folder}/cert.pem"\ntls_key = "{folder}/key.pem"\ndrain_timeout_s = 60\n'
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with running_daemon(folder, keys=keys, settings=settings) as daemon, ExitStack() as open_:
        some = [open_.enter_context(following(daemon, "vehicle=M1", tls=trusting)) for _ in range(3)]
        for stream in some:
            next(stream.events)
        post(daemon, "M1", 4, verify=trusting)
        assert [stream.charges(1) for stream in some] == [[4]] * 3
        daemon.stop(signal.SIGTERM)
        assert not any(event.data for stream in some for event in stream.events), "each ends in order"


def test_across_a_kill_and_a_restart_none_is_missing_and_none_comes_twice(tmp_path: Path) -> None:
    folder, got, last = tmp_path / "evd", list[int](), ""
    with running_daemon(folder) as first, following(first, "vehicle=N1&vehicle=N2") as stream:
        watching = subprocess.Popen(
            [sys.executable, "-m", "evd", "watch", "N1", "N2", "--json", "--dir", str(folder)],
            env=clean_env(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert watching.stdout is not None
        seen = Lines(watching.stdout)
        next(stream.events)
        wait_for_streams(first, 2, within_s=10)
        for number in range(1, 6):
            post(first, f"N{1 + number % 2}", number)
        for _ in range(3):
            last, document = stream.next()
            got.append(document["current_charge"])
        assert seen.wait_for('"current_charge":5', 10)
        post(first, "N1", 6)
        first.stop(signal.SIGKILL, exit_code=-9)
    with running_daemon(folder, keys=first.keys) as again:
        post(again, "N2", 7)
        with following(again, "vehicle=N1&vehicle=N2", last=last) as stream:
            post(again, "N1", 8)
            got += stream.charges(5)
            assert got == [1, 2, 3, 4, 5, 6, 7, 8]
        assert seen.wait_for('"current_charge":8', 10)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(5) == 0
        seen.close()
        assert [json.loads(line)["current_charge"] for line in seen.lines] == [1, 2, 3, 4, 5, 6, 7, 8]
    nobody = run_evd("watch", "N1", "--dir", folder)
    assert (nobody.returncode, nobody.stderr) == (4, f"evd: evd is not running in {folder}: `evd serve` starts it\n")
