"""kill -9 under load, again and again: every phone gets its vehicle's newest status all the same, and little twice.

evd and the fake FCM are processes of their own, with TLS between them. In each run of evd some vehicles speak for the
last time, and others go on; FCM answers at once, slowly, or not at all. `make crashes` kills 50 times, `KILLS=…` as
often as it says; `SEED=…` takes the moments of an earlier round again.
"""

from __future__ import annotations

import os
import random
import signal
import ssl
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx
import orjson
import trustme
from builders import ROOMY, new_store, rows
from crash_load import Load, leaver, talker
from daemon_process import READY_S, STOP_S, clean_env, init, running_daemon, start_logged

from evd.config.settings import PushSettings
from evd.model.operations import Register

KILLS = int(os.environ.get("KILLS", "3"))
SEED = int(os.environ.get("SEED", random.randrange(1_000_000)))

MOMENTS_S = 0.2, 1.5 if KILLS > 3 else 0.6
"""Between these, after the load began, evd is killed; all tests together may not take long."""

MOODS = (("ok", 0.0), ("ok", 0.2), ("hang", 0.0))
"""FCM's, of one run after the other, and after how long it answers (s)."""

TALKERS = [talker(number) for number in range(60)]
"""They speak in every run."""

LEAVERS = 80
"""So many in each run speak in no other, and in this one up to the moment when evd is killed."""

SETTLED_S = 60.0
"""All that is left to do after a start takes a second."""

# Left to do: states to push, events to push, vehicles without a memory, charged ones of which none was told.
UNPUSHED = """
SELECT count(*) FROM deliveries AS d JOIN registrations AS r ON r.number = d.registration
JOIN last AS l ON l.vehicle = r.vehicle WHERE d.given <> l.id"""
UNSENT = "SELECT count(*) FROM outbox"
UNSEEN = "SELECT (SELECT count(*) FROM vehicles) - (SELECT count(*) FROM alert_states)"
UNTOLD = """
SELECT count(*) FROM last AS l WHERE l.fields ->> 'current_charge' >= l.fields ->> 'target_charge'
AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.vehicle = l.vehicle)"""

LAST = "SELECT vehicle, id, time FROM last"
TOLD_TWICE = "SELECT vehicle, count(*) FROM events WHERE vehicle >= ? GROUP BY vehicle HAVING count(*) > 1"


class Fcm:
    """The fake FCM, which outlives every evd; `settings` lead evd to it."""

    def __init__(self, url: str, directory: Path, trust: Path) -> None:
        self.client = httpx.Client(base_url=url, verify=ssl.create_default_context(cafile=str(trust)))
        self.settings = {
            "EVD_PUSH__CREDENTIALS": str(directory / "fcm.json"),
            "EVD_PUSH__ENDPOINT": url,
            "EVD_PUSH__RAMP_S": "0",
            "EVD_EVENTS__PER_VEHICLE": "10000",
            "SSL_CERT_FILE": str(trust),
            "REQUESTS_CA_BUNDLE": str(trust),
        }

    def mood(self, mood: str, latency_s: float) -> None:
        self.client.put("/mood", json={"mood": mood, "latency_s": latency_s}).raise_for_status()


@contextmanager
def fcm_over_tls(directory: Path) -> Iterator[Fcm]:
    """What it is asked stands in `directory`/pushes.jsonl when it has ended."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    issued = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA)
    trust, chain = directory / "authority.pem", directory / "fcm.pem"
    authority.cert_pem.write_to_path(str(trust))
    issued.private_key_and_cert_chain_pem.write_to_path(str(chain))
    command = ["-m", "evd", "fake-fcm", "--bind", "127.0.0.1:0", "--dir", str(directory)]
    said, process = start_logged([*command, "--tls-cert", str(chain), "--tls-key", str(chain)], clean_env())
    try:
        line = said.wait_for("listens on", READY_S)
        assert line is not None, str(said)
        fcm = Fcm(next(word for word in line.split() if word.startswith("https")), directory, trust)
        with fcm.client:
            yield fcm
    finally:
        process.terminate()
        code = process.wait(STOP_S)
        said.close()
    assert code == 0, str(said)


def leavers_of(run: int) -> list[str]:
    return [leaver(run * LEAVERS + number) for number in range(LEAVERS)]


VEHICLES = [*TALKERS, *[vehicle for run in range(KILLS) for vehicle in leavers_of(run)]]


def phones_of(vehicles: Sequence[str]) -> dict[str, str]:
    """Token → vehicle; one phone or two for each vehicle."""
    return {f"phone-{one}-{phone}": one for at, one in enumerate(vehicles) for phone in range(1 + at % 2)}


def register(directory: Path, phones: dict[str, str]) -> None:
    """In a directory that no evd has open."""
    limits = ROOMY._replace(registrations=100_000, registrations_per_vehicle=2, outbox=100_000)
    store = new_store(directory / "evd.db", capacity=20, limits=limits)
    now = int(time.time() * 1000)
    store.write([Register(vehicle, vehicle, token, f"owner of {vehicle}", now) for token, vehicle in phones.items()])
    store.close()


def wait_for_none(database: Path, *counts: str) -> None:
    end = time.monotonic() + SETTLED_S
    while any(left := [rows(database, count)[0][0] for count in counts]):
        assert time.monotonic() < end, f"after {SETTLED_S:.0f} s {left} are left of {counts}"
        time.sleep(0.05)


class Delivery(NamedTuple):
    """A message that FCM took; the times are epoch ms."""

    at: int
    token: str
    event_id: str
    time: int
    vehicle: str
    is_event: bool


def deliveries(record: Path) -> Iterator[Delivery]:
    """In the order in which they came."""
    with record.open("rb") as lines:
        for line in map(orjson.loads, lines):
            if line["kind"] == "send" and line["status"] == 200:
                token, data = line["message"]["token"], line["message"]["data"]
                vehicle = orjson.loads(data["serialized"])["vehicleId"]
                yield Delivery(line["at"], token, data["event_id"], int(data["time"]), vehicle, "event" in data)


@dataclass
class Received:
    """What `phones` (token → vehicle) got, of runs of evd that were over at `ends` (epoch ms)."""

    phones: dict[str, str]
    ends: Sequence[int]
    count: int = 0
    states: dict[str, Delivery] = field(default_factory=dict)
    """Token → the last one."""
    events: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Event id → tokens."""
    twice: Counter[int] = field(default_factory=Counter)
    """Run → messages that were taken in it, and again in a later one."""
    astray: list[Delivery] = field(default_factory=list)
    """What tells of another vehicle than the phone's."""
    backwards: list[Delivery] = field(default_factory=list)
    """States that came after a newer one."""
    needless: list[Delivery] = field(default_factory=list)
    """What came again although evd was not killed meanwhile."""
    _runs: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, one: Delivery) -> None:
        self.count += 1
        if self.phones.get(one.token) != one.vehicle:
            self.astray.append(one)
        run = bisect_right(self.ends, one.at)
        earlier = self._runs.get((one.token, one.event_id))
        self._runs[one.token, one.event_id] = run
        if earlier == run:
            self.needless.append(one)
        elif earlier is not None:
            self.twice[earlier] += 1
        if one.is_event:
            self.events[one.event_id].add(one.token)
            return
        if one.token in self.states and one.time < self.states[one.token].time:
            self.backwards.append(one)
        self.states[one.token] = one

    def rescued(self) -> int:
        """Phones that got their vehicle's newest status after the evd that took it had been killed."""
        over = {vehicle: end for run, end in enumerate(self.ends) for vehicle in leavers_of(run)}
        ended = {token: over[one] for token, one in self.phones.items() if one in over}
        return sum(token in self.states and self.states[token].at >= end for token, end in ended.items())


def killed_again_and_again(directory: Path, fcm: Fcm, load: Load, chance: random.Random) -> list[int]:
    """Runs of evd under load; when FCM had read the last word of each (epoch ms)."""
    ends: list[int] = []
    for run in range(KILLS):
        with running_daemon(directory, keys=load.keys, env=fcm.settings) as daemon:
            if run == 0:
                load.introduce(daemon.url, VEHICLES)
                wait_for_none(daemon.database, UNPUSHED, UNSEEN)
            mood, seconds = MOODS[run % len(MOODS)], chance.uniform(*MOMENTS_S)
            fcm.mood(*mood)
            lines = load.run(daemon.url, TALKERS + leavers_of(run), seconds)
            daemon.stop(signal.SIGKILL, exit_code=-signal.SIGKILL)
            load.hear_out(lines)
        fcm.mood(*MOODS[0])  # after what evd had sent before: FCM takes what comes in its order
        ends.append(int(time.time() * 1000))
        told = f"{load.acknowledged} acknowledged, {load.unanswered} never answered"
        print(f"kill {run + 1} of {KILLS} after {seconds:.2f} s of load, FCM {mood}: {told}", flush=True)
    return ends


def test_kill_9_under_load_keeps_no_newest_status_and_no_event_from_any_phone(tmp_path: Path) -> None:
    print(f"\nSEED={SEED} KILLS={KILLS}: {len(VEHICLES)} vehicles")
    began, chance = time.monotonic(), random.Random(SEED)
    directory, phones = tmp_path / "evd", phones_of(VEHICLES)
    load = Load(init(directory), chance)
    register(directory, phones)
    with fcm_over_tls(tmp_path) as fcm:
        ends = killed_again_and_again(directory, fcm, load, chance)
        with running_daemon(directory, keys=load.keys, env=fcm.settings) as daemon:
            load.hear_out(load.run(daemon.url, TALKERS, chance.uniform(*MOMENTS_S)))
            wait_for_none(daemon.database, UNPUSHED, UNSENT, UNTOLD)
    received = Received(phones, ends)
    for delivery in deliveries(tmp_path / "pushes.jsonl"):
        received.take(delivery)
    rescued, twice = received.rescued(), received.twice
    print(
        f"{KILLS} kills, {load.acknowledged} acknowledged, {received.count} taken by FCM; the last status came only "
        f"after the kill to {rescued} phones; {sum(twice.values())} came twice, {max(twice.values(), default=0)} at "
        f"most by one kill; {len(received.events)} events; {time.monotonic() - began:.0f} s"
    )

    assert rows(directory / "evd.db", "PRAGMA integrity_check") == [("ok",)]
    last = {vehicle: (status_id, time) for vehicle, status_id, time in rows(directory / "evd.db", LAST)}
    assert not [vehicle for vehicle, moment in load.newest.items() if last[vehicle][1] < moment * 1000]
    assert {token: (one.event_id, one.time) for token, one in received.states.items()} == {
        token: last[vehicle] for token, vehicle in phones.items()
    }
    assert not received.astray, "only a vehicle's own phones hear of it"
    assert not received.backwards
    assert rescued, "else none of this was put to the test"

    assert not received.needless
    assert max(twice.values(), default=0) <= PushSettings().in_flight_max

    events = rows(directory / "evd.db", "SELECT 'event-' || number, vehicle FROM events")
    assert events
    for event_id, vehicle in events:
        assert received.events[event_id] == {token for token, one in phones.items() if one == vehicle}
    assert not rows(directory / "evd.db", TOLD_TWICE, leaver(0))
