"""The console's files: what is in the manifest, and what is not."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from folders import ROOT

from evd.web.assets import COMPRESSED, Assets, assets, read

STATIC = ROOT / "evd/web/static"
FIRST_VIEW_MAX = 36 * 1024


@pytest.fixture(scope="module")
def known() -> Assets:
    return assets()


def test_the_version_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("{{assets}} {{styled}}{{early}}{{styles}}{{import_map}}{{modules}}")
    (tmp_path / "pages").mkdir()
    for name in ("tokens.css", "base.css", "ui.css", "pages/fleet.css", "early.js"):
        (tmp_path / name).write_text(f"/* {name} */\n")
    (tmp_path / "app.js").write_text('import { a } from "./a.js";\nimport("./pages/fleet.js").then(a);\n')
    (tmp_path / "pages/fleet.js").write_text('import { a } from "../a.js";\nexport function render() {}\n')
    (tmp_path / "a.js").write_text("export const a = 1;\n")
    (tmp_path / "notes.md").write_text("not served")
    one = read(tmp_path)
    assert {"a.js", "app.js", "shared.js"} < set(one.files) and not {"index.html", "notes.md"} & set(one.files)
    assert f"/assets/{one.version}/a.js" in one.page.common.decode()
    (tmp_path / "a.js").rename(tmp_path / "a2.js")
    for name in ("app.js", "pages/fleet.js"):
        (tmp_path / name).write_text((tmp_path / name).read_text().replace("/a.js", "/a2.js"))
    assert read(tmp_path).version != one.version


def test_the_first_view_is_small(known: Assets) -> None:
    """All that a browser loads until the fleet stands is the page, with the first vehicles in it, and the icon."""
    assert len(known.page.packed) + len(known.files["icon.svg"].gzip or b"") < FIRST_VIEW_MAX
    assert b"uPlot" not in known.page.common


def test_what_is_vendored_comes_with_its_licence() -> None:
    for name in ("uplot", "leaflet"):
        assert "Copyright" in (STATIC / f"vendor/{name}.LICENSE.txt").read_text("utf-8")
        assert f"{name}.js" in (STATIC / "vendor/README.txt").read_text("utf-8")


UNSAFE = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc")


def test_no_script_reads_data_as_markup_and_none_names_another_host() -> None:
    for path in STATIC.rglob("*.js"):
        text = path.read_text("utf-8")
        if path.parent.name == "vendor":
            continue
        assert UNSAFE.search(text) is None, path
        assert re.findall(r"https?://[^\s\"'`]+", text.replace("http://www.w3.org/2000/svg", "")) == [], path
        assert text.count("\n") <= 450, f"{path.name} has more than one idea"


@pytest.mark.nightly
def test_a_wheel_has_the_files_compressed(tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "evd")], check=True)
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "-o", str(tmp_path), str(tmp_path / "evd")]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "out")
    found = read(tmp_path / "out/evd/web/static")
    plain = [name for name in found.files if name.rpartition(".")[2] in COMPRESSED]
    assert len(plain) > 20 and all(found.files[name].brotli for name in plain)
    assert sum(len(found.files[name].brotli or b"") for name in plain) < sum(
        len(found.files[name].gzip or b"") for name in plain
    )
