"""Secrets that are recognized by their form, wherever they are: keys, tokens and passwords."""

from __future__ import annotations

import re
from typing import NamedTuple

MASK = "***"
"""Replaces a secret; it needs no escape in JSON, in a form, in a URL, in a header or on a terminal."""

SCHEME_VALUE_MIN = 16
"""From so many characters on, what follows a scheme's name is no word, as it is in `Basic authentication`."""


class SecretShape(NamedTuple):
    """Every text that matches `pattern` contains `hint`, in lower case: so few texts have to be searched.

    No pattern matches right behind a backslash, where a letter may be part of a JSON escape.
    """

    hint: str
    pattern: re.Pattern[str]
    masked: str = MASK


SHAPES: tuple[SecretShape, ...] = (
    SecretShape(
        "evd_",
        re.compile(r"(?i)evd_(?:sigfox|device|app|admin|token|session)_[0-9a-z]{4,12}_[0-9a-z]++(?:_[0-9a-z]*+)?"),
    ),
    SecretShape("evd_", re.compile(r"(?i)evd_csrf_[0-9a-z]{16,}+")),
    SecretShape(
        "eyj", re.compile(r"(?<![\w\\-])eyJ[\w-]{6,}+(?:\.[\w-]*+)*")
    ),  # a JWT: {" in base64, also when it was cut
    SecretShape(
        "eya", re.compile(r"(?<![\w\\-])eyA[\w-]{6,}+\.[\w-]{2,}+\.[\w-]*+")
    ),  # those whose JSON begins with a blank
    SecretShape("ewo", re.compile(r"(?<![\w\\-])ewo[\w-]{6,}+\.[\w-]{2,}+\.[\w-]*+")),
    SecretShape("ew0", re.compile(r"(?<![\w\\-])ew0[\w-]{6,}+\.[\w-]{2,}+\.[\w-]*+")),
    SecretShape("apa91", re.compile(r"(?<![\w\\-])[\w-]++(?::|%3[Aa])APA91[\w-]++")),  # an FCM registration token
    SecretShape("apa91", re.compile(r"(?<![\w\\-])APA91[\w-]{16,}+")),
    SecretShape("ya29.", re.compile(r"ya29\.[\w.-]{4,}+")),  # Google: access token, refresh token, API key
    SecretShape("1//", re.compile(r"(?<![\w/\\])1//[\w-]{20,}+")),
    SecretShape("aiza", re.compile(r"AIza[\w-]{30,}+")),
    SecretShape("evd_invit", re.compile(r"(?i)evd_invitation_[0-9a-z]{4,12}_[0-9a-z]++(?:_[0-9a-z]*+)?")),
    SecretShape("whsec_", re.compile(r"whsec_[\w+/=-]{8,}+")),  # Standard Webhooks
    SecretShape("gh", re.compile(r"(?<![A-Za-z0-9\\])(?:gh[opsru]_|github_pat_)\w{20,}+")),
    SecretShape("glpat-", re.compile(r"glpat-[\w-]{16,}+")),
    SecretShape("xox", re.compile(r"xox[a-z]-[\w-]{10,}+")),
    SecretShape("akia", re.compile(r"(?<![A-Za-z0-9\\])AKIA[0-9A-Z]{16}(?![0-9A-Za-z])")),  # AWS
    SecretShape("asia", re.compile(r"(?<![A-Za-z0-9\\])ASIA[0-9A-Z]{16}(?![0-9A-Za-z])")),
    SecretShape("k_", re.compile(r"(?<![A-Za-z0-9\\])[rs]k_(?:live|test)_\w{10,}+")),
    SecretShape(
        "private key",
        re.compile(
            r"-----BEG[I]N [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:[\w+/=\s,:]++|\\++[nr]|-(?!----))*"
            r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)?"
        ),
    ),
    SecretShape(
        "://", re.compile(r"(?<=://)[^\s/@:\"'<>]*+:[^\s/@\"'<>]++@"), f"{MASK}@"
    ),  # user and password of a URL
)

SCHEMES = ("bearer", "basic", "token", "apikey", "digest", "negotiate", "sharedaccesssignature", "sharedaccesskey")
_scheme = re.compile(rf"(?i)(?<![A-Za-z\\])(?:{'|'.join(SCHEMES)})[ \t]{{1,8}}([\w.~+/=:%-]{{8,}}+)")


def without_shapes(text: str) -> str:
    """The text with everything masked that has a secret's form; in linear time."""
    lowered = text.lower()
    for hint, pattern, masked in SHAPES:
        if hint in lowered:
            text = pattern.sub(masked, text)
    if any(scheme in lowered for scheme in SCHEMES):
        text = _scheme.sub(_masked_scheme, text)
    return text


def _masked_scheme(found: re.Match[str]) -> str:
    """`Bearer` and what follows, unless that is a word: prose also mentions authentication schemes."""
    value = found[1]
    word = value.isalpha() and len(value) < SCHEME_VALUE_MIN and value[1:].islower()
    return found[0] if word else MASK


OPAQUE_MIN = 20
"""From so many characters on, a mixture of letters and digits counts as a token in a refused request."""

_opaque = re.compile(rf"(?<![\w+/=~\\-])[\w+/=~-]{{{OPAQUE_MIN},}}+")
_number = re.compile(r"[-+]?[0-9]++(?:[eE][-+]?[0-9]+)?")
_short_hex = re.compile(r"[0-9A-Fa-f]{1,24}")  # a payload of 12 bytes, a deviceTypeId: in a line they have no names
_mixture = re.compile(r"[A-Za-z][0-9]+[A-Za-z]|[0-9][A-Za-z]+[0-9]")
_piece = re.compile(rf"[A-Za-z0-9]{{{OPAQUE_MIN},}}")


def is_opaque(text: str) -> bool:
    """Whether a text looks like a token: long, without a blank, letters among digits.

    Words with a number behind them do not: `outdoor_temperature_sensor_2`.
    """
    return _opaque.fullmatch(text) is not None and _mixed(text)


def without_opaque(text: str) -> str:
    """The text with everything masked that `is_opaque`."""
    return _opaque.sub(lambda found: MASK if _mixed(found[0]) else found[0], text)


def _mixed(text: str) -> bool:
    if _number.fullmatch(text) or _short_hex.fullmatch(text):
        return False
    return _mixture.search(text) is not None or any(_in_two_alphabets(piece) for piece in _piece.findall(text))


def _in_two_alphabets(piece: str) -> bool:
    """Whether it has letters and digits, or letters of both cases in a length that no word has."""
    if not piece.isalpha():
        return not piece.isdecimal()
    return len(piece) >= 2 * OPAQUE_MIN and not piece.islower() and not piece.isupper()
