"""Rejected requests: the table `rejected`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from evd.model import operations as ops
from evd.model.units import DAY_MS
from evd.request.redacted import is_utf8
from evd.store.sqlite.tables.base import SmallTables


def _reject(tables: SmallTables, op: ops.Reject) -> None:
    digest = hashlib.sha256(op.route.encode() + b"\0" + op.body).digest()
    again = tables.db.execute(
        "UPDATE rejected SET times = times + 1, received = ?, client = ? WHERE digest = ?",
        (op.received, op.client, digest),
    )
    if again.rowcount:
        return
    cursor = tables.db.execute(
        _INSERT,
        (digest, op.received, op.route, op.error, op.detail, op.headers, op.body, is_utf8(op.body), op.client),
    )
    tables.db.execute("DELETE FROM rejected WHERE number <= ?", (cursor.lastrowid - tables.limits.rejected,))


def _forget_rejected(tables: SmallTables, op: ops.ForgetRejected) -> bool:
    if op.restorable_from is not None:
        tables.db.execute(_KEEP, (op.restorable_from, op.number))
        tables.db.execute(_DROP_MORE, (FORGOTTEN_MAX,))
    return bool(tables.db.execute("DELETE FROM rejected WHERE number = ?", (op.number,)).rowcount)


def _restore_rejected(tables: SmallTables, op: ops.RestoreRejected) -> int | bool:
    kept = tables.db.execute(_FORGOTTEN, (op.number, op.at - DAY_MS)).fetchone()
    if kept is None:
        return False
    again = tables.db.execute(_COUNTED, (kept[1], kept[0])).fetchall()
    ((number,),) = again or tables.db.execute(_RESTORE, (op.number,)).fetchall()
    tables.db.execute("DELETE FROM forgotten WHERE number = ?", (op.number,))
    return int(number)


def _drop_forgotten(tables: SmallTables, op: ops.DropForgotten) -> int:
    return int(tables.db.execute(_DROP_OLD, (op.before, op.limit)).rowcount)


FORGOTTEN_MAX = 1000
"""Forgotten requests that can be restored: some MiB."""

#: A number stays that of a request while that can be restored.
_INSERT = """
INSERT INTO rejected (number, digest, received, route, error, detail, headers, body, is_text, client)
SELECT max(ifnull((SELECT max(number) FROM rejected), 0), ifnull((SELECT max(number) FROM forgotten), 0)) + 1,
       ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?"""

COLUMNS = "times, received, route, error, detail, headers, body, is_text, client, digest"

_KEEP = f"""
INSERT OR REPLACE INTO forgotten (number, forgotten, {COLUMNS})
SELECT number, ?, {COLUMNS} FROM rejected WHERE number = ?"""  # noqa: S608 (constants)

#: It came again meanwhile.
_COUNTED = "UPDATE rejected SET times = times + ? WHERE digest = ? RETURNING number"

_RESTORE = f"""
INSERT INTO rejected (number, {COLUMNS})
SELECT number, {COLUMNS} FROM forgotten WHERE number = ?
RETURNING number"""  # noqa: S608 (constants)

_FORGOTTEN = "SELECT digest, times FROM forgotten WHERE number = ? AND forgotten >= ?"

_DROP_MORE = """
DELETE FROM forgotten WHERE number IN (SELECT number FROM forgotten ORDER BY forgotten DESC LIMIT -1 OFFSET ?)"""

_DROP_OLD = "DELETE FROM forgotten WHERE number IN (SELECT number FROM forgotten WHERE forgotten < ? LIMIT ?)"


HANDLERS: dict[type[ops.Operation], Callable[[SmallTables, Any], Any]] = {
    ops.Reject: _reject,
    ops.ForgetRejected: _forget_rejected,
    ops.DropForgotten: _drop_forgotten,
    ops.RestoreRejected: _restore_rejected,
}
