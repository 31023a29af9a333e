"""What becomes of a file of an older evd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, arrival, ring_of, rows
from derived_tables import expected, found
from folders import SUPPORT

from evd.derived.samples import read_sample
from evd.model.operations import Register
from evd.model.retention import Verdict
from evd.model.units import DAY_MS, HOUR_MS
from evd.store.sqlite.connection import APPLICATION_ID, SCHEMA_VERSION
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.sqlite_library import sqlite3

Opener = Callable[..., SqliteDatabase]


STATUS_COLUMNS = "place, timely, time, seq, id, received, connectivity, payload, fields, document, flags"


def old_database(path: Path, version: int) -> None:
    """A file as an older evd left it: a vehicle heard three times, the ring's shape as of the first one."""
    connection = sqlite3.connect(str(path))
    connection.executescript((SUPPORT / f"schema_{max(version, 2)}.sql").read_text("utf-8"))
    connection.executescript(
        f"""
        CREATE VIEW fleet AS SELECT vehicle FROM vehicles;
        INSERT INTO meta VALUES ('statuses_per_vehicle', 10);
        INSERT INTO vehicles (number, vehicle, slots, kept, newest, created) VALUES
            (1, '386625', 10, 1, 0, {NOW}), (2, 'SILENT', 10, 0, -1, {NOW});
        PRAGMA application_id = {APPLICATION_ID};
        PRAGMA user_version = {version};"""
    )
    for slot in range(3):
        old = arrival(time=NOW + slot * 1000, seq=2 * slot)
        values = (old.timely, old.time, old.seq, old.status_id, old.received, 1, old.payload, "{}", "{}", "")
        row = (1 << 20) + slot, *values
        connection.execute(f"INSERT INTO statuses ({STATUS_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    connection.close()


def schema_of(path: Path) -> dict[str, Any]:
    """Each view with its text, each table with its columns."""
    found = rows(path, "SELECT name, type, sql FROM sqlite_schema WHERE type IN ('view', 'table')")
    columns = 'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)'
    return {name: sql if kind == "view" else rows(path, columns, name) for name, kind, sql in found}


@pytest.mark.parametrize("version", [1, 2, 4, 5, 6, 7, 8, 9])
def test_a_file_of_an_older_evd_gets_the_tables_and_views_of_this_one(
    open_store: Opener, database: Path, tmp_path: Path, version: int
) -> None:
    old_database(database, version)
    open_store()
    fresh = tmp_path / "fresh.db"
    open_store(fresh)
    assert schema_of(database) == schema_of(fresh)
    assert rows(database, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert ring_of(database) == [arrival(time=NOW + slot * 1000, seq=2 * slot).status_id for slot in range(3)]


def test_registrations_of_an_older_evd_keep_their_kinds_and_no_number_is_given_again(
    open_store: Opener, database: Path
) -> None:
    old_database(database, 5)
    connection = sqlite3.connect(str(database))
    kinds = ("token", "fid", "webhook", "token")
    for number, kind in enumerate(kinds, start=1):
        values = (number, f"target {number}", kind, NOW, NOW)
        sql = "INSERT INTO registrations VALUES (?, '386625', ?, ?, '386625', 'anna', ?, ?, 'v1')"
        connection.execute(sql, values)
    connection.execute("DELETE FROM registrations WHERE number = 4")
    connection.commit()
    connection.close()
    store = open_store()
    store.write([Register("386625", "386625", "new", "berta", NOW, "fid")])
    found = rows(database, "SELECT number, token, kind FROM registrations ORDER BY number")
    assert found == [(1, "target 1", "token"), (2, "target 2", "fid"), (3, "target 3", "webhook"), (5, "new", "fid")]
    assert rows(database, "SELECT kind FROM target_kinds WHERE personal ORDER BY kind") == [("fid",), ("token",)]


def test_what_is_open_outlives_an_upgrade_though_its_beginning_left_the_ring(
    open_store: Opener, database: Path
) -> None:
    """At schema 8 it was one JSON text; the row is of an evd of then, after the statuses that left."""
    old_database(database, 8)
    charging = '{"state":1,"current_charge":%s,"current":15.12345678901234,"location":"48.1,11.5"}'
    ids = ((NOW - 2 * HOUR_MS, 1, "a", 40), (NOW - 2000, 2, "b", 50), (NOW - 1000, -1, "c", 51.5))
    left = [read_sample(*rank, charging % charge) for *rank, charge in ids]
    connection = sqlite3.connect(str(database))
    connection.execute("UPDATE statuses SET fields = ?", (charging % 52,))
    state = (SUPPORT / "open_at_schema_8.json").read_text("utf-8")
    connection.execute("INSERT INTO derived VALUES (1, ?, NULL, NULL)", (state,))
    part = (
        '{"n":1,"at":[800000,1,800000,1],"of":{"state":[1,1],"current_charge":[1,40],"current":[1,15.12345678901234]}}'
    )
    connection.execute("INSERT INTO hour_parts VALUES (1, ?, 19675, ?)", (NOW - NOW % HOUR_MS - 2 * HOUR_MS, part))
    connection.commit()
    connection.close()
    store = open_store()
    kept = [read_sample(*row) for row in rows(database, "SELECT time, seq, id, fields FROM statuses ORDER BY time")]
    assert found(database) == expected([*left, *kept])
    newer = arrival(time=NOW + 2 * HOUR_MS, now=NOW + 2 * HOUR_MS, fields=b'{"state":0,"current_charge":60}')
    store.write([newer])
    after = [*left, *kept, read_sample(newer.time, newer.seq or 0, newer.status_id, newer.fields)]
    assert found(database) == expected(after)
    assert rows(database, "SELECT state ->> '$.floor[0]' FROM derived") == [(NOW - 2 * HOUR_MS - 1,)]


@pytest.mark.parametrize("slots", [5, 8], ids=["full", "room left"])
@pytest.mark.parametrize("future", [1, 3, 5])
def test_what_lay_in_the_future_goes_beside_the_circles(
    open_store: Opener, database: Path, slots: int, future: int
) -> None:
    """At schema 4 it stood lowest in the circle."""
    old_database(database, 4)
    connection = sqlite3.connect(str(database))
    connection.execute("DELETE FROM statuses")
    said = [arrival(time=NOW + 9 * DAY_MS + i) for i in range(future)] + [
        arrival(time=NOW + i) for i in range(5 - future)
    ]
    for index, one in enumerate(said):
        row = ((1 << 20) + (index + 2) % slots, one.timely, one.time, 0, one.status_id, NOW, 1, b"", "{}", "{}", "")
        connection.execute(f"INSERT INTO statuses ({STATUS_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    shape = (slots, 5, 6 % slots)
    connection.execute("UPDATE vehicles SET slots = ?, kept = ?, newest = ? WHERE number = 1", shape)
    connection.commit()
    connection.close()
    store = open_store(capacity=slots)
    assert ring_of(database) == [one.status_id for one in said]
    assert rows(database, "SELECT taken, overflow FROM capacities WHERE number = 1") == [(5 - future, future)]
    late, newer = arrival(time=NOW - 5), arrival(time=NOW + 50)
    results = store.write([*said, newer, late])
    assert [result.verdict for result in results[:5]] == [Verdict.DUPLICATE] * 5
    expected = [*said[:future], late, *said[future:], newer]
    assert ring_of(database) == [one.status_id for one in expected[-slots:]]


@pytest.mark.parametrize("capacity", [10, 5], ids=["ring as before", "ring lowered"])
def test_what_an_older_evd_took_in_is_counted_when_its_vehicle_speaks(
    open_store: Opener, database: Path, capacity: int
) -> None:
    old_database(database, 2)
    store, counted = open_store(capacity=capacity), "SELECT vehicle, received, lost FROM days"
    assert rows(database, counted) == []
    late, newer = arrival(time=NOW + 500, seq=1), arrival(time=NOW + 3000, seq=6)
    store.write([late, newer, newer, arrival("SILENT")])
    expected = [("386625", 5, 2 - 1 + 1), ("SILENT", 1, 0)]
    assert rows(database, counted) == expected
    store.close()
    store = open_store(capacity=capacity)
    while store.maintain():
        pass
    store.write([newer])
    assert rows(database, counted) == expected, "once"


@pytest.mark.parametrize("version", [2, 4])
def test_an_upgrade_masks_what_older_evds_kept_of_refused_requests(
    database: Path, open_store: Opener, version: int
) -> None:
    old_database(database, version)
    connection = sqlite3.connect(str(database))
    route, headers = "GET /sigfox/geoloc?code=C4nary1&lat=1", '{"x-auth-token":"C4nary2","host":"x"}'
    connection.execute(
        "INSERT INTO rejected (digest, received, route, error, detail, headers, body) VALUES (?, 1, ?, 'e', 'd', ?, ?)",
        (b"1", route, headers, b'{"Key":"C4nary3","n":"\xff"}'),
    )
    connection.execute(
        "INSERT INTO rejected (digest, received, route, error, detail, headers, body) VALUES (?, 1, ?, 'e', 'd', ?, ?)",
        (b"2", "POST /sigfox/batch", "no JSON", b"386625;1;00;1;"),
    )
    connection.commit()
    connection.close()
    store = open_store()
    sql = "SELECT route, headers, body, is_text FROM rejected WHERE digest IN (?, ?)"
    assert rows(database, sql, b"1", b"2") == [
        (
            "GET /sigfox/geoloc?code=***&lat=1",
            '{"host":"x","x-auth-token":"***"}',
            b'{"Key":"***","n":"\xff"}',
            0,
        ),
        ("POST /sigfox/batch", "{}", b"386625;1;00;1;", 1),
    ]
    store.close()
    for file in database.parent.glob("evd.db*"):
        assert b"C4nary" not in file.read_bytes(), file


def test_an_owner_s_own_view_outlives_an_upgrade(database: Path, open_store: Opener) -> None:
    old_database(database, 2)
    connection = sqlite3.connect(str(database))
    connection.execute('CREATE VIEW "my view" AS SELECT 2 AS two')
    connection.close()
    open_store()
    assert rows(database, 'SELECT two FROM "my view"') == [(2,)]
