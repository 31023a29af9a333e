"""Draw a picture again: upright, not larger than a screen, with nothing but its pixels; and its thumbnail.

Only Pillow reads what was sent, and only the pixels that it gives are written: no EXIF (place, time, camera), no XMP,
comment, embedded preview or colour profile, and nothing that hides behind the picture's end. Colours are converted to
sRGB first. Computes for up to a second without waiting: for a worker thread.
"""

from __future__ import annotations

import io
from typing import NamedTuple

from PIL import Image, ImageCms, ImageOps

from evd.config.settings import ImageSettings
from evd.errors import BadRequest, RequestError, TooLarge
from evd.images.kinds import ImageKind, kind_of

SCANS_MAX = 100
"""Of a progressive JPEG, which usually has ten: each is decoded over the whole picture, so a few bytes would cost as
much as a whole one (libjpeg-turbo's "Two issues with the JPEG standard")."""

_SCAN = b"\xff\xda"

Image.MAX_IMAGE_PIXELS = None  # `images.pixels_max` counts, which refuses with a sentence

_SRGB = ImageCms.createProfile("sRGB")


class Drawing(NamedTuple):
    """A file's content, with its size in pixels."""

    content: bytes
    width: int
    height: int


class Drawn(NamedTuple):
    kind: ImageKind
    picture: Drawing
    thumbnail: Drawing


def drawn(content: bytes, settings: ImageSettings) -> Drawn:
    """Raises BadRequest or TooLarge with a sentence for whoever sent it."""
    kind = kind_of(content)
    if kind is None:
        raise BadRequest("this is no picture that evd takes: send a JPEG, PNG or WebP file")
    if kind.name == "JPEG" and content.count(_SCAN) > SCANS_MAX:
        raise BadRequest("the JPEG has too many scans: save it anew with another program")
    if (size := kind.size(content)) is not None:
        _require_size(size, settings)
    try:
        with Image.open(io.BytesIO(content), formats=[kind.name]) as opened:
            _require_size(opened.size, settings)
            image = _upright(opened, settings.side_max_px)
        image = _plain(image, kind)
        thumbnail = image.copy()
        thumbnail.thumbnail((settings.thumbnail_px, settings.thumbnail_px))
        result = Drawn(kind, _saved(image, kind), _saved(thumbnail, kind))
    except RequestError:
        raise
    except Exception as error:  # Pillow's decoders raise a dozen types for damaged files
        raise BadRequest(f"the {kind.name} file cannot be read ({type(error).__name__}): is it complete?") from None
    if len(result.picture.content) > settings.body_max_bytes:
        raise TooLarge(f"the picture is over {settings.body_max_bytes} bytes as a {kind.name} file: send it as a JPEG")
    return result


def _require_size(size: tuple[int, int], settings: ImageSettings) -> None:
    """By the head of the file: nothing is decoded yet."""
    width, height = size
    if width * height > settings.pixels_max:
        most = settings.pixels_max / 1e6
        raise TooLarge(f"the picture has {width} × {height} pixels, and at most {most:g} million are taken: shrink it")


def _upright(opened: Image.Image, side: int) -> Image.Image:
    """Decoded, no side longer than `side`, turned as its EXIF orientation says."""
    opened.thumbnail((side, side))  # a JPEG is decoded at a fraction of its size already
    return ImageOps.exif_transpose(opened)


def _plain(image: Image.Image, kind: ImageKind) -> Image.Image:
    """A copy in sRGB, with nothing but pixels."""
    if image.mode == "CMYK":
        image = _in_srgb(image, "RGB") or image.convert("RGB")
    elif "icc_profile" in image.info and image.mode in ("RGB", "RGBA"):
        image = _in_srgb(image, image.mode) or image
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits of grey
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode not in kind.modes:
        has_alpha = image.has_transparency_data and "RGBA" in kind.modes
        image = image.convert("RGBA" if has_alpha else "RGB")
    copy = Image.new(image.mode, image.size)
    copy.paste(image)
    return copy


def _in_srgb(image: Image.Image, mode: str) -> Image.Image | None:
    """None: it has no profile of use."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        return ImageCms.profileToProfile(image, profile, _SRGB, outputMode=mode)
    except (KeyError, OSError, ValueError, ImageCms.PyCMSError):
        return None


def _saved(image: Image.Image, kind: ImageKind) -> Drawing:
    file = io.BytesIO()
    image.save(file, kind.name, **kind.options)
    return Drawing(file.getvalue(), *image.size)
