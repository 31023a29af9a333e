"""What is sent next: new states, events, repeats, and what memory forgot; each once until its outcome is on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import NOW, ROOMY, arrival, new_store

from evd.model.operations import NewEvent, Operation, Outcome, Outcomes, PushVerdict, RecordEvents, Register
from evd.model.units import DAY_MS, HOUR_MS
from evd.push.backlog import LOOK_EVERY_MS, PAGE, Backlog
from evd.push.delivery import Delivery
from evd.push.providers.fcm.traits import TRAITS
from evd.push.skip_policy import SkipPolicy
from evd.store.sqlite.engine import SqliteStore

ALL = 1000
VEHICLE = "386625"


class Tables:
    """A real store, and a backlog that reads it; `write` is what happened to the data."""

    def __init__(self, path: Path) -> None:
        self.store: SqliteStore = new_store(path, limits=ROOMY._replace(registrations=1000))
        self.policy = SkipPolicy(TRAITS.kinds, give_up_after_ms=HOUR_MS, stale_after_ms=30 * DAY_MS)
        self.backlog = Backlog(self.store.due_pushes(TRAITS.serves), self.policy)

    def write(self, *operations: Operation) -> None:
        self.store.write(operations)

    def register(self, *tokens: str, vehicle: str = VEHICLE, at: int = NOW) -> None:
        self.write(*[Register(vehicle, vehicle, token, "anna", at) for token in tokens])

    def say(self, number: int, vehicle: str = VEHICLE, *, at: int = NOW, offered: bool = True) -> str:
        """A status arrives, and is offered after its commit; its id."""
        one = arrival(vehicle, time=NOW + number, seq=number, now=at)
        self.write(one)
        if offered:
            self.backlog.offer([one], NOW)
        return one.status_id

    def event(self, at: int = NOW, vehicle: str = VEHICLE) -> None:
        self.write(RecordEvents(vehicle, b"{}", (NewEvent("left", at, "", b"{}"),), at))
        self.backlog.look_again()

    def take(self, limit: int = ALL, now: int = NOW) -> list[Delivery]:
        return self.backlog.take(limit, now)

    def taken(self, delivery: Delivery) -> None:
        """The provider took it, and that is on disk."""
        self._completed(delivery, "taken", due=0)

    def put_off(self, delivery: Delivery, *, due: int) -> None:
        """The provider did not take it for now, and that is on disk."""
        self._completed(delivery, "later", due=due)
        self.backlog.look_again(due)

    def _completed(self, delivery: Delivery, verdict: PushVerdict, *, due: int) -> None:
        to, outbox = delivery.registration, delivery.event.number if delivery.event else 0
        about = (to.number, outbox, to.vehicle, to.token, to.kind, delivery.what, delivery.status_id)
        self.write(Outcomes((Outcome(*about, verdict, "said", NOW, NOW, NOW, due, attempts=1),)))
        self.backlog.completed(delivery)


def named(deliveries: list[Delivery]) -> list[tuple[str, str]]:
    """(token, status id or kind of event) of each."""
    return [(one.registration.token, one.what if one.event else one.status_id) for one in deliveries]


@pytest.fixture
def tables(database: Path) -> Iterator[Tables]:
    """With nothing to send, and the first walk behind it."""
    one = Tables(database)
    assert one.take() == []
    yield one
    one.store.close()


def test_a_new_status_goes_to_each_registration_once(tables: Tables) -> None:
    tables.register("a", "b")
    tables.register("other", vehicle="B1")
    status_id = tables.say(1)
    assert tables.backlog.waiting
    deliveries = tables.take()
    assert named(deliveries) == [("a", status_id), ("b", status_id)]
    assert tables.take() == []
    for delivery in deliveries:
        tables.taken(delivery)
    assert (tables.take(now=NOW + DAY_MS), tables.backlog.empty) == ([], True)


def test_a_newer_status_replaces_one_that_waits(tables: Tables) -> None:
    tables.register("a")
    tables.say(1)
    newest = tables.say(2)
    assert named(tables.take()) == [("a", newest)]


def test_a_newer_status_than_the_one_that_is_sent_is_next(tables: Tables) -> None:
    tables.register("a")
    tables.say(1)
    (delivery,) = tables.take()
    tables.say(2)
    newest = tables.say(3)
    assert tables.take() == []
    tables.taken(delivery)
    assert named(tables.take()) == [("a", newest)]


def test_an_offer_older_than_what_the_tables_gave_is_never_sent_after_it(tables: Tables) -> None:
    tables.register("a")
    offers = [arrival(time=NOW + number, seq=number) for number in (1, 2, 3)]
    tables.write(*offers)
    tables.backlog.look_up([VEHICLE])
    (delivery,) = tables.take()  # out of the tables
    for offer in offers[1:]:
        tables.backlog.offer([offer], NOW)
        assert tables.take() == []
    tables.taken(delivery)
    assert delivery.status_id == offers[2].status_id
    assert tables.take() == []


def test_no_more_are_given_than_asked_for_and_the_others_follow(tables: Tables) -> None:
    tables.register("a", "b", "c")
    tables.say(1)
    assert [[token for token, _ in named(tables.take(2))] for _ in range(2)] == [["a", "b"], ["c"]]


def test_events_come_before_states(tables: Tables) -> None:
    tables.register("a", "b")
    tables.say(1)
    tables.event()
    assert [what for _, what in named(tables.take(2))] == ["left", "left"]
    assert [delivery.event for delivery in tables.take()] == [None, None]


def test_what_was_put_off_comes_when_it_is_due_and_the_backlog_knows_when(tables: Tables) -> None:
    tables.register("a")
    status_id = tables.say(1)
    (delivery,) = tables.take()
    tables.put_off(delivery, due=NOW + 10_000)
    assert tables.take() == []
    assert (tables.backlog.next_look, tables.backlog.waiting, tables.backlog.empty) == (NOW + 10_000, False, False)
    assert tables.take(now=NOW + 9_999) == []
    assert named(tables.take(now=NOW + 10_000)) == [("a", status_id)]


def test_a_look_at_the_tables_is_never_far_so_that_a_clock_set_back_holds_nothing_up(tables: Tables) -> None:
    tables.register("a")
    tables.say(1)
    (delivery,) = tables.take()
    tables.put_off(delivery, due=NOW + DAY_MS)
    tables.backlog.look_again()
    assert tables.take() == []
    assert tables.backlog.next_look == NOW + LOOK_EVERY_MS
    assert (tables.backlog.put_off_beyond(NOW + HOUR_MS), tables.backlog.put_off_beyond(NOW + DAY_MS)) == (True, False)


def test_new_states_do_not_starve_what_was_put_off(tables: Tables) -> None:
    tables.register("failed")
    tables.say(1)
    (delivery,) = tables.take()
    tables.put_off(delivery, due=NOW)
    for vehicle in ("A1", "B1", "C1", "D1", "E1"):
        tables.register(vehicle, vehicle=vehicle)
        tables.say(1, vehicle)
    taken = [token for _ in range(4) for token, _ in named(tables.take(1))]
    assert len(taken) == 4
    assert "failed" in taken


def test_what_is_withdrawn_is_looked_up_anew(tables: Tables) -> None:
    """Who registers or unregisters meanwhile counts."""
    tables.register("a")
    tables.say(1)
    deliveries = tables.take()
    tables.register("b")
    newest = tables.say(2, offered=False)
    tables.backlog.withdraw(deliveries)
    tables.backlog.look_up([VEHICLE])
    first = tables.take()
    for delivery in first:
        tables.taken(delivery)
    tables.backlog.walk_again()
    assert ("b", newest) in named([*first, *tables.take()])


def test_what_was_forgotten_is_found_by_a_walk_a_page_at_a_time(tables: Tables) -> None:
    vehicles = [f"{number:X}" for number in range(PAGE // 2 + 1)]
    for vehicle in vehicles:
        tables.register(f"a{vehicle}", f"b{vehicle}", vehicle=vehicle)
        tables.say(1, vehicle, offered=False)
    assert tables.take() == []
    tables.backlog.walk_again()
    assert tables.backlog.walking
    pages = []
    while tables.backlog.walking:
        pages.append(len(tables.take()))
    assert pages == [PAGE, 2]
    assert tables.take() == []


def test_no_walk_finds_what_is_old_or_a_phone_that_is_stale(tables: Tables) -> None:
    tables.register("old", vehicle="A1")
    tables.say(1, "A1", at=NOW - HOUR_MS, offered=False)
    tables.register("stale", vehicle="B1", at=NOW - 31 * DAY_MS)
    tables.say(1, "B1", offered=False)
    tables.register("good", vehicle="C1")
    tables.say(1, "C1", offered=False)
    tables.backlog.walk_again()
    assert [token for token, _ in named(tables.take())] == ["good"]


def test_more_vehicles_than_are_remembered_are_found_by_a_walk(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evd.push.backlog.OFFERS_MAX", 2)
    vehicles = ("A1", "B1", "C1", "D1")
    for vehicle in vehicles:
        tables.register(vehicle, vehicle=vehicle)
        tables.say(1, vehicle)
    found = tables.take()
    while tables.backlog.walking:
        found += tables.take()
    assert sorted(token for token, _ in named(found)) == list(vehicles)
