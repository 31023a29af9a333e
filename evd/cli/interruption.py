"""SIGINT and SIGTERM for a command whose work may run in another thread than the main one, which alone gets signals."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_INTERRUPTED = 130
"""A shell's exit code for SIGINT."""


class Interruption:
    """The first signal is noted, and the work ends at the next place where it looks; the second one ends it at once."""

    def __init__(self) -> None:
        self.noted = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        def note(number: int, frame: FrameType | None) -> None:
            if self.noted:
                raise KeyboardInterrupt
            self.noted = True

        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
