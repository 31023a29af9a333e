"""The twelve questions of docs/sql.md: each query is taken as it stands there, and finds what it asks for."""

from __future__ import annotations

import re
import time
from typing import Any

import orjson
import pytest
from builders import arrival, new_store
from folders import ROOT

from evd.model.operations import AddOwner, NewEvent, Outcome, Outcomes, RecordEvents, Register, Reject, SetVehicle
from evd.store.sqlite.sql_session import SqliteSession

NOW = int(time.time() * 1000)
HOUR = 3_600_000
QUESTIONS = dict(
    re.findall(r"^## ([^\n]+)\n```sql\n(.+?)```", (ROOT / "docs" / "sql.md").read_text("utf-8"), re.M | re.S)
)


def status(number: int, **fields: Any) -> Any:
    at = NOW - 12 * HOUR + number * HOUR // 4  # over two hours: one has ended, whatever the time of day
    return arrival(time=at, now=at + 1500, seq=number * 2, fields=orjson.dumps(fields))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A vehicle that charged, drove, got hot and fell silent; its push failed; a callback was refused."""
    path = tmp_path_factory.mktemp("sql") / "evd.db"
    store = new_store(path, capacity=100)
    store.write(
        [
            Register("386625", "386625", "token-number-1", "anna", NOW - 9 * HOUR),
            AddOwner("anna", "386625", NOW),
            SetVehicle("386625", NOW, name="van"),
        ]
    )
    for number in range(4):
        store.write([status(number, state=1, current_charge=10 + number, current=16.0, range=40 + number)])
    for number in range(4, 8):
        store.write([status(number, state=3, current_charge=17 - number, range=47 - number, outdoor_temperature=41)])
    last = status(8, state=2, current_charge=9, range=38, outdoor_temperature=41)
    store.write([last])
    push = ("386625", "token-number-1", "token", "state", last.status_id)
    store.write([Outcomes((Outcome(1, 0, *push, "failed", "no", NOW, NOW, NOW),))])
    store.write([RecordEvents("386625", b"{}", (NewEvent("low_charge", NOW, last.status_id, b"{}"),), NOW)])
    store.write([Reject(NOW, "POST /wlan", "Bad request", "the body is no JSON", b"{}", b"x", "10.0.0.1")])
    store.close()
    opened = SqliteSession(path)
    yield opened
    opened.close()


def test_there_are_twelve() -> None:
    assert len(QUESTIONS) == 12


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_has_an_answer(session: SqliteSession, question: str) -> None:
    sql = QUESTIONS[question].replace("'start of month'", "'-1 day'")  # on the first of a month there is nothing yet
    answer = session.ask(sql)
    assert answer.rows, question
    first = dict(zip(answer.names, answer.rows[0], strict=True))
    first.pop("full_range_km", None)  # of a fuller battery than this one ever had
    assert None not in first.values()
