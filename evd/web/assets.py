"""The console's files, read once into memory: a manifest of names, each with its bytes, also compressed.

Only what stands in the manifest is served, so no request's path ever becomes a file's. All files together have one
version, a hash of their names and contents, which stands in their addresses: an address never changes its content.
"""

from __future__ import annotations

import gzip
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

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
FIRST = ("app.js", "pages/fleet.js")
"""The scripts with which the console begins: a browser loads them, and what they import, at once."""

BYTES_MAX = 4 << 20
"""Of all files as they are: they stay in memory."""

ADDRESS = "/assets"

_PLACE, _PRELOADS = b"{{assets}}", b"{{preloads}}"
_IMPORT = re.compile(rb'^(?:import|export)\b[^;"()]*?"(\.[^"]+)"', re.MULTILINE)


class WebFile(NamedTuple):
    """One file; `gzip` and `brotli` are None where they are not there."""

    media: str
    body: bytes
    gzip: bytes | None = None
    brotli: bytes | None = None


class Assets(NamedTuple):
    """All files of a version by their names below `static/`, and the page."""

    version: str
    page: bytes
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
    version = blake2b(digest_size=8)
    for name, body in plain.items():
        version.update(b"%d %s %d " % (len(name), name.encode(), len(body)) + body)
    address = f"{ADDRESS}/{version.hexdigest()}"
    preloads = b"".join(
        b'<link rel="modulepreload" href="%s/%s">\n' % (address.encode(), name.encode()) for name in imported(plain)
    )
    index = plain.pop(INDEX).replace(_PRELOADS, preloads).replace(_PLACE, address.encode())
    return Assets(version.hexdigest(), index, {name: _file(name, body, found) for name, body in plain.items()})


def imported(scripts: Mapping[str, bytes], first: Sequence[str] = FIRST) -> list[str]:
    """What these scripts import at their tops, and what this imports, and so on, behind the scripts themselves.

    Raises KeyError for a module that is not there.
    """
    known: dict[str, None] = dict.fromkeys(one for one in first if one in scripts)
    waiting = list(known)
    while waiting:
        name = waiting.pop(0)
        for found in _IMPORT.findall(scripts[name]):
            other = posixpath.normpath(posixpath.join(posixpath.dirname(name), found.decode()))
            if other not in known:
                known[other] = None
                waiting.append(other)
    return list(known)


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
