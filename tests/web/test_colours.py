"""The design's colours: contrast of text on its ground in both themes (WCAG 2.2, 1.4.3: 4.5)."""

from __future__ import annotations

import re

import pytest
from folders import ROOT

TOKENS = (ROOT / "evd/web/static/tokens.css").read_text("utf-8")
TONES = ("good", "info", "warn", "bad", "quiet")
PAIRS = [
    *((text, ground) for text in ("text", "muted", "accent") for ground in ("bg", "surface")),
    ("text", "surface-2"),
    ("muted", "surface-2"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("accent-strong", "accent-soft"),
    ("bg", "text"),
    *((tone, ground) for tone in TONES for ground in (f"{tone}-soft", "surface")),
]


def values(block: str) -> dict[str, str]:
    found = re.search(re.escape(block) + r"\s*\{([^}]*)\}", TOKENS)
    assert found, block
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", found[1]))


LIGHT, DARK = values(':root[data-theme="light"]'), values(':root[data-theme="dark"]')


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read(theme: dict[str, str]) -> None:
    weak = {pair: round(contrast(theme[pair[0]], theme[pair[1]]), 2) for pair in PAIRS}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}
    assert contrast(theme["line-strong"], theme["surface"]) >= 3, "edges of fields (1.4.11)"


def test_the_themes_have_the_same_values_and_dark_is_one() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert values(":root:not([data-theme])") == DARK
