"""Rejected requests: the table `rejected`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from evd.model import operations as ops
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
        "INSERT INTO rejected (digest, received, route, error, detail, headers, body, is_text, client)"
        " VALUES (?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?)",
        (digest, op.received, op.route, op.error, op.detail, op.headers, op.body, is_utf8(op.body), op.client),
    )
    tables.db.execute("DELETE FROM rejected WHERE number <= ?", (cursor.lastrowid - tables.limits.rejected,))


def _forget_rejected(tables: SmallTables, op: ops.ForgetRejected) -> bool:
    return bool(tables.db.execute("DELETE FROM rejected WHERE number = ?", (op.number,)).rowcount)


HANDLERS: dict[type[ops.Operation], Callable[[SmallTables, Any], Any]] = {
    ops.Reject: _reject,
    ops.ForgetRejected: _forget_rejected,
}
