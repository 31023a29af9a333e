"""evd setup, the command: below another root, as files only, and what it says when answers are missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from daemon_process import run_evd
from setup_image import image, needs_root, tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return image(tmp_path)


def test_print_writes_the_files_for_who_manages_them_by_another_tool(tmp_path: Path) -> None:
    done = run_evd("setup", "evd.example.org", "--certificates", "caddy", "--print", tmp_path / "files", "--json")
    assert done.returncode == 0, done.stderr
    written = {path.removeprefix("/") for path in json.loads(done.stdout)["files"]}
    assert written == tree(tmp_path / "files").keys()
    assert "etc/systemd/system/evd.socket" in written
    assert "usr/local/share/bash-completion/completions/evd" in written


@needs_root
def test_the_command_prepares_an_image_and_undoes_it(root: Path) -> None:
    done = run_evd("setup", "evd.example.org", "--certificates", "caddy", "--root", root, "--yes")
    assert done.returncode == 0, done.stderr
    assert "file /etc/systemd/system/evd.socket (644, root:root)" in done.stdout
    undone = run_evd("setup", "--undo", "--root", root, "--yes")
    assert undone.returncode == 0, undone.stderr
    assert not (root / "etc/systemd/system/evd.service").exists()
    nothing = run_evd("setup", "--undo", "--root", root, "--yes")
    assert (nothing.returncode, nothing.stderr.count("\n")) == (1, 1)


def test_without_answers_and_without_a_terminal_it_says_what_is_missing() -> None:
    for arguments, sentence in ((["setup"], "name the domain"), (["setup", "x.example.org"], "--certificates")):
        done = run_evd(*arguments)
        assert done.returncode == 2
        assert sentence in done.stderr
