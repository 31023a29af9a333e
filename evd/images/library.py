"""The pictures of vehicles: drawn again in a thread, one at a time, and kept as files beside the database.

Knows trio. The database has a row for each picture, which names its files; files come before their row and go after it,
so a crash leaves at most files without a row, which `sweep` removes.
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from evd.config.settings import ImageSettings
from evd.errors import Unavailable
from evd.images.files import ContentFiles

if TYPE_CHECKING:
    from evd.images.drawing import Drawn

AT_ONCE = 1
"""Pictures that are drawn at a time: each takes up to a second of a core, and four bytes a pixel."""

WAITING_MAX = 8
"""Pictures that wait for their turn, each with its body in memory."""

SWEPT_AT_ONCE = 500
"""Files that one question to the database is about."""

UsedOf = Callable[[Sequence[str]], Awaitable[Collection[str]]]
"""Which of these files a row in the database names."""


class ImageLibrary:
    """Methods raise Unavailable if the disk does not take or give a file."""

    def __init__(self, folder: Path, settings: ImageSettings) -> None:
        self._folder = folder
        self._files = ContentFiles(folder)
        self._settings = settings
        self._limiter = trio.CapacityLimiter(AT_ONCE)
        self._changing = trio.Lock()
        """Held from a file's writing until its row is committed, and while files without a row are removed."""

    async def drawn(self, content: bytes) -> Drawn:
        """What is kept of a picture. Raises BadRequest, TooLarge, Unavailable."""
        if self._limiter.statistics().tasks_waiting >= WAITING_MAX:
            raise Unavailable("too many pictures are being sent: try again in a moment", retry_after_s=5)
        return await trio.to_thread.run_sync(_drawn, content, self._settings, limiter=self._limiter)

    @asynccontextmanager
    async def keeping(self, contents: Sequence[bytes]) -> AsyncIterator[None]:
        """Write the files; the context is for the commit of the row that names them."""
        async with self._changing:
            with self._explained("written"):
                await trio.to_thread.run_sync(self._files.add, contents)
            yield

    async def read(self, name: str) -> bytes | None:
        """A file's content; None if there is no such file."""
        with self._explained("read"):
            try:
                return await trio.to_thread.run_sync(self._files.read, name)
            except FileNotFoundError:
                return None

    async def discard(self, names: Collection[str], used: UsedOf) -> None:
        """Overwrite and remove those of the files that no row names."""
        if not names:
            return
        async with self._changing:
            left = set(names) - set(await used(sorted(names)))
            with self._explained("removed"):
                await trio.to_thread.run_sync(self._files.remove, left)

    async def sweep(self, used: UsedOf) -> int:
        """Remove all files without a row, which a crash may have left; returns how many."""
        with self._explained("read"):
            names = self._files.names()
            count = 0
            while some := await trio.to_thread.run_sync(_some, names):
                async with self._changing:
                    left = set(some) - set(await used(some))
                    await trio.to_thread.run_sync(self._files.remove, left)
                count += len(left)
        return count

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            said = "the disk is full" if full else f"{error.strerror}: check the folder and its disk"
            raise Unavailable(f"the files in {self._folder} cannot be {done}: {said}") from error


def _drawn(content: bytes, settings: ImageSettings) -> Drawn:
    from evd.images.drawing import drawn  # Pillow is loaded with the first picture: it takes 10 MB

    return drawn(content, settings)


def _some(names: Iterator[str]) -> list[str]:
    return list(islice(names, SWEPT_AT_ONCE))
