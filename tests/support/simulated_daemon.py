"""evd's ingest, writer and pushes in virtual time: killed, restarted on what its disk has, and examined.

Everything random comes from one seed, trio's order of tasks included, so a run can be repeated exactly. The files are
real and lie in memory. What differs from the daemon: no HTTP server (callbacks reach `Ingest.take`), upkeep runs at
once instead of in a thread, and FCM's access token is given.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import outcome
import trio
import trio.testing
from builders import ROOMY, SETTINGS
from ledger import breaches, stored
from simulated_disk import Odds, SimulatedDisk, drawn
from simulated_fcm import FINE, MOODS, SimulatedFcm
from simulated_senders import ANSWER_S, Senders, Way

from evd.auth.api_keys import new_key
from evd.config.settings import Config
from evd.errors import StoreError, Unavailable
from evd.ingest.cache import IngestCache
from evd.ingest.service import Ingest
from evd.model.operations import NewEvent, RecordEvents, Register
from evd.model.place_privacy import PlacePrivacy
from evd.model.units import DAY_S
from evd.net.client.push_pool import PushPool
from evd.payload.formats import Formats
from evd.push.composer import Composer
from evd.push.dispatcher import Dispatcher, DispatchRules
from evd.push.providers.fcm.sender import ANSWER_MAX, FcmPusher
from evd.push.providers.fcm.traits import TRAITS
from evd.push.service import PushService
from evd.store.sqlite.connection import open_reader
from evd.store.sqlite.database import SqliteDatabase
from evd.store.writer import Writer

EPOCH_S = 1_700_000_000
CAPACITY = 12
QUEUE_ROWS, GROUP_ROWS = 30, 16
IN_FLIGHT_MAX = 5
VEHICLES = [f"C0000{number}" for number in range(4)]
PHONES = {f"phone-{vehicle}-{number}": vehicle for at, vehicle in enumerate(VEHICLES) for number in range(1 + at % 2)}
DEAD = {f"dead-{vehicle}": vehicle for vehicle in VEHICLES[:1]}
FAULTS_S = 24.0
"""So long (virtual) things go wrong; then everything must come right."""
SETTLED_S = 1500.0
"""The longest wait before a retry is 15 minutes, after more failures than there is time for."""
LIFE_S = (2.0, 10.0)
DOWN_S = (0.0, 2.0)

KEY_TEXT, KEY = new_key("sigfox")
SETTINGS_OF_STORE = SETTINGS._replace(
    capacity=CAPACITY, limits=ROOMY._replace(events_per_vehicle=1000, outbox=1000), give_up_after_s=DAY_S
)

UNPUSHED = """
SELECT count(*) FROM registrations AS r JOIN last AS l ON l.vehicle = r.vehicle
LEFT JOIN deliveries AS d ON d.registration = r.number WHERE d.given IS NOT l.id"""
UNSENT = "SELECT count(*) FROM outbox"


class AtOnce:
    """Work that is done when it begins, in place of a thread's; see `evd.store.upkeep`."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._outcome = outcome.capture(work)

    async def ended(self) -> None:
        await trio.lowlevel.checkpoint()

    def result(self) -> Any:
        return self._outcome.unwrap()


class GivenToken:
    """In place of AccessTokens: no endpoint is asked."""

    async def get(self) -> str:
        await trio.lowlevel.checkpoint()
        return "given"

    def forget(self, token: str) -> None: ...

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


def wall_ms() -> int:
    return EPOCH_S * 1000 + int(trio.current_time() * 1000)


class Life:
    """One process of evd over the file `path`."""

    def __init__(self, path: Path, fcm: SimulatedFcm, nursery: trio.Nursery, chance: random.Random, odds: Odds) -> None:
        self.path = path
        self.odds = odds
        self.disk = SimulatedDisk(
            SqliteDatabase(path, SETTINGS_OF_STORE), path, nursery, lambda: drawn(chance, self.odds)
        )
        self.writer = Writer(
            self.disk,
            queue_rows_max=QUEUE_ROWS,
            queue_bytes_max=1 << 20,
            batch_rows_max=GROUP_ROWS,
            answer_timeout_s=ANSWER_S,
            timer=trio.current_time,
            begin_upkeep=AtOnce,
        )
        cache = IngestCache([KEY], [])
        self.ingest = Ingest(self.writer, cache, Formats({}, "ev"), clock=wall_ms)
        pool = PushPool(
            "http://fcm.test", connections_max=IN_FLIGHT_MAX, timeout_s=10.0, body_max=ANSWER_MAX, connect=fcm.connect
        )
        self.pusher = FcmPusher("evd", GivenToken(), pool)  # type: ignore[arg-type]
        pending = self.disk.due_pushes(TRAITS.serves)
        compose = Composer(Config(), PlacePrivacy()).compose
        rules = DispatchRules(
            in_flight_max=IN_FLIGHT_MAX, rate_max=100.0, ramp_s=5.0, give_up_after_s=DAY_S, stale_after_s=30 * DAY_S
        )
        self.dispatcher = Dispatcher(
            *(self.pusher, TRAITS, pending, self.writer),
            rules=rules,
            compose=compose,
            clock=wall_ms,
            seconds=trio.current_time,
            chance=chance.random,
        )
        self.pushing = PushService([self.dispatcher], pending, compose, wall_ms)
        self.writer.observers += [cache, self.pushing]

    async def run(self) -> None:
        """Until it is cancelled, or the disk fails. Raises StoreError, in a group."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.writer.run)
            nursery.start_soon(self.ingest.run)
            nursery.start_soon(self.pushing.run)

    async def end(self) -> None:
        """Close what a dead process had open."""
        with trio.CancelScope(shield=True):
            await self.pusher.aclose()
        self.disk.close()


class Verdict(NamedTuple):
    """What a seed showed: `faults` are what evd did wrong, in sentences."""

    seed: int
    faults: list[str]
    trace: str
    """What happened, in one line: the same each time."""


class World:
    """Senders, phones, FCM and one evd after another; `run` plays all of it."""

    def __init__(self, directory: Path, seed: int, nursery: trio.Nursery) -> None:
        self.faults: list[str] = []
        self._directory = directory
        self._chance = random.Random(seed)
        self._nursery = nursery
        self._senders = Senders(self._chance, EPOCH_S)
        self._fcm = SimulatedFcm(self._chance, nursery, frozenset(DEAD))
        self._life: Life | None = None
        self._events: set[tuple[str, int]] = set()
        """(vehicle, time) of the events that were said to be recorded."""
        self._deaths: Counter[str] = Counter()

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._trouble)
            nursery.start_soon(self._watch)
            for vehicle in VEHICLES:
                nursery.start_soon(self._senders.speak, vehicle, FAULTS_S)
                nursery.start_soon(self._record_events, vehicle)
            await self._lives()
            nursery.cancel_scope.cancel()
        self._examine()

    def trace(self) -> str:
        said, fcm = self._senders, self._fcm
        return (
            f"{len(said.sent)} sent, {len(said.acknowledged)} acknowledged, {dict(sorted(said.answers.items()))}, "
            f"{len(fcm.taken)} pushed, {len(self._events)} events, ended by {dict(sorted(self._deaths.items()))}, "
            f"{trio.current_time():.3f} s"
        )

    # ---- one process after another ----

    async def _lives(self) -> None:
        path = self._directory / "0.db"
        while True:
            self._fcm.run += 1
            calm = trio.current_time() >= FAULTS_S
            life = Life(
                path, self._fcm, self._nursery, self._chance, Odds() if calm or self._fcm.run == 1 else self._odds()
            )
            if self._fcm.run == 1:
                now = wall_ms()
                life.disk.write(
                    [Register(v, v, token, f"owner of {v}", now) for token, v in {**PHONES, **DEAD}.items()]
                )
            else:
                self.faults += breaches(self._senders.entries(), stored(path), CAPACITY)
            if await self._live(life):
                return
            path = self._directory / f"{self._fcm.run}.db"
            for suffix in ("", "-wal"):
                shutil.copy(f"{life.path}{suffix}", f"{path}{suffix}")
            await life.end()
            await trio.sleep(self._chance.uniform(*DOWN_S))

    async def _live(self, life: Life) -> bool:
        """Whether it is the last one, which has done all that is to do."""
        done = False
        self._life = life
        self._senders.way = Way(life.ingest, life.writer, KEY_TEXT)
        why = "killed"
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(life.run)
                end = trio.current_time() + self._chance.uniform(*LIFE_S)
                await trio.sleep_until(min(end, FAULTS_S))
                if end >= FAULTS_S:
                    done = await self._settled(life)
                life.disk.kill(lands=self._chance.random() < 0.5)
                self._senders.cut_off()
                nursery.cancel_scope.cancel()
        except* StoreError:
            why = "the disk failed"
            life.disk.kill(lands=False)
        self._senders.cut_off()
        self._life = None
        if done:
            self._path = life.path
            await life.end()
        else:
            self._deaths[why] += 1
        return done

    async def _settled(self, life: Life) -> bool:
        end = trio.current_time() + SETTLED_S
        with closing(open_reader(life.path)) as reader:
            while any(left := [reader.execute(sql).fetchone()[0] for sql in (UNPUSHED, UNSENT)]) or self._senders.busy:
                if trio.current_time() > end:
                    self.faults.append(f"after {SETTLED_S:g} s, {left} states and events are not pushed")
                    return True
                await trio.sleep(5.0)
        await trio.sleep(20.0)  # is something sent that nobody needs?
        return True

    # ---- what goes wrong ----

    def _odds(self) -> Odds:
        rare = self._chance.choice((0.0, 0.01))
        return Odds(slow=self._chance.choice((0.0, 0.1, 0.5)), hang=rare / 2, broken=rare)

    async def _trouble(self) -> None:
        chance = self._chance
        while trio.current_time() < FAULTS_S:
            self._fcm.mood = chance.choice(MOODS)
            life = self._life
            what = chance.choice((None, None, "full", "held"))
            if life is not None and what is not None:
                getattr(life.disk, what)()
            await trio.sleep(chance.uniform(0.5, 12.0))
            if life is not None and not life.disk.dead:
                life.disk.mended()
        self._fcm.mood = FINE
        if self._life is not None:
            self._life.odds = Odds()

    async def _record_events(self, vehicle: str) -> None:
        """Events as the events engine records them; one that got no answer is recorded again."""
        number = 0
        while trio.current_time() < FAULTS_S:
            await trio.sleep(self._chance.expovariate(0.1))
            number += 1
            happened = NewEvent("target_reached", EPOCH_S * 1000 + number, "", b'{"charge":80,"target":80}')
            life = self._life
            if life is not None:
                try:
                    await life.writer.write(RecordEvents(vehicle, b"{}", (happened,), wall_ms()))
                except Unavailable:
                    continue
                if not life.disk.dead:
                    self._events.add((vehicle, happened.time))

    async def _watch(self) -> None:
        while True:
            await trio.sleep(0.5)
            now, life = trio.current_time(), self._life
            self._senders.find_overdue(now)
            if life is not None:
                # An accepted operation that found the lock held goes back to the head of the queue, with its group.
                bound = QUEUE_ROWS + 2 * GROUP_ROWS
                if life.writer.waiting > bound:
                    self.faults.append(f"{life.writer.waiting} operations wait; {bound} may")
                if life.dispatcher.in_flight > IN_FLIGHT_MAX:
                    self.faults.append(f"{life.dispatcher.in_flight} pushes are in flight; {IN_FLIGHT_MAX} may be")

    # ---- what must be true at the end ----

    def _examine(self) -> None:
        self.faults += self._senders.faults + self._fcm.faults
        self.faults += breaches(self._senders.entries(), stored(self._path), CAPACITY)
        with closing(open_reader(self._path)) as reader:
            last = {
                vehicle: (given, time) for vehicle, given, time in reader.execute("SELECT vehicle, id, time FROM last")
            }
            tokens = {token for (token,) in reader.execute("SELECT token FROM registrations")}
            events = list(reader.execute("SELECT number, vehicle, time FROM events"))
        self.faults += [f"the registration of {token} is gone" for token in set(PHONES) - tokens]
        self.faults += [f"{token} is still registered" for token in set(DEAD) & tokens]
        found = {(vehicle, time) for _, vehicle, time in events}
        self.faults += [f"the event {event} was acknowledged and is lost" for event in self._events - found]
        self._examine_pushes(last, {f"event-{number}": vehicle for number, vehicle, _ in events})

    def _examine_pushes(self, last: dict[str, tuple[str, int]], events: dict[str, str]) -> None:
        newest: dict[str, Any] = {}
        seen: dict[tuple[str, str], int] = {}
        for one in self._fcm.taken:
            earlier = seen.get((one.token, one.event_id))
            if earlier == one.run and (one.token, one.event_id) not in self._fcm.excused:
                self.faults.append(f"{one} came again without need")
            seen[one.token, one.event_id] = one.run
            if not one.is_event:
                if one.token in newest and one.time < newest[one.token].time:
                    self.faults.append(f"{one} came after a newer one")
                newest[one.token] = one
        for token, vehicle in PHONES.items():
            if vehicle in last and (token not in newest or newest[token].event_id != last[vehicle][0]):
                self.faults.append(f"{token} never got the newest status of {vehicle}")
            for event, of in events.items():
                if of == vehicle and (token, event) not in seen:
                    self.faults.append(f"{token} never got {event}")
        if self._fcm.in_flight_most > 2 * IN_FLIGHT_MAX:  # those of a killed evd end a moment later
            self.faults.append(f"FCM had {self._fcm.in_flight_most} messages at once")


def simulate(directory: Path, seed: int) -> Verdict:
    """One seed, in a directory of its own, which is empty."""
    runner: Any = trio._core._run
    runner._r.seed(seed)
    before, runner._ALLOW_DETERMINISTIC_SCHEDULING = runner._ALLOW_DETERMINISTIC_SCHEDULING, True

    async def played() -> Verdict:
        async with trio.open_nursery() as nursery:
            world = World(directory, seed, nursery)
            await world.run()
            trace = world.trace()
            nursery.cancel_scope.cancel()
        return Verdict(seed, world.faults, trace)

    try:
        return trio.run(played, clock=trio.testing.MockClock(autojump_threshold=0))
    finally:
        runner._ALLOW_DETERMINISTIC_SCHEDULING = before
