"""The console's files: what is in the manifest, and what is not."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from folders import ROOT

from evd.web.assets import COMPRESSED, Assets, assets, imported, read

STATIC = ROOT / "evd/web/static"
FIRST_VIEW_MAX = 64 * 1024


@pytest.fixture(scope="module")
def known() -> Assets:
    return assets()


def test_the_version_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("{{assets}}\n{{preloads}}")
    (tmp_path / "app.js").write_text(
        'import { a } from "./a.js";\nimport "./b/c.js";\nexport const x = import("./late.js");\n'
    )
    (tmp_path / "a.js").write_text('export {\n  c,\n} from "./b/c.js";\n')
    (tmp_path / "b").mkdir()
    (tmp_path / "b/c.js").write_text('import { a } from "../a.js";\n')
    (tmp_path / "notes.md").write_text("not served")
    one = read(tmp_path)
    assert sorted(one.files) == ["a.js", "app.js", "b/c.js"]
    assert one.page.decode().count("modulepreload") == 3 and b"late.js" not in one.page
    (tmp_path / "a.js").rename(tmp_path / "a2.js")
    (tmp_path / "app.js").write_text('import { a } from "./a2.js";\n')
    (tmp_path / "b/c.js").write_text("")
    assert read(tmp_path).version != one.version


def test_the_first_view_is_small(known: Assets) -> None:
    """What a browser loads until the fleet stands: the page, its styles, its script with all imports, the fleet."""
    scripts = {name: file.body for name, file in known.files.items() if name.endswith(".js")}
    first = {*imported(scripts), "early.js", "tokens.css", "base.css", "ui.css", "pages/fleet.css", "icon.svg"}
    assert "pages/fleet.js" in first
    sizes = {name: len(known.files[name].gzip or known.files[name].body) for name in first}
    assert sum(sizes.values()) + len(known.page) < FIRST_VIEW_MAX, sizes
    assert not [name for name in first if name.startswith("vendor/")]


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
