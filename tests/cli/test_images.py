"""evd vehicle image: a picture from a file and to one; what cannot be read, written or shown is a sentence."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from command_line import Evd
from PIL import Image


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "PNG")
    return file.getvalue()


def test_a_picture_is_set_saved_and_removed(tmp_path: Path, evd: Evd) -> None:
    evd("vehicle", "set", "E3A1")
    (tmp_path / "given.png").write_bytes(picture())
    assert evd("vehicle", "image", "E3A1", "--set", str(tmp_path / "given.png")).out == (
        "E3A1 has a picture of 40 × 30 pixels\n"
    )
    saved = tmp_path / "saved.jpg"
    done = evd("vehicle", "image", "E3A1", "--save", str(saved), "--json").json
    assert done == {"file": str(saved), "bytes": saved.stat().st_size}
    with Image.open(saved) as shown:
        assert shown.size == (40, 30)
    assert evd("vehicle", "image", "E3A1", "--remove", "--yes").out == "E3A1 has no picture any more\n"
    assert evd("vehicle", "image", "E3A1", "--save", str(saved)).code == 1


@pytest.mark.parametrize("options", [(), ("--set", "x", "--remove"), ("--save", "x", "--set", "x")])
def test_one_thing_is_done_with_a_picture(options: tuple[str, ...], evd: Evd) -> None:
    done = evd("vehicle", "image", "E3A2", *options)
    assert (done.code, "one of --set FILE, --save FILE and --remove" in done.err) == (2, True), done


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, evd: Evd) -> None:
    evd("vehicle", "set", "E3A3")
    none = evd("vehicle", "image", "E3A3", "--set", str(tmp_path / "none.png"))
    assert (none.code, "none.png cannot be read (No such file" in none.err) == (2, True), none
    (tmp_path / "text.png").write_text("no picture")
    assert evd("vehicle", "image", "E3A3", "--set", str(tmp_path / "text.png")).code == 1
    (tmp_path / "given.png").write_bytes(picture())
    evd("vehicle", "image", "E3A3", "--set", str(tmp_path / "given.png"))
    folder = evd("vehicle", "image", "E3A3", "--save", str(tmp_path))
    assert (folder.code, "cannot be written (Is a directory)" in folder.err) == (2, True), folder
