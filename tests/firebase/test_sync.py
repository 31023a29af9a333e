"""The sync with Firestore: what changed in a user's document changes here, once, and a wrong project takes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import trio
from builders import NOW, new_store, rows
from structlog.testing import capture_logs

from evd.errors import FirebaseAway
from evd.firebase import sync as subject
from evd.firebase.documents import UserDocument
from evd.firebase.sync import FirestoreSync
from evd.model.operations import RemoveOwner, SyncUser
from evd.store.writer import Writer


class Documents:
    """Users' documents in memory, by pages in the order of their ids."""

    def __init__(self) -> None:
        self.users: dict[str, Any] = {}
        self.asked: list[str] = []
        self.away = False

    async def page(self, after: str, limit: int) -> list[UserDocument]:
        await trio.lowlevel.checkpoint()
        self.asked.append(after)
        if self.away:
            raise FirebaseAway("Firestore does not answer")
        found = [UserDocument(uid, self.users[uid]) for uid in sorted(self.users) if uid > after]
        return found[:limit]


class Site:
    def __init__(self, path: Path, writer: Writer, queries: Any) -> None:
        self.documents, self.writer, self.queries = Documents(), writer, queries
        self.written: list[SyncUser] = []
        self._path = path
        self.sync = self.made()

    def made(self, users_max: int = 1000) -> FirestoreSync:
        return FirestoreSync(
            self.documents,
            self.writer,
            lambda vehicle: {"OLD": "NEW"}.get(vehicle, vehicle),
            trio.Lock(),
            every_s=60,
            owned=False,
            users_max=users_max,
            clock=lambda: NOW,
        )

    async def look(self) -> set[tuple[str, str]]:
        """Sync once; who owns what then."""
        await self.sync.look(self.queries)
        return set(rows(self._path, "SELECT uid, vehicle FROM owners"))


@pytest.fixture
async def site(tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """Pages are of two users."""
    monkeypatch.setattr(subject, "PAGE_MAX", 2)
    store = new_store(tmp_path / "evd.db")
    writer = Writer(store, queue_rows_max=999, queue_bytes_max=1 << 20, batch_rows_max=99, answer_timeout_s=9)
    async with store.queries(lambda: writer.health.commits) as queries:
        nursery.start_soon(writer.run)
        yield Site(tmp_path / "evd.db", writer, queries)
        nursery.cancel_scope.cancel()
    store.close()


def vehicles(*names: str) -> dict[str, Any]:
    return {name: {"id": name, "name": f"the {name}"} for name in names}


async def test_all_pages_are_read_and_a_vehicle_is_its_user_s(site: Site) -> None:
    site.documents.users = {uid: vehicles(f"{number}A") for number, uid in enumerate(("anna", "ben", "carl"), 1)}
    assert await site.look() == {("anna", "1A"), ("ben", "2A"), ("carl", "3A")}
    assert site.documents.asked == ["", "ben"]


async def test_only_what_changed_in_a_document_changes_here(site: Site) -> None:
    site.documents.users = {"anna": vehicles("1A", "1B")}
    await site.look()
    await site.writer.write(RemoveOwner("anna", "1A"))
    commits = site.writer.health.commits
    assert await site.look() == {("anna", "1B")}, "who was removed here stays removed"
    assert site.writer.health.commits == commits, "nothing is written of a document that says the same"
    site.documents.users = {"anna": vehicles("1A", "1B", "1C")}
    assert await site.look() == {("anna", "1B"), ("anna", "1C")}


async def test_a_merged_vehicle_is_the_one_that_it_is_now(site: Site) -> None:
    site.documents.users = {"anna": vehicles("OLD")}
    assert await site.look() == {("anna", "NEW")}


async def test_a_document_that_is_gone_counts_as_empty_if_others_are_there(site: Site) -> None:
    site.documents.users = {"anna": vehicles("1A"), "ben": vehicles("1B")}
    await site.look()
    del site.documents.users["anna"]
    assert await site.look() == {("ben", "1B")}
    site.documents.users.clear()
    assert await site.look() == {("ben", "1B")}, "a project without users is a wrong one"


async def test_a_firestore_that_breaks_off_takes_nobody_s_vehicle(site: Site) -> None:
    site.documents.users = {"anna": vehicles("1A"), "ben": vehicles("1B"), "carl": vehicles("1C")}
    everything = await site.look()
    del site.documents.users["anna"]
    site.documents.away = True
    with pytest.raises(FirebaseAway):
        await site.look()
    site.documents.away = False
    assert await site.look() == everything - {("anna", "1A")}


async def test_more_users_than_the_setting_allows_are_not_read_and_none_is_forgotten(site: Site) -> None:
    site.documents.users = {uid: vehicles(f"1{uid.upper()}") for uid in "abcde"}
    before = await site.look()
    del site.documents.users["a"]
    site.sync = site.made(users_max=2)
    with capture_logs() as logs:
        assert await site.look() == before
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == [
        "Firestore has more users than firebase.users_max: the others are not read"
    ]


async def test_what_cannot_be_read_takes_nothing(site: Site) -> None:
    site.documents.users = {"anna": vehicles("1A")}
    await site.look()
    for wrong in ("no map", {"1A": "no map"}):
        site.documents.users = {"anna": wrong}
        assert await site.look() == {("anna", "1A")}


def test_users_are_written_in_groups_of_bounded_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "WRITTEN_AT_ONCE", 5)
    users = [
        (0, SyncUser(str(number), vehicles(*map(str, range(count))), NOW)) for number, count in enumerate((1, 2, 9, 0))
    ]
    groups = list(subject._groups(users))
    assert [[user.uid for _, user in group] for group in groups] == [["0", "1"], ["2"], ["3"]]
    assert list(subject._groups([])) == []


async def test_a_sync_that_fails_is_tried_again_after_its_time(autojump_clock: trio.testing.MockClock) -> None:
    documents, unused = Documents(), cast(Any, None)
    documents.away = True
    turn = trio.Lock()
    sync = FirestoreSync(documents, unused, str, turn, every_s=60, owned=False, users_max=9, clock=lambda: NOW)
    with capture_logs() as logs, trio.move_on_after(150):
        await sync.run(unused)
    assert len(documents.asked) == 3
    assert {line["event"] for line in logs} == {"Firestore was not read"}
