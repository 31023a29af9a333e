"""Groups: prepared in steps, committed whole or not at all, durable once they are committed, and their results."""

from __future__ import annotations

import select
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import trio
from any_engine import AnyDatabase
from builders import NOW, arrival
from engine_faults import Faults
from folders import SUPPORT

from evd.errors import EvdError, StoreBusy, StoreFull
from evd.model.operations import (
    AddKey,
    AddOwner,
    LimitReached,
    Register,
    SetVehicle,
    Several,
    Stored,
    UnknownVehicle,
)
from evd.model.retention import Verdict
from evd.store.protocols import finished
from evd.store.queries import Queries

NEW, LATE, DUPLICATE = (Stored(verdict) for verdict in (Verdict.NEWEST, Verdict.LATE, Verdict.DUPLICATE))


def prepared(database: AnyDatabase, *operations: Any) -> list[Any]:
    return finished(database.store.prepare(operations))


# The steps of a group


def test_a_prepared_group_is_seen_once_it_is_committed(database: AnyDatabase) -> None:
    def seen() -> tuple[list[str], str | None]:
        return database.ring(), database.ask(lambda queries: queries.relation("anna", "A"))

    assert prepared(database, arrival(), AddOwner("anna", "A", NOW)) == [NEW, None]
    assert seen() == ([], None)
    database.store.commit()
    assert seen() == ([arrival().status_id], "owner")


def test_the_end_of_a_commit_is_signalled_by_its_descriptor(database: AnyDatabase) -> None:
    descriptor = database.store.commit_fd
    for number in range(3):
        prepared(database, arrival(time=NOW + number))
        database.store.start_commit()
        assert select.select([descriptor], [], [], 10)[0]
        database.store.finish_commit()
        assert not select.select([descriptor], [], [], 0)[0], "once for each commit"
    assert (len(database.ring()), database.store.commit_fd) == (3, descriptor)


def test_finishing_waits_for_the_end_of_the_commit(database: AnyDatabase) -> None:
    prepared(database, *(arrival(f"{number:X}", document=b"x" * 2000) for number in range(200)))
    database.store.start_commit()
    database.store.finish_commit()
    assert len(database.ask(lambda queries: queries.fleet(limit=1000)).rows) == 200


@pytest.mark.parametrize("steps", [1, 3])
def test_a_group_that_is_not_prepared_to_its_end_leaves_nothing(database: AnyDatabase, steps: int) -> None:
    """Neither in the tables nor in what the engine remembers of them."""
    database.limit(registrations=1)
    database.write(arrival())
    said = [arrival(time=NOW + number) for number in range(1, 200)]
    group = database.store.prepare([Register("A", "A", "t", "anna", NOW), *said])
    for _ in range(steps):
        next(group)
    group.close()
    assert (database.ring(), database.registered()) == ([arrival().status_id], [])
    assert database.write(said[0], Register("A", "A", "u", "anna", NOW)) == [NEW, None], "there is room for one"


def test_a_long_group_pauses(database: AnyDatabase) -> None:
    """A batch of late lines takes a second, and others must have turns."""
    database.open(capacity=5000, rollup_days=0)
    database.write(*(arrival(time=NOW + 10 * number) for number in range(1000)))
    steps = database.store.prepare([Several(tuple(arrival(time=NOW + 10 * number + 5) for number in range(1000)))])
    pauses = sum(1 for _ in steps)
    database.store.commit()
    assert pauses > 10 and len(database.ring()) == 2000


def test_a_group_of_nothing_is_committed(database: AnyDatabase) -> None:
    assert database.write() == []
    assert database.write(Several(())) == [[]]


def test_a_store_that_is_closed_while_it_commits_has_committed(database: AnyDatabase) -> None:
    prepared(database, arrival())
    database.store.start_commit()
    database.open()
    assert database.ring() == [arrival().status_id]


# The results


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param(SetVehicle("386625", NOW, keep=0), id="no number of statuses"),
        pytest.param(SetVehicle("386625", NOW, keep=2**63), id="an integer beyond 64 bits"),
        pytest.param(SetVehicle("386625", NOW, name="\ud800"), id="a lone surrogate"),
        pytest.param(AddKey("k", "app", None, "", None, NOW), id="a null"),  # type: ignore[arg-type]
        pytest.param(arrival("wrong", fields=None), id="a status without fields"),
    ],
)
def test_an_operation_that_cannot_be_written_costs_its_group_nothing(database: AnyDatabase, poison: Any) -> None:
    one, two, three = (arrival(time=NOW + i) for i in range(3))
    before, error, after, again = database.write(one, poison, two, one)
    assert isinstance(error, EvdError)
    assert "cannot be written" in str(error)
    assert (before, after, again) == (NEW, NEW, DUPLICATE)
    assert isinstance(database.write(poison)[0], EvdError), "alone, too"
    assert database.write(three) == [NEW]
    assert database.ring() == [one.status_id, two.status_id, three.status_id]
    row = database.ask(lambda queries: queries.vehicle("386625"))
    assert row is not None and (row.kept, row.keep, row.name) == (3, 10, None)
    assert database.store.living_keys() == []


def test_what_was_undone_is_not_counted(database: AnyDatabase) -> None:
    """The count of a table that is full soon."""
    database.limit(registrations=2)
    spoiled = Register("A", "A", "\ud800", "anna", NOW)
    assert database.write(Register("A", "A", "a", "anna", NOW), spoiled)[0] is None
    results = database.write(*(Register("A", "A", token, "anna", NOW) for token in "bc"))
    assert [type(result) for result in results] == [type(None), LimitReached]


def test_operations_of_one_request_have_a_list_of_results_each_its_own(database: AnyDatabase) -> None:
    refused = Register("A", "A", "t", "anna", NOW, "pigeon")
    ((first, second, error), other) = database.write(Several((arrival(), arrival(), refused)), arrival(time=NOW + 1))
    assert (first, second, other) == (NEW, DUPLICATE, NEW)
    assert "cannot be written" in str(error), "a kind of target that no provider serves"


def test_vehicles_are_bounded_and_may_have_to_be_known(database: AnyDatabase) -> None:
    database.open(vehicles_max=2)
    known, _, beyond = database.write(arrival("A"), SetVehicle("B", NOW), arrival("C"))
    assert known == NEW and isinstance(beyond, LimitReached) and "ingest.vehicles_max" in str(beyond)
    assert isinstance(database.write(SetVehicle("C", NOW))[0], LimitReached)
    database.open(create_unknown=False, vehicles_max=9)
    refused, known = database.write(arrival("D"), arrival("B"))
    assert isinstance(refused, UnknownVehicle) and known == NEW
    assert "vehicle D is not known: add it with `evd vehicle set D`" in str(refused)
    assert database.ask(lambda queries: queries.vehicles_from("", 9)) == ["A", "B"]


# What an engine raises


def large(number: int) -> list[Any]:
    return [arrival(time=NOW + 10 * number + at, document=b"x" * 4000) for at in range(10)]


def test_a_store_without_space_says_so_writes_nothing_and_goes_on_once_there_is_some(
    database: AnyDatabase, faults: Faults
) -> None:
    """What was acknowledged before is there, readers are served meanwhile, and no count is off afterwards."""
    database.open(capacity=1000)
    database.limit(registrations=1)
    database.write(arrival(time=NOW - 1))
    acknowledged = [arrival(time=NOW - 1).status_id]
    with faults.full(database.store, database.path):
        full = False
        for number in range(100):
            group = [Register("A", "A", "t", "anna", NOW), *large(number)] if not number else large(number)
            try:
                database.write(*group)
            except StoreFull as error:
                assert "is full: nothing is taken until there is space" in str(error)
                full = True
                break
            acknowledged += [one.status_id for one in large(number)]
        assert full, "it never filled up"
        assert database.ring() == acknowledged
    database.tidy()
    new, late = arrival(time=NOW + 100_000), arrival(time=NOW - 2)
    assert database.write(new, late) == [NEW, LATE]
    assert database.ring() == [late.status_id, *acknowledged, new.status_id]
    if len(acknowledged) == 1:  # the group with the registration was the one that failed
        assert database.write(Register("A", "A", "u", "anna", NOW)) == [None], "there is room for one"
    assert database.store.find_damage() == []


def test_a_store_that_another_writer_holds_says_so_at_once_and_writes_nothing(
    database: AnyDatabase, faults: Faults
) -> None:
    """Whether a look-up is needed, or the group meets the other writer as late as at its commit."""
    first, newer, late = arrival(), arrival(time=NOW + 1), arrival(time=NOW - 1)
    database.write(first)
    for group in ([newer], [late, newer], [AddOwner("anna", "A", NOW)]):
        with faults.held(database.store, database.path):
            with pytest.raises(StoreBusy, match="another process is writing"):
                database.write(*group)
            assert (database.ring(), database.last()) == ([first.status_id], first.status_id)
            assert database.due.registrations_of("A") == [], "readers are served meanwhile"
    database.tidy()
    assert database.write(newer, late, newer) == [NEW, LATE, DUPLICATE]
    assert database.ring() == [late.status_id, first.status_id, newer.status_id]


def test_a_commit_that_fails_undoes_its_group(database: AnyDatabase, faults: Faults) -> None:
    database.write(arrival())
    with faults.held(database.store, database.path), pytest.raises(StoreBusy):
        prepared(database, arrival(time=NOW + 1))
        database.store.start_commit()
        assert select.select([database.store.commit_fd], [], [], 10)[0], "a failure is an end, too"
        database.store.finish_commit()
    assert database.write(arrival(time=NOW + 1)) == [NEW]
    assert len(database.ring()) == 2


# Maintenance


def test_maintenance_ends_and_says_nothing_new(database: AnyDatabase) -> None:
    database.store.preallocate()
    said = [arrival(time=NOW + number, document=b"x" * 1000) for number in range(40)]
    for one in said:
        database.write(one)
        if database.store.wants_checkpoint:
            database.store.checkpoint()
        if database.store.wants_maintenance:
            database.store.maintain()
    assert database.store.maintain(idle=True) is False
    assert not database.store.wants_maintenance
    database.store.checkpoint()
    assert database.ring() == [one.status_id for one in said[-10:]]
    assert database.store.find_damage() == []


def test_a_lowered_ring_is_maintenance_that_the_writer_wants_and_that_waits_while_the_store_is_held(
    database: AnyDatabase, faults: Faults
) -> None:
    database.write(*(arrival(time=NOW + number) for number in range(10)))
    database.open(capacity=3)
    with faults.held(database.store, database.path):
        if database.store.wants_maintenance:
            with pytest.raises(StoreBusy):
                database.store.maintain()
    database.tidy()
    assert not database.store.wants_maintenance
    assert len(database.ring()) == 3


# Crashes


WRITES_UNTIL_KILLED = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(SUPPORT)!r})
from any_engine import AnyDatabase
from builders import NOW, arrival
from evd.store.engines import ENGINES
database = AnyDatabase(ENGINES[sys.argv[1]], Path(sys.argv[2]))
store = database.open(capacity=1_000_000)
print("open", flush=True)
i = int(sys.argv[3])
while True:
    group = [arrival(f"{{j % 7:X}}", time=NOW + i + j, seq=j, document=b"x" * 300) for j in range(1 + i % 9)]
    store.write(group)
    store.maintain()
    print(*(one.status_id for one in group), flush=True)
    i += len(group)
"""


def test_what_was_acknowledged_survives_kill_9(database: AnyDatabase, engine: str) -> None:
    """The acknowledgement is printed after `write` returns, and read from the pipe until so many came."""
    acknowledged: set[str] = set()
    for life in range(4):
        arguments = [sys.executable, "-c", WRITES_UNTIL_KILLED, engine, str(database.path), str(life * 1_000_000)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "open\n"
            heard = [process.stdout.readline() for _ in range(3 + 11 * life)]
            process.kill()
            heard += process.stdout.read().splitlines(keepends=True)
        acknowledged |= {status_id for line in heard if line.endswith("\n") for status_id in line.split()}
        database.open(capacity=1_000_000)
        assert database.store.find_damage() == []
        found = [status_id for number in range(7) for status_id in database.ring(f"{number:X}")]
        assert acknowledged <= set(found)
        assert len(found) == len(set(found))
        database.close()
    assert len(acknowledged) > 100


# Readers


def test_a_question_after_a_commit_is_answered_after_it(database: AnyDatabase) -> None:
    database.write(arrival())

    async def asked(version: Callable[[], object]) -> list[str | None]:
        async with database.store.queries(version) as queries:
            lasts = [await last(queries)]
            database.write(arrival(time=NOW + 1))
            lasts.append(await last(queries))
        return lasts

    async def last(queries: Queries) -> str | None:
        status = await queries.last("386625")
        return status.status_id if status else None

    assert trio.run(asked, lambda: 1) == [arrival().status_id, arrival(time=NOW + 1).status_id]
