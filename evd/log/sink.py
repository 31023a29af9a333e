"""The sink of the daemon's log: a bounded queue and a thread that writes it, so logging neither blocks nor raises.

The descriptor may be a pipe without a reader, a file on a full or hung disk, or a closed pipe. What cannot be written
is dropped and counted; the next line that can be written says how many are missing.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TextIO

QUEUE_BYTES_MAX = 1024 * 1024
"""Some 5,000 lines: what is logged while a reader pauses."""

DRAIN_S = 1.0
"""How long the end of the process waits for the reader."""

FULL_WAIT_MS = 1000
"""Between two attempts to write to a full descriptor that another process made non-blocking."""


class LogSink:
    """Writes text to `stream`, and is a stream itself. A stream without a descriptor (a test's) is written to directly.

    `missing` returns the line that says how many lines were dropped.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(
        self, stream: TextIO, *, missing: Callable[[int], str] = str, queue_bytes_max: int = QUEUE_BYTES_MAX
    ) -> None:
        self.dropped = 0
        """Lines, since the start."""
        self._stream = stream
        self._missing = missing
        self._queue_bytes_max = queue_bytes_max
        self._waiting: deque[bytes] = deque()
        self._bytes = 0  # of what waits and of what is being written
        self._unreported = 0
        self._broken_off = False
        """The last line was written in part: the next one must begin with a line break."""
        self._closed = False
        self._news = threading.Condition()
        self._descriptor = _own_descriptor(stream)
        if self._descriptor >= 0:
            threading.Thread(target=self._run, name="evd-log", daemon=True).start()

    def write(self, text: str) -> int:
        """Never blocks, and never raises if the text cannot be written."""
        data = text.encode(self.encoding, self.errors)
        if self._descriptor < 0:
            try:
                self._stream.write(text)
            except Exception:
                self.lose(text.count("\n"))
            return len(text)
        with self._news:
            if self._closed or self._bytes + len(data) > self._queue_bytes_max:
                self.lose(text.count("\n"))
            elif data:
                self._waiting.append(data)
                self._bytes += len(data)
                self._news.notify_all()
        return len(text)

    def lose(self, lines: int = 1) -> None:
        """Count lines that are dropped."""
        with self._news:
            self.dropped += lines
            self._unreported += lines

    def flush(self) -> None:
        """Nothing to do: the thread writes by itself."""

    def drain(self, timeout_s: float = DRAIN_S) -> bool:
        """Wait until all is written; False if the reader does not take it in time."""
        with self._news:
            return self._descriptor < 0 or self._news.wait_for(lambda: not self._bytes, timeout_s)

    def close(self) -> None:
        """Accept no more; what waits is still written."""
        with self._news:
            self._closed = True
            self._news.notify_all()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    def _run(self) -> None:
        while (piece := self._next()) is not None:
            if self._write(piece):
                self._report_missing()
            else:
                self.lose(piece.count(b"\n"))
            with self._news:
                self._bytes -= len(piece)
                self._news.notify_all()
        os.close(self._descriptor)

    def _next(self) -> bytes | None:
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._closed)
            return self._waiting.popleft() if self._waiting else None

    def _report_missing(self) -> None:
        with self._news:
            count, self._unreported = self._unreported, 0
        if count and not self._write(self._missing(count).encode(self.encoding, self.errors)):
            with self._news:
                self._unreported += count

    def _write(self, piece: bytes) -> bool:
        """Whether all of it is written."""
        left = memoryview(b"\n" + piece if self._broken_off else piece)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                poll = select.poll()
                poll.register(self._descriptor, select.POLLOUT)
                poll.poll(FULL_WAIT_MS)
            except OSError:
                break
            else:
                self._broken_off = bool(left)
        return not left


def _own_descriptor(stream: Any) -> int:
    """A duplicate of the stream's descriptor, which no other code closes; -1 if it has none."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        return os.dup(stream.fileno())
    return -1
