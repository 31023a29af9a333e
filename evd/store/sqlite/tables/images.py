"""The rows of vehicles' pictures: the table `images`. Their files are not the store's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.model.operations import LimitReached, Operation, RemoveImage, SetImage
from evd.store.sqlite.tables.base import SmallTables
from evd.store.sqlite.tables.profiles import require_known

_FILES = "SELECT file, thumbnail FROM images WHERE vehicle = ?"

_PUT = """
INSERT OR REPLACE INTO images (vehicle, media, file, bytes, width, height, thumbnail, thumbnail_bytes, changed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def _set(tables: SmallTables, op: SetImage) -> tuple[str, ...]:
    require_known(tables, op.vehicle)
    before = tables.db.execute(_FILES, (op.vehicle,)).fetchone()
    if before is None and tables.db.execute("SELECT count(*) >= ? FROM images", (tables.limits.images,)).fetchone()[0]:
        raise LimitReached(f"{tables.limits.images} vehicles have a picture: raise images.vehicles_max to take in more")
    of_file = op.vehicle, op.media, op.file, op.bytes, op.width, op.height
    tables.db.execute(_PUT, (*of_file, op.thumbnail, op.thumbnail_bytes, op.changed))
    return before or ()


def _remove(tables: SmallTables, op: RemoveImage) -> bool | tuple[str, ...]:
    before: tuple[str, ...] | None = tables.db.execute(_FILES, (op.vehicle,)).fetchone()
    tables.db.execute("DELETE FROM images WHERE vehicle = ?", (op.vehicle,))
    return before or False


HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {SetImage: _set, RemoveImage: _remove}
