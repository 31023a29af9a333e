"""Pictures for tests: drawn, or heads that say how large they are."""

from __future__ import annotations

import io
import zlib
from typing import Any

from PIL import Image

RED, BLUE = (250, 10, 10), (10, 10, 250)


def picture(
    form: str = "JPEG", size: tuple[int, int] = (400, 200), mode: str = "RGB", color: Any = RED, **how: Any
) -> bytes:
    """Of one colour, its left half blue if it is RGB."""
    image = Image.new(mode, size, color)
    if mode == "RGB":
        image.paste(BLUE, (0, 0, size[0] // 2, size[1]))
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG file that says it is so large, and is a few bytes long."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def webp_of(width: int, height: int) -> bytes:
    """The head of a WebP file that says it is so large."""
    head = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + (22).to_bytes(4, "little") + b"WEBPVP8X" + (10).to_bytes(4, "little") + head
