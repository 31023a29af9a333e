"""Questions about due pushes run in the loop, so none of them reads a table whole, and none waits for a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from builders import NOW, arrival
from query_plans import full_scans

from evd.model.operations import Register
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.read.due_pushes import SqliteDuePushes


@pytest.fixture
def due(open_store: Callable[..., SqliteDatabase]) -> SqliteDuePushes:
    store = open_store()
    store.write([Register(name, name, f"token {name}", "anna", NOW) for name in "AB"])
    store.write([arrival("A")])
    return store.due_pushes(["token"])


QUESTIONS: dict[str, Callable[[SqliteDuePushes], object]] = {
    "registrations_of": lambda due: due.registrations_of("A"),
    "registrations_after": lambda due: due.registrations_after(0, 10),
    "registrations_due": lambda due: due.registrations_due(NOW, 10),
    "events_due": lambda due: due.events_due(NOW, 10),
    "last_of": lambda due: due.last_of("A"),
    "next_due": lambda due: due.next_due(NOW),
    "put_off_beyond": lambda due: due.put_off_beyond(NOW),
    "vehicles_after": lambda due: due.vehicles_after("", 10),
    "paused_since": lambda due: due.paused_since(),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_no_table_is_read_whole(due: Any, question: Callable[[SqliteDuePushes], object]) -> None:
    tables = (
        "r",
        "registrations",
        "d",
        "deliveries",
        "o",
        "outbox",
        "e",
        "events",
        "s",
        "statuses",
        "p",
        "v",
        "vehicles",
    )
    assert full_scans(due._db, lambda: question(due), *tables) == []


def test_the_loop_waits_for_no_lock(due: Any) -> None:
    assert due._db.execute("PRAGMA busy_timeout").fetchone() == (0,)


def test_kinds_are_words_and_no_parts_of_words(open_store: Callable[..., SqliteDatabase], due: SqliteDuePushes) -> None:
    assert [one.vehicle for one in due.registrations_after(0, 10)] == ["A", "B"]
    assert open_store().due_pushes(["tokens", "tok"]).registrations_after(0, 10) == []
