"""Damage in a database that is in use is found, in one read or in parts with pauses."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import NOW, arrival

from evd.errors import StoreBroken
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.integrity import find_damage

Opener = Callable[..., SqliteDatabase]


@pytest.mark.parametrize("whole_bytes_max", [1 << 30, 0], ids=["in one go", "in stretches"])
def test_damage_inside_is_found(open_store: Opener, database: Path, whole_bytes_max: int) -> None:
    store = open_store(capacity=5000)
    store.write([arrival(time=NOW + i, document=b"x" * 500) for i in range(5000)])
    rests: list[float] = []
    assert find_damage(database, whole_bytes_max=whole_bytes_max, rest=rests.append) == []
    assert len(rests) == (0 if whole_bytes_max else 3), "5,000 rows are three stretches"
    store.close()
    data = bytearray(database.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = random.Random(3).randbytes(4096)
    database.write_bytes(data)
    try:
        found = find_damage(database, whole_bytes_max=whole_bytes_max, rest=rests.append)
    except StoreBroken as error:
        found = [str(error)]
    assert found


def test_a_file_that_is_gone_is_no_fault_of_evds_own(tmp_path: Path) -> None:
    """It may be removed while the check at the start looks at it."""
    with pytest.raises(StoreBroken, match="cannot be read"):
        find_damage(tmp_path / "evd.db")
