"""The types of pictures that are taken, by their first bytes: what a request calls them does not count.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class ImageKind(NamedTuple):
    """A type of picture; `begins` matches the first bytes of its files."""

    name: str
    """As Pillow calls it."""
    media: str
    begins: re.Pattern[bytes]
    modes: tuple[str, ...]
    """Pillow's modes of pixels that it is written with; any other is converted to the last one."""
    options: Mapping[str, Any]
    """Of Pillow's `save`."""
    size: Callable[[bytes], tuple[int, int] | None] = lambda content: None
    """Width and height by the first bytes, where Pillow reserves memory for all pixels before it gives them."""


def webp_size(content: bytes) -> tuple[int, int] | None:
    """Pixels, by the first chunk of a WebP file (RFC 9649); None: it is damaged."""
    head = content[12:30].ljust(18, b"\0")
    if head.startswith(b"VP8X"):
        return 1 + int.from_bytes(head[12:15], "little"), 1 + int.from_bytes(head[15:18], "little")
    if head.startswith(b"VP8L") and head[8] == 0x2F:
        bits = int.from_bytes(head[9:13], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if head.startswith(b"VP8 ") and head[11:14] == b"\x9d\x01\x2a":
        return int.from_bytes(head[14:16], "little") & 0x3FFF, int.from_bytes(head[16:18], "little") & 0x3FFF
    return None


KINDS: tuple[ImageKind, ...] = (
    # 85 is where a photo's artefacts cannot be seen yet; progressive files are some per cent shorter.
    ImageKind(
        "JPEG",
        "image/jpeg",
        re.compile(rb"\xff\xd8\xff"),
        ("L", "RGB"),
        MappingProxyType({"quality": 85, "progressive": True, "optimize": True}),
    ),
    ImageKind("PNG", "image/png", re.compile(rb"\x89PNG\r\n\x1a\n"), ("L", "LA", "RGB", "RGBA"), MappingProxyType({})),
    ImageKind(
        "WEBP",
        "image/webp",
        re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
        ("RGB", "RGBA"),
        MappingProxyType({"quality": 85, "method": 4}),
        webp_size,
    ),
)


def kind_of(content: bytes) -> ImageKind | None:
    """None: it is no picture of a known type."""
    return next((kind for kind in KINDS if kind.begins.match(content)), None)
