"""The console's files: what is in the manifest, how it is sent, and that nothing else is."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from daemon_process import RunningDaemon, running_daemon
from folders import ROOT

from evd.web.assets import COMPRESSED, Assets, assets, imported, read

STATIC = ROOT / "evd/web/static"
FIRST_VIEW_MAX = 150 * 1024


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("assets") / "evd") as one:
        yield one


@pytest.fixture(scope="module")
def known() -> Assets:
    return assets()


def test_the_page_is_sent_with_a_strict_policy_and_known_again(daemon: RunningDaemon) -> None:
    page = httpx.get(f"{daemon.url}/")
    assert page.status_code == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';") and "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff" and page.headers["referrer-policy"] == "no-referrer"
    assert httpx.get(f"{daemon.url}/", headers={"if-none-match": page.headers["etag"]}).status_code == 304
    assert re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page.text) is None


def test_what_the_page_names_is_there_and_never_changes(daemon: RunningDaemon) -> None:
    page = httpx.get(f"{daemon.url}/").text
    named = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert len(named) > 8
    with httpx.Client(base_url=daemon.url) as client:
        for address in named:
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("accepted", ["gzip", "identity", "br;q=0, gzip;q=0"])
def test_a_file_is_compressed_for_who_takes_it(daemon: RunningDaemon, known: Assets, accepted: str) -> None:
    address = f"{daemon.url}/assets/{known.version}/app.js"
    with httpx.stream("GET", address, headers={"accept-encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers.get("content-encoding") == ("gzip" if accepted == "gzip" else None)
    plain = (STATIC / "app.js").read_bytes()
    assert (gzip.decompress(raw) if accepted == "gzip" else raw) == plain


@pytest.mark.parametrize(
    "name",
    [
        "../assets.py",
        "..%2fassets.py",
        "%2e%2e/assets.py",
        "/etc/passwd",
        "pages",
        "index.html",
        "app.js.gz",
        "a\0b",
        "",
    ],
)
def test_nothing_outside_of_the_manifest_is_sent(daemon: RunningDaemon, known: Assets, name: str) -> None:
    path = f"/assets/{known.version}/{name}".replace("\0", "%00").encode()
    answer = httpx.get(httpx.URL(daemon.url, raw_path=path))
    assert (answer.status_code, answer.text) == (418, "I'm a teapot!")


def test_another_versions_address_has_no_file(daemon: RunningDaemon) -> None:
    assert httpx.get(f"{daemon.url}/assets/0123456789abcdef/app.js").status_code == 418


def test_without_the_console_its_paths_are_as_unknown_ones(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd", settings="[web]\nenabled = false\n") as one:
        for path in ("/", f"/assets/{assets().version}/app.js"):
            answer = httpx.get(one.url + path)
            assert (answer.status_code, answer.text) == (418, "I'm a teapot!")
        assert httpx.get(f"{one.url}/api/v1/console").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_the_console_takes_no_other_method_from_the_original(daemon: RunningDaemon, method: str) -> None:
    for path in ("/", "/v2/", "/v3", "/assets/"):
        answer = httpx.request(method, daemon.url + path)
        assert (answer.status_code, answer.text) == (418, "I'm a teapot!")


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
