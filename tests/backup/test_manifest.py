"""What a backup says about itself, and which files may be in it."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import msgspec
import pytest
from backup_site import Silent
from builders import NOW

from evd.backup.manifest import DATABASE, FORMAT, MANIFEST, Manifest, Member, decoded, is_member
from evd.backup.taking import take
from evd.config.data_dir import DataDirectory
from evd.errors import BackupError


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("evd.db", True),
        ("images/a/b.jpg", True),
        ("images/../evd.db", False),
        ("images//x", False),
        ("/etc/passwd", False),
    ],
)
def test_no_member_leads_out_of_the_directory(name: str, may: bool) -> None:
    assert is_member(name) is may


def test_a_manifest_says_what_is_in_it(data_dir: DataDirectory, file: Path) -> None:
    take(data_dir, file, NOW, Silent())
    with tarfile.open(file) as tar:
        first = tar.next()
        assert first is not None and first.name == MANIFEST
        content = tar.extractfile(first)
        assert content is not None
        manifest = msgspec.json.decode(content.read(), type=Manifest)
    assert manifest.made_ms == NOW
    assert manifest.files[DATABASE].bytes > 0


WHOLE = Manifest(FORMAT, "1.0", 7, NOW, "host", {}, {DATABASE: Member(1, "0")})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "cannot be read"),
        (b"{}", "cannot be read"),
        (msgspec.structs.replace(WHOLE, format=FORMAT + 1, evd="9.9").encoded(), "was made by evd 9.9: install that"),
        (msgspec.structs.replace(WHOLE, files={}).encoded(), "has no evd.db"),
        (msgspec.structs.replace(WHOLE, files={"images/../x": Member(1, "0")}).encoded(), "it has 'images/../x'"),
    ],
    ids=["no JSON", "no manifest", "a newer one", "no database", "a way out"],
)
def test_what_is_no_manifest_is_refused_in_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(BackupError, match=re.escape(says)):
        decoded(data, "evd.tar")


def test_a_manifest_is_read_as_it_was_written_and_an_unknown_member_of_it_is_no_obstacle() -> None:
    assert decoded(WHOLE.encoded(), "evd.tar") == WHOLE
    assert decoded(WHOLE.encoded().replace(b"{", b'{"later": 1, ', 1), "evd.tar") == WHOLE
