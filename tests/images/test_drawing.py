"""What is left of a picture that was sent: its pixels, upright, and nothing else; and what is refused."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pictures_of import BLUE, RED, picture, png_of, webp_of
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from evd.config.settings import ImageSettings
from evd.errors import BadRequest, TooLarge
from evd.images.drawing import SCANS_MAX, drawn
from evd.images.kinds import KINDS, kind_of

SETTINGS = ImageSettings(pixels_max=1_000_000, side_max_px=300, thumbnail_px=64)
SECRET = b"48.15213N 17.10733E"
ORIENTATION = 0x112


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def is_near(pixel: Any, wanted: tuple[int, ...]) -> bool:
    return all(abs(one - other) < 12 for one, other in zip(pixel, wanted, strict=True))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_picture_is_scaled_down_and_has_a_thumbnail(kind: Any) -> None:
    result = drawn(picture(kind.name), SETTINGS)
    assert result.kind is kind and kind_of(result.picture.content) is kind
    assert (result.picture.width, result.picture.height) == (300, 150)
    assert (result.thumbnail.width, result.thumbnail.height) == (64, 32)
    for one in (result.picture, result.thumbnail):
        image = opened(one.content)
        assert (image.format, image.size) == (kind.name, (one.width, one.height))
        assert is_near(image.getpixel((2, 2)), BLUE) and is_near(image.getpixel((one.width - 3, 2)), RED)
    small = drawn(picture(kind.name, (20, 10)), SETTINGS)
    assert (small.picture.width, small.thumbnail.width) == (20, 20), "nothing is scaled up"


@pytest.mark.parametrize(
    ("orientation", "size", "blue", "red"),
    [(3, (300, 150), (297, 2), (2, 2)), (6, (150, 300), (2, 2), (2, 297)), (8, (150, 300), (2, 297), (2, 2))],
)
def test_it_stands_upright_as_its_exif_says(
    orientation: int, size: tuple[int, int], blue: tuple[int, int], red: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    result = opened(drawn(picture(exif=exif), SETTINGS).picture.content)
    assert result.size == size
    assert is_near(result.getpixel(blue), BLUE) and is_near(result.getpixel(red), RED)


def with_exif(form: str) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    comment = {"comment": SECRET} if form == "JPEG" else {}
    return picture(form, exif=exif, **({"xmp": SECRET} if form != "PNG" else {}), **comment)


def with_text() -> bytes:
    about = PngInfo()
    about.add_text("place", SECRET.decode())
    about.add_itxt("place", SECRET.decode(), zip=True)
    return picture("PNG", pnginfo=about)


@pytest.mark.parametrize(
    "content", [*(with_exif(kind.name) for kind in KINDS), with_text(), picture() + SECRET, picture("PNG") + SECRET]
)
def test_what_it_says_besides_is_gone(content: bytes) -> None:
    result = drawn(content, SETTINGS)
    for one in (result.picture.content, result.thumbnail.content):
        image = opened(one)
        assert SECRET not in one and not dict(image.getexif())
        assert not {"exif", "xmp", "comment", "icc_profile", "place"} & {str(name) for name in image.info}


@pytest.mark.parametrize(
    ("form", "mode", "color", "shown"),
    [
        ("PNG", "RGBA", (10, 250, 10, 100), (10, 250, 10, 100)),
        ("WEBP", "RGBA", (10, 250, 10, 100), (10, 250, 10, 100)),
        ("PNG", "P", 0, None),
        ("PNG", "1", 1, (255, 255, 255)),
        ("PNG", "I;16", 0x8000, 128),
        ("PNG", "LA", (77, 9), (77, 9)),
        ("JPEG", "L", 77, 77),
        ("JPEG", "CMYK", (0, 255, 255, 0), None),
    ],
)
def test_pixels_of_other_kinds(form: str, mode: str, color: Any, shown: Any) -> None:
    result = opened(drawn(picture(form, mode=mode, color=color), SETTINGS).picture.content)
    assert result.mode in {mode for kind in KINDS for mode in kind.modes}
    if shown is not None:
        pixel = result.getpixel((5, 5))
        assert is_near(pixel if isinstance(pixel, tuple) else (pixel,), shown if isinstance(shown, tuple) else (shown,))


def test_colours_of_another_profile_are_converted() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    bad = picture("PNG", icc_profile=b"no profile")
    assert is_near(opened(drawn(bad, SETTINGS).picture.content).getpixel((297, 2)), RED), "a wrong one does not count"
    assert drawn(picture("PNG", icc_profile=profile.tobytes()), SETTINGS), "nor one for other pixels"
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    good = opened(drawn(picture("PNG", icc_profile=srgb.tobytes()), SETTINGS).picture.content)
    assert is_near(good.getpixel((297, 2)), RED)


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"", BadRequest, "send a JPEG, PNG or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", BadRequest, "send a JPEG, PNG or WebP"),
        (picture("GIF"), BadRequest, "send a JPEG, PNG or WebP"),
        (picture("TIFF"), BadRequest, "send a JPEG, PNG or WebP"),
        (b"\xff\xd8\xff" + SECRET, BadRequest, "JPEG file cannot be read"),
        (picture()[:-400], BadRequest, "JPEG file cannot be read"),
        (picture("WEBP")[:100], BadRequest, "WEBP file cannot be read"),
        (png_of(20, 20), BadRequest, "PNG file cannot be read"),
        (png_of(60_000, 60_000), TooLarge, "60000 × 60000 pixels, and at most 1 million"),
        (webp_of(16_000, 16_000), TooLarge, "16000 × 16000 pixels"),
        (picture("PNG", (1001, 1000)), TooLarge, "1001 × 1000 pixels"),
        (picture() + b"\xff\xda" * SCANS_MAX, BadRequest, "too many scans"),
    ],
    ids=[
        "nothing",
        "SVG",
        "GIF",
        "TIFF",
        "only magic",
        "cut",
        "cut WebP",
        "no data",
        "a bomb",
        "a WebP bomb",
        "too large",
        "scans",
    ],
)
def test_what_is_refused(content: bytes, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        drawn(content, SETTINGS)
    assert SECRET.decode() not in str(caught.value)


def test_a_picture_that_is_long_when_it_is_drawn_again_is_refused() -> None:
    noise = Image.effect_noise((300, 300), 100)
    file = io.BytesIO()
    noise.save(file, "PNG")
    small = ImageSettings(body_max_bytes=65_536, pixels_max=1_000_000)
    with pytest.raises(TooLarge, match="send it as a JPEG"):
        drawn(file.getvalue(), small)


def test_an_animation_is_its_first_picture() -> None:
    frames = [Image.new("RGB", (40, 40), color) for color in (BLUE, RED)]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    result = opened(drawn(file.getvalue(), SETTINGS).picture.content)
    assert is_near(result.getpixel((5, 5)), BLUE) and not getattr(result, "is_animated", False)
