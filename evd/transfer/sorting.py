"""Sort more lines than memory holds: sorted runs in a temporary folder, merged when they are read."""

from __future__ import annotations

import heapq
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

RUN_BYTES = 8 * 1024 * 1024
"""Bytes of lines in memory."""

LINE_COST = 64
"""Bytes that Python needs for a line beside its text."""

MERGED_MAX = 64
"""Runs that are merged at once: so many files are open, each with a buffer."""

BUFFER = 64 * 1024


class SortedLines:
    """Lines of bytes without line breaks, in order once all are added. A context: the folder is removed at its end."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="evd-sort-", dir=folder))
        self._lines: list[bytes] = []
        self._size = 0
        self._runs: list[Path] = []
        self._named = 0
        self.count = 0
        """Lines that were added."""

    def add(self, line: bytes) -> None:
        self._lines.append(line)
        self.count += 1
        self._size += len(line) + LINE_COST
        if self._size >= RUN_BYTES:
            self._write_run()

    def __iter__(self) -> Iterator[bytes]:
        """All lines in order; no more may be added."""
        if not self._runs:
            self._lines.sort()
            yield from self._lines
            return
        self._write_run()
        while len(self._runs) > MERGED_MAX:
            some, self._runs = self._runs[:MERGED_MAX], self._runs[MERGED_MAX:]
            self._runs.append(self._written(_merged(some)))
            for path in some:
                path.unlink()
        yield from _merged(self._runs)

    def __enter__(self) -> SortedLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write_run(self) -> None:
        self._lines.sort()
        self._runs.append(self._written(self._lines))
        self._lines, self._size = [], 0

    def _written(self, lines: Iterable[bytes]) -> Path:
        path = self._folder / str(self._named)
        self._named += 1
        with path.open("wb", buffering=BUFFER) as file:
            file.writelines(b"%b\n" % line for line in lines)
        return path


def _merged(paths: list[Path]) -> Iterator[bytes]:
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("rb", buffering=BUFFER)) for path in paths]
        yield from heapq.merge(*map(_lines, files))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    return (line[:-1] for line in file)
