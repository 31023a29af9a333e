"""The console's page with all that its first view needs: its styles, its scripts and what evd knows of the reader.

So a browser has it after one question. The part that all readers have in common is made and compressed once; what
differs is compressed for each.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import orjson

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_RAW, _LEVEL, _WINDOW = zlib.DEFLATED, 9, -15
_STORED_MAX = 0xFFFF


class ConsoleHtml(NamedTuple):
    """`common` is its beginning, `packed` the same compressed by raw deflate up to a full flush."""

    common: bytes
    packed: bytes
    hashes: Mapping[str, Sequence[str]]
    """Of the inline elements, as a content security policy names them: by "script" and "style"."""

    def whole(self, fleet: object | None, start: object) -> bytes:
        """The page with what its scripts read first: the first vehicles, and who is signed in."""
        return self.common + b"".join(_parts(fleet, start))

    def gzipped(self, fleet: object | None, start: object) -> bytes:
        """The same by gzip (RFC 1952), as one member.

        `start` has the session's CSRF token. It is stored, not compressed: the length of the answer then says nothing
        of it, whatever names the vehicles have (BREACH).
        """
        rows, secret = _parts(fleet, start)
        packer = zlib.compressobj(6, _RAW, _WINDOW)
        middle = packer.compress(rows) + packer.flush(zlib.Z_FULL_FLUSH)
        crc = zlib.crc32(secret, zlib.crc32(rows, zlib.crc32(self.common)))
        size = len(self.common) + len(rows) + len(secret)
        return b"".join((_HEADER, self.packed, middle, _stored(secret), struct.pack("<II", crc, size & 0xFFFFFFFF)))


def page_of(index: str, *, styles: str, early: str, modules: str, import_map: str) -> ConsoleHtml:
    """`index` has {{styles}}, {{early}}, {{import_map}} and {{modules}} where these stand."""
    text = index
    inline = {"styles": styles, "early": early, "import_map": import_map, "modules": modules}
    for name, content in inline.items():
        text = text.replace("{{" + name + "}}", content)
    common = text.encode()
    packer = zlib.compressobj(_LEVEL, _RAW, _WINDOW)
    packed = packer.compress(common) + packer.flush(zlib.Z_FULL_FLUSH)
    scripts = [_hash(early), _hash(import_map), _hash(modules)]
    return ConsoleHtml(common, packed, {"script": scripts, "style": [_hash(styles)]})


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _parts(fleet: object | None, start: object) -> tuple[bytes, bytes]:
    return _data("fleet", fleet) if fleet is not None else b"", _data("start", start) + b"</body>\n</html>\n"


def _data(name: str, value: object) -> bytes:
    """JSON that a script reads; no text of it can end the element."""
    text = orjson.dumps(value).replace(b"<", b"\\u003c")
    return b'<script type="application/json" id="evd-%s">%s</script>\n' % (name.encode(), text)


def _stored(content: bytes) -> bytes:
    """The last blocks of a deflate stream, uncompressed (RFC 1951, 3.2.4)."""
    pieces = [content[at : at + _STORED_MAX] for at in range(0, len(content), _STORED_MAX)]
    return b"".join(
        struct.pack("<BHH", piece is pieces[-1], len(piece), len(piece) ^ 0xFFFF) + piece for piece in pieces
    )
