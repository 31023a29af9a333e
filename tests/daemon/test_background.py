"""What a daemon looks at beside its requests: its database for damage, its files, and pictures that a crash left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import trio
import trio.testing
from daemon_parts import BuildParts
from structlog.testing import capture_logs

from evd.daemon import background
from evd.daemon.file_identity import FileIdentity
from evd.errors import StoreBroken, StoreBusy, Unavailable
from evd.store.queries import Queries


async def test_a_database_that_is_whole_or_held_by_another_goes_on_and_a_damaged_one_ends_evd(
    parts_of: BuildParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = parts_of()
    await background.check_file(parts)

    def busy() -> Sequence[str]:
        raise StoreBusy("another process holds it")

    for search, broken in ((busy, False), (lambda: ["page 7 is never used", "page 8 is never used"], True)):
        monkeypatch.setattr(type(parts.store), "find_damage", lambda self, search=search: search())
        if not broken:
            await background.check_file(parts)
            continue
        with pytest.raises(StoreBroken, match=r"evd\.db is damaged \(page 7 is never used\): restore a backup"):
            await background.check_file(parts)


LEFT = "0123456789abcdef" * 4


async def test_files_of_pictures_that_no_row_names_are_removed_once(parts_of: BuildParts) -> None:
    parts = parts_of()
    parts.data_dir.images.mkdir()
    left = parts.data_dir.images / LEFT
    left.touch()

    async with parts.store.queries(lambda: 0) as queries:
        with capture_logs() as logs:
            await background.sweep_images(parts, queries)
            await background.sweep_images(parts, queries)
    assert not left.exists()
    assert [line.get("count") for line in logs] == [1]


async def test_a_database_that_does_not_answer_leaves_pictures_as_they_are(parts_of: BuildParts) -> None:
    class Slow:
        async def image_files(self, *_: Any, **__: Any) -> Any:
            raise Unavailable("the database is slow")

    parts = parts_of()
    parts.data_dir.images.mkdir()
    (parts.data_dir.images / LEFT).touch()
    with capture_logs() as logs:
        await background.sweep_images(parts, cast("Queries", Slow()))
    assert [(line["log_level"], line["reason"]) for line in logs] == [("warning", "the database is slow")]
    assert (parts.data_dir.images / LEFT).exists()


async def test_files_are_watched_for_as_long_as_evd_runs(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    file = tmp_path / "evd.db"
    file.touch()
    files = FileIdentity([file])

    async def later(happens: Callable[[], object], seconds: float) -> None:
        await trio.sleep(seconds)
        happens()

    began = trio.current_time()
    with pytest.RaisesGroup(pytest.RaisesExc(StoreBroken, match="was removed")):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(background.watch_files, files)
            nursery.start_soon(later, file.unlink, 60.5)
    assert trio.current_time() - began == pytest.approx(61, abs=background.FILES_EVERY_S)
