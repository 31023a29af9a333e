"""evd backup and evd restore, the commands: where a backup may go, and what is asked before a database is replaced."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Evd
from daemon_process import clean_env, init
from dropped_rights import without_rights

from evd.backup.manifest import Manifest
from evd.cli.backup import _statuses


@pytest.mark.parametrize(
    ("target", "options", "says"),
    [
        ("there.tar", (), "there.tar exists: name another file, or a folder"),
        ("none/x.tar", (), "none does not exist: make it first"),
    ],
)
def test_a_backup_takes_nobodys_place(
    target: str, options: tuple[str, ...], says: str, tmp_path: Path, evd: Evd
) -> None:
    (tmp_path / "there.tar").write_text("somebody's")
    done = evd("backup", str(tmp_path / target), *options)
    assert (done.code, says in done.err) == (2, True), done
    assert (tmp_path / "there.tar").read_text() == "somebody's"
    assert [path.name for path in tmp_path.iterdir()] == ["there.tar"]


def test_a_backup_is_taken_beside_the_daemon_read_again_and_restored(tmp_path: Path, evd: Evd) -> None:
    evd("vehicle", "set", "B6A1", "--name", "in the backup")
    made = evd("backup", str(tmp_path), "--json").json
    file = Path(made["file"])
    assert (file.parent, made["removed"], made["bytes"]) == (tmp_path, [], file.stat().st_size)
    checked = evd("restore", "--check", str(file))
    assert checked.out.startswith(f"{file} is right: {made['rows']['vehicles']} vehicles, ")
    place = tmp_path / "restored"
    restored = evd("restore", str(file), "--dir", str(place), "--json").json
    assert (restored["dir"], restored["kept"], restored["rows"]) == (str(place), None, made["rows"])


def test_a_database_is_replaced_only_by_who_says_so(tmp_path: Path, evd: Evd) -> None:
    file = evd("backup", str(tmp_path), "--json").json["file"]
    place = tmp_path / "evd"
    init(place)
    before = (place / "evd.db").read_bytes()
    assert evd("restore", file, "--dir", str(place)).code != 0
    assert evd("restore", file, "--replace", "--dir", str(place), stdin="n\n").code != 0
    assert (place / "evd.db").read_bytes() == before
    done = evd("restore", file, "--replace", "--yes", "--dir", str(place), "--json").json
    assert done["kept"] and (Path(done["kept"])).exists(), "what was there is kept"


def test_the_newest_backups_of_a_folder_are_kept(tmp_path: Path, evd: Evd) -> None:
    folder = tmp_path / "kept"
    old = [folder / f"evd-20200101T00000{number}Z.tar.gz" for number in range(3)]
    folder.mkdir()
    for path in old:
        path.touch()
    made = evd("backup", str(folder), "--keep", "2", "--json").json
    assert sorted(path.name for path in folder.iterdir()) == sorted([old[2].name, Path(made["file"]).name])
    assert sorted(made["removed"]) == [str(path) for path in old[:2]]
    assert evd("backup", str(tmp_path / "file"), "--keep", "0").code == 2


def test_a_file_that_is_no_backup_is_refused_in_a_sentence(tmp_path: Path, evd: Evd) -> None:
    (tmp_path / "x.tar").write_bytes(b"no archive")
    done = evd("restore", "--check", str(tmp_path / "x.tar"))
    assert (done.code != 0, done.err.startswith("evd: "), done.err.count("\n")) == (True, True, 1), done


def test_what_a_backup_has_is_said_in_numbers(tmp_path: Path) -> None:
    values: dict[str, Any] = dict.fromkeys(Manifest.__struct_fields__)
    assert _statuses(Manifest(**{**values, "rows": {"vehicles": 2, "statuses": 5}})) == "2 vehicles, 5 statuses"
    assert _statuses(Manifest(**{**values, "rows": {}})) == "0 vehicles, 0 statuses"


def test_a_picture_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    init(tmp_path / "evd")
    picture = tmp_path / "evd" / "images" / ("0" * 64)
    picture.parent.mkdir(exist_ok=True)
    picture.touch(0o000)
    done = subprocess.run(
        [sys.executable, "-m", "evd", "backup", str(tmp_path / "b.tar"), "--dir", str(tmp_path / "evd")],
        env=clean_env(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=without_rights,
    )
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (
        1,
        [f"evd: {picture} may not be read: run the backup as the user of evd, or as root"],
    )
    assert not (tmp_path / "b.tar").exists()
