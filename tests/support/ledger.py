"""What was sent to evd and what it acknowledged, kept apart from evd's disk; and what a database owes to it."""

from __future__ import annotations

import os
import tempfile
import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from evd.store.sqlite.connection import open_reader

ELSEWHERE = Path("/dev/shm")
"""Another file system than the one under test."""


class Message(NamedTuple):
    """A callback's content. The first three name it: evd stores a repeat once."""

    vehicle: str
    time: int
    """Epoch s."""
    seq: int
    payload: str
    """In hex."""

    @property
    def name(self) -> tuple[str, int, int]:
        return self[:3]


class Entries(NamedTuple):
    """A copy of a ledger: all that was sent, and what of it was acknowledged."""

    sent: frozenset[Message]
    acknowledged: frozenset[Message]


class Ledger:
    """An acknowledgement counts once its line is fsynced, on another file system than evd's. For many threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._sent: set[Message] = set()
        self._acknowledged: set[Message] = set()

    def sending(self, messages: Iterable[Message]) -> None:
        """From now on evd may have them."""
        with self._lock:
            self._sent.update(messages)

    def acknowledged(self, messages: Iterable[Message]) -> None:
        lines = "".join(f"{';'.join(map(str, message))}\n" for message in messages)
        os.write(self._file.fileno(), lines.encode())
        os.fsync(self._file.fileno())
        with self._lock:
            self._acknowledged.update(messages)

    def entries(self) -> Entries:
        with self._lock:
            return Entries(frozenset(self._sent), frozenset(self._acknowledged))

    def close(self) -> None:
        self._file.close()


@contextmanager
def new_ledger() -> Iterator[Ledger]:
    directory = ELSEWHERE if ELSEWHERE.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="evd-ledger-", dir=directory) as folder,
        closing(Ledger(Path(folder) / "acknowledged")) as ledger,
    ):
        yield ledger


def stored(database: Path) -> list[Message]:
    """Each status of each ring, as a reader sees them. Fails where the file is damaged."""
    with closing(open_reader(database)) as reader:
        assert reader.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = reader.execute("SELECT vehicle, time / 1000, seq, lower(hex(payload)) FROM ring").fetchall()
    return [Message(*row) for row in rows]


def breaches(entries: Entries, rows: Iterable[Message], capacity: int) -> list[str]:
    """What of `rows`, a database's rings of `capacity`, is not owed to what was sent and acknowledged; in sentences.

    Whatever was sent may be stored; what was acknowledged must be, unless `capacity` newer ones took its place.
    """
    found: list[str] = []
    rings: defaultdict[str, list[Message]] = defaultdict(list)
    for row in rows:
        rings[row.vehicle].append(row)
    for vehicle, ring in rings.items():
        ring.sort()
        names = [row.name for row in ring]
        if len(set(names)) < len(names):
            found.append(f"{vehicle} has a status twice")
        if len(ring) > capacity:
            found.append(f"{vehicle} has {len(ring)} statuses in a ring of {capacity}")
        found += [f"{row} was never sent" for row in ring if row not in entries.sent]
    for message in entries.acknowledged:
        ring = rings[message.vehicle]
        newer = len(ring) - bisect_right(ring, message)
        if newer < capacity and message not in ring:
            found.append(f"{message} was acknowledged and is lost: {newer} newer ones in a ring of {capacity}")
    return found
