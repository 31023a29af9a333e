"""The console's files, read once into memory: a manifest of names, each with its bytes, also compressed.

Only what stands in the manifest is served, so no request's path ever becomes a file's. All files together have one
version, a hash of their names and contents, which stands in their addresses: an address never changes its content.
The first view's stand in the page itself.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from evd.web.bundle import SHARED, bundle, import_map
from evd.web.page import ConsoleHtml, page_of

MEDIA = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "txt": "text/plain; charset=utf-8",
}
"""Ending of a file that is served → its media type."""

COMPRESSED = frozenset({"js", "css", "svg", "txt"})
"""Endings of files that become smaller."""

INDEX = "index.html"
EARLY = "early.js"
FIRST = ("app.js", "pages/fleet.js")
"""The scripts with which the console begins: they stand in its page, with what they import."""
STYLES = ("tokens.css", "base.css", "ui.css", "pages/fleet.css")
"""The styles that stand in its page."""

BYTES_MAX = 4 << 20
"""Of all files as they are: they stay in memory."""

ADDRESS = "/assets"


class WebFile(NamedTuple):
    """One file; `gzip` and `brotli` are None where they are not there."""

    media: str
    body: bytes
    gzip: bytes | None = None
    brotli: bytes | None = None


class Assets(NamedTuple):
    """All files of a version by their names below `static/`, and the page."""

    version: str
    page: ConsoleHtml
    files: Mapping[str, WebFile]


@cache
def assets() -> Assets:
    """The console of this evd; reads its files the first time."""
    return read(files("evd.web") / "static")


def read(root: Traversable) -> Assets:
    """Raises ValueError if the files have more than BYTES_MAX."""
    found = {name: path.read_bytes() for name, path in _walk(root, "")}
    plain = {name: body for name, body in sorted(found.items()) if _ending(name) in MEDIA}
    if sum(map(len, plain.values())) > BYTES_MAX:
        raise ValueError(f"the console's files have more than {BYTES_MAX} bytes, which stay in memory")
    digest = blake2b(digest_size=8)
    for name, body in plain.items():
        digest.update(b"%d %s %d " % (len(name), name.encode(), len(body)) + body)
    version = digest.hexdigest()
    page, shared = _page(plain, f"{ADDRESS}/{version}")
    served = {name: _file(name, body, found) for name, body in plain.items() if name != INDEX}
    return Assets(version, page, {**served, SHARED: _file(SHARED, shared, {})})


def _page(plain: Mapping[str, bytes], address: str) -> tuple[ConsoleHtml, bytes]:
    """The page, and the file from which modules that are loaded later import those that stand in it."""
    modules = {name: body.decode() for name, body in plain.items() if _ending(name) == "js"}
    first = bundle(modules, FIRST, address)
    index = plain[INDEX].decode().replace("{{assets}}", address).replace("{{styled}}", " ".join(STYLES))
    page = page_of(
        index,
        styles="".join(plain[name].decode() for name in STYLES),
        early=modules[EARLY],
        modules=first.script,
        import_map=import_map(first.names, address),
    )
    return page, first.shared.encode()


def _file(name: str, body: bytes, found: Mapping[str, bytes]) -> WebFile:
    """A wheel has the compressed forms beside each file; a checkout has not, so that none is ever out of date."""
    media = MEDIA[_ending(name)]
    if _ending(name) not in COMPRESSED:
        return WebFile(media, body)
    packed = found.get(f"{name}.gz") or gzip.compress(body, 6, mtime=0)
    return WebFile(media, body, packed, found.get(f"{name}.br"))


def _walk(folder: Traversable, before: str) -> Iterator[tuple[str, Traversable]]:
    for path in folder.iterdir():
        if path.is_dir():
            yield from _walk(path, f"{before}{path.name}/")
        else:
            yield f"{before}{path.name}", path


def _ending(name: str) -> str:
    return name.rpartition(".")[2]
