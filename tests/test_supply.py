"""What evd is made of: pinned with hashes, as installed, and no release with a hole that a newer one mended."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest
from folders import ROOT
from locked import LOCK, locked, locked_versions

from evd.store.sqlite.sqlite_library import require_safe, sqlite3

FLOORS = {
    "h11": ((0, 16, 0), "CVE-2025-43859: chunks whose line ends are not looked at"),
    "h2": ((4, 3, 0), "CVE-2025-57804: line ends in header fields"),
    "hypercorn": ((0, 18, 0), "evd's guard overrides its methods as they are there; 0.16.0 bounds rapid resets"),
    "pysqlite3": ((0, 6, 1), "it carries SQLite 3.53.4; before 3.51.3 a WAL can be corrupted by its reset"),
}
"""The oldest release that will do, and why."""


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


@pytest.mark.parametrize("name", FLOORS)
def test_no_release_with_a_known_hole_is_locked_or_installed(name: str) -> None:
    floor, why = FLOORS[name]
    assert numbers(locked_versions()[name]) >= floor, why
    assert numbers(version(name)) >= floor, why


def test_the_sqlite_that_is_linked_is_one_without_the_wal_bug() -> None:
    require_safe()
    assert sqlite3.sqlite_version_info >= (3, 51, 3)


def test_everything_is_locked_by_version_and_hash() -> None:
    for one in locked():
        assert one.hashes, one.name
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", text) for text in one.hashes), one.name
    assert len(locked()) > 50


def test_the_lock_names_no_index_and_pip_must_keep_to_its_hashes() -> None:
    assert "://" not in LOCK.read_text()
    assert "--require-hashes -r requirements.lock" in (ROOT / ".ci/setup").read_text()


def test_what_is_installed_is_what_is_locked() -> None:
    differing = {name: (pinned, version(name)) for name, pinned in locked_versions().items() if version(name) != pinned}
    assert differing == {}
