"""The time at which evd was alive last."""

from __future__ import annotations

from pathlib import Path

import pytest
from backfill_messages import NOW

from evd.config.heartbeat import Heartbeat


def test_the_time_evd_was_alive_is_kept_and_written_over(tmp_path: Path) -> None:
    alive = Heartbeat(tmp_path / "alive")
    assert alive.last() is None
    for now in (NOW, 5, NOW + 1):
        alive.note(now)
        assert Heartbeat(tmp_path / "alive").last() == now


@pytest.mark.parametrize("content", [b"", b"\n", b"yesterday", b"\xff", b"1" * 100])
def test_a_file_that_is_not_evds_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "alive").write_bytes(content)
    assert Heartbeat(tmp_path / "alive").last() is None
