"""The form of all secrets that evd makes: `evd_<kind>_<id>_<secret>_<checksum>`. Only their SHA-256 is stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import zlib
from collections.abc import Container

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_CHARACTERS = 43
"""256 bits: a random secret of this size needs no slow hash."""

ID_CHARACTERS = 8


def new_secret_text(kind: str) -> str:
    """A new secret; `kind` has lower-case letters only."""
    body = f"evd_{kind}_{_random(ID_CHARACTERS)}_{_random(SECRET_CHARACTERS)}"
    return f"{body}_{_checksum(body)}"


def is_well_formed(text: str, kinds: Container[str]) -> bool:
    """Whether the text is a secret of one of these kinds by its form and its checksum; it need not be valid."""
    parts = text.split("_")
    return (
        len(parts) == 5
        and parts[0] == "evd"
        and parts[1] in kinds
        and len(parts[2]) == ID_CHARACTERS
        and len(parts[3]) == SECRET_CHARACTERS
        and hmac.compare_digest(parts[4].encode("utf-8"), _checksum("_".join(parts[:4])).encode())
    )


def id_in(text: str) -> str:
    """The id in a well-formed secret; it is not secret."""
    return text.split("_")[2]


def digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _checksum(body: str) -> str:
    """CRC-32 in six base-62 digits: a mistyped secret is recognized without a look-up in any table."""
    number, digits = zlib.crc32(body.encode("utf-8")), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits


def _random(characters: int) -> str:
    return "".join(secrets.choice(_BASE62) for _ in range(characters))
