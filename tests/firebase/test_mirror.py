"""The mirror's bounds and its answers to a Firestore that fails, in front of a real database."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from builders import NOW, arrival, new_store

from evd.errors import FirebaseAway, FirebaseConflict, FirebaseError, FirebaseInvalid
from evd.firebase.documents import UserDocument, UserWrites
from evd.firebase.mirror import FirestoreMirror, MirrorRules
from evd.model.commits import CommitSummary
from evd.model.operations import AddOwner, Arrive, Operation, SetProfile
from evd.model.place_privacy import PlacePrivacy
from evd.model.profile import Profile
from evd.store.sqlite.database import SqliteDatabase
from evd.store.writer import Writer

RULES = MirrorRules(every_s=1, waiting_max=3, at_once=2, whole_numbers=True)


def charges(writes: UserWrites) -> dict[str, Any]:
    return {vehicle: status["current_charge"] for vehicle, status in writes.statuses.items()}


class Documents:
    """Users' documents in memory that fail as they are told: the emulators cannot."""

    def __init__(self, **vehicles: list[str]) -> None:
        self.users = {uid: UserDocument(uid, {one: {"id": one} for one in names}) for uid, names in vehicles.items()}
        self.failures: list[FirebaseError] = []
        self.written: list[UserWrites] = []
        self.reads = 0

    async def read(self, uids: Collection[str]) -> dict[str, UserDocument]:
        self.reads += 1
        return {uid: self.users[uid] for uid in uids if uid in self.users}

    async def write(self, writes: UserWrites) -> None:
        await trio.lowlevel.checkpoint()
        if self.failures:
            raise self.failures.pop(0)
        self.written.append(writes)

    def take(self) -> list[tuple[Any, ...]]:
        """What was written since: user, profiles, the charge of each status, what was deleted."""
        taken, self.written = self.written, []
        found = [(one.user.uid, dict(one.profiles), charges(one), list(one.gone)) for one in taken]
        return sorted(found, key=lambda one: one[0])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteDatabase]:
    one = new_store(tmp_path / "evd.db")
    yield one
    one.close()


def mirror(documents: Documents, writer: Any = None, rules: MirrorRules = RULES) -> FirestoreMirror:
    return FirestoreMirror(documents, writer, lambda vehicle: vehicle, trio.Lock(), rules, clock=lambda: NOW)


def status(vehicle: str, number: int) -> Arrive:
    return arrival(
        vehicle,
        time=NOW + number,
        seq=number,
        status_id=f"{vehicle}-{number}",
        fields=b'{"current_charge":%d}' % number,
    )


class Chain:
    def __init__(self, writer: Writer, mirror: FirestoreMirror, queries: Any) -> None:
        self._writer, self.mirror, self._queries = writer, mirror, queries

    async def write(self, *operations: Operation) -> None:
        for operation in operations:
            await self._writer.write(operation)

    async def round(self) -> None:
        await self.mirror.round(self._queries)


@pytest.fixture
async def documents() -> Documents:
    return Documents(anna=["A"], ben=["B", "C"])


@pytest.fixture
async def chain(store: SqliteDatabase, documents: Documents, nursery: trio.Nursery) -> Any:
    writer = Writer(store, queue_rows_max=999, queue_bytes_max=1 << 20, batch_rows_max=99, answer_timeout_s=9)
    one = mirror(documents, writer)
    writer.observers.append(one)
    async with store.queries(lambda: writer.health.commits) as queries:
        nursery.start_soon(writer.run)
        made = Chain(writer, one, queries)
        await made.write(AddOwner("anna", "A", NOW), AddOwner("ben", "B", NOW), AddOwner("ben", "C", NOW))
        await made.round()
        yield made
        nursery.cancel_scope.cancel()


async def test_the_newest_status_is_written_once_and_only_it(chain: Chain, documents: Documents) -> None:
    await chain.write(
        *(status("A", number) for number in (1, 3, 2)), status("B", 5), SetProfile("C", Profile(name="Leaf"))
    )
    assert set(chain.mirror.waiting) == {"A", "B", "C"}
    await chain.round()
    assert documents.take() == [("anna", {}, {"A": 3}, []), ("ben", {"C": {"name": "Leaf"}}, {"B": 5}, [])]
    await chain.round()
    assert documents.take() == [] and chain.mirror.waiting == {}
    await chain.write(SetProfile("C", Profile(name=None)), status("nobody's", 1))
    await chain.round()
    assert documents.take() == [("ben", {"C": {"name": ""}}, {}, [])], "the app's word for nothing"


async def test_a_place_that_is_coarse_for_everyone_is_so_in_firestore(chain: Chain, documents: Documents) -> None:
    chain.mirror._rules = RULES._replace(places=PlacePrivacy("nobody", [("A", "everyone"), ("B", "viewers")]))
    place = b'{"current_charge":1,"location":"48.15213,17.10733"}'
    await chain.write(*(msgspec.structs.replace(status(vehicle, 1), fields=place) for vehicle in "AB"))
    await chain.round()
    found = {vehicle: said["location"] for one in documents.written for vehicle, said in one.statuses.items()}
    assert found == {"A": "48.15,17.11", "B": "48.15213,17.10733"}


async def test_more_than_may_wait_are_compared_instead(chain: Chain, documents: Documents) -> None:
    observed = mirror(documents)
    observed.compare_all = False
    for vehicle in "ABCABC":
        observed.committed(CommitSummary(profiles_set=(vehicle,)))
    assert [*observed.waiting] == ["A", "B", "C"] and not observed.compare_all
    observed.committed(CommitSummary(profiles_set=("D",)))
    assert observed.waiting == {} and observed.compare_all
    await chain.write(*(status(vehicle, 1) for vehicle in "ABC"), AddOwner("carl", "D", NOW))
    assert chain.mirror.compare_all
    await chain.round()
    assert [uid for uid, *_ in documents.take()] == ["anna", "ben"]


async def test_what_failed_waits_and_is_written_later(chain: Chain, documents: Documents) -> None:
    await chain.write(status("A", 1), status("B", 1))
    documents.failures = [FirebaseAway("down"), FirebaseAway("down")]
    with pytest.raises(FirebaseAway):
        await chain.round()
    assert set(chain.mirror.waiting) == {"A", "B"} and documents.take() == []
    await chain.write(status("A", 2))
    documents.failures = [FirebaseConflict("changed")]
    await chain.round()
    assert len(documents.take()) == 1 and len(chain.mirror.waiting) == 1, "the one whose document changed waits"
    await chain.round()
    assert len(documents.take()) == 1 and chain.mirror.waiting == {}
    documents.failures = [FirebaseInvalid("no such value")] * 2
    await chain.write(status("B", 7), status("C", 8))
    await chain.round()
    assert documents.take() == [("ben", {}, {"C": 8}, [])], "of two vehicles only the one is left out"
    await chain.round()
    assert documents.take() == [] and chain.mirror.waiting == {}


async def test_a_status_costs_no_read_of_its_users_document(chain: Chain, documents: Documents) -> None:
    await chain.write(status("A", 1))
    await chain.round()
    before = documents.reads
    await chain.write(status("A", 2), status("A", 3))
    await chain.round()
    assert documents.reads == before and documents.take()[-1] == ("anna", {}, {"A": 3}, [])
