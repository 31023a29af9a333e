"""Secrets are recognized by their form wherever they stand; words and payloads are none."""

from __future__ import annotations

import pytest
from secret_samples import SHAPES

from evd.redaction.requests import (
    ACCEPTED,
    MASK,
    MaskingRule,
    masked_bytes,
    refused,
)
from evd.redaction.shapes import SHAPES as secret_shapes
from evd.redaction.shapes import SecretShape, is_opaque, without_opaque, without_shapes

REFUSED = refused()


RULES = pytest.mark.parametrize("rule", [ACCEPTED, REFUSED], ids=["accepted", "refused"])


def shown(text: str, rule: MaskingRule = REFUSED) -> str:
    return masked_bytes(text.encode(), rule).decode()


OTHERS = (
    "evd_csrf_0123456789abcdef",
    "evd_invitation_Ab3dEf6h_0123_xyz",
    "eyAiYWxnIjoi.ImEi.c2ln",
    "ewogICJhbGci.ImEi.c2ln",
    "ew0KICJhbGci.ImEi.c2ln",
    "APA91bHun4MxP5egoKMwt2KZ",
    "1//0abcdefghijklmnopqrst",
    "gh" + "p_0123456789abcdefghij",
    "github" + "_pat_0123456789abcdefghij",
    "gl" + "pat-0123456789abcdef",
    "xo" + "xb-0123456789",
    "AK" + "IA0123456789ABCDEF",
    "AS" + "IA0123456789ABCDEF",
    "sk" + "_live_0123456789",
)
"""Samples that `secret_samples` lacks; those of others' shapes in two parts, so that no scanner finds them here."""


@RULES
@pytest.mark.parametrize("secret", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize(
    "around",
    ['{{"note":"{}","n":1}}', "reason {} here", "386625;{};00", "(see {})", '{{"n":["{}"]}}', "u=https://x/{}?y"],
)
def test_a_secrets_shape_is_masked_wherever_it_stands(rule: MaskingRule, secret: str, around: str) -> None:
    left = shown(around.format(secret), rule)
    assert MASK in left
    for part in (secret, *(part for part in secret.replace("\\n", "\n").split() if len(part) > 7)):
        assert part not in left


@pytest.mark.parametrize("shape", secret_shapes, ids=lambda shape: shape.pattern.pattern[:30])
def test_each_shape_has_its_sample_which_contains_its_hint(shape: SecretShape) -> None:
    found = [
        match[0]
        for sample in (*SHAPES.values(), *OTHERS, "https://user:C@x.org")
        for match in shape.pattern.finditer(sample)
    ]
    assert found, "no sample has this shape: add one"
    if shape.hint != "://":  # stands before what is masked
        assert all(shape.hint in text.lower() for text in found)


@pytest.mark.parametrize("sample", OTHERS)
def test_a_sample_is_masked_whole(sample: str) -> None:
    assert without_shapes(f"a {sample} b") == f"a {MASK} b"
    assert without_shapes(f"a \\{sample} b") != f"a \\{MASK} b" or sample[:1] not in "bfnrtu", (
        "an escape's letter stays"
    )


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Basic authentication", None),
        ("bearer Xyzzyxyzz", None),
        ("bearer XyzzyXyzz", "***"),
        ("token abcdefghijklmnop", "***"),
        ("token abcdefghijklmno", None),
        ("mybearer XyzzyXyzz", None),
    ],
)
def test_a_word_behind_a_schemes_name_is_no_secret(text: str, left: str | None) -> None:
    assert without_shapes(text) == (text if left is None else left)


@pytest.mark.parametrize(
    ("text", "opaque"),
    [
        ("a1b2c3d4e5f6g7h8i9j0", True),
        ("a1b2c3d4e5f6g7h8i9j", False),  # 19 characters
        ("0123456789abcdef01234567", False),  # a payload
        ("0123456789abcdef012345678", True),
        ("-12345678901234567890e-12", False),
        ("outdoor_temperature_sensor_2", False),
        ("ABCDEFGHIJabcdefghijABCDEFGHIJabcdefghij", True),
        ("abcdefghijabcdefghijabcdefghijabcdefghij", False),
        ("a1b2c3d4 e5f6g7h8i9j0", False),
    ],
)
def test_a_long_mixture_of_letters_and_digits_looks_like_a_token(text: str, opaque: bool) -> None:
    assert is_opaque(text) is opaque
    assert without_opaque(f"({text})") == (f"({MASK})" if opaque else f"({text})")
