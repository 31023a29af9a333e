"""What a backup says about itself: the first member of its archive."""

from __future__ import annotations

import msgspec

from evd.errors import BackupError

FORMAT = 1
"""Of the archive. A newer one may have members that this evd does not know."""

MANIFEST, DATABASE, SETTINGS, IMAGES = "manifest.json", "evd.db", "evd.toml", "images/"
"""Members of an archive: names of files, and of the folder with the vehicles' images."""

MANIFEST_MAX_BYTES = 16 * 1024 * 1024
"""For 100,000 images."""


class Member(msgspec.Struct, frozen=True):
    """A file of the archive."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """`rows` counts the rows of each table, `left_out` names the settings whose values are secrets."""

    format: int
    evd: str
    schema: int
    made_ms: int
    host: str
    rows: dict[str, int]
    files: dict[str, Member]
    left_out: list[str] = []

    def encoded(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=1)


def decoded(data: bytes, where: str) -> Manifest:
    """Raises BackupError."""
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupError(f"{where} is no backup of evd (its manifest cannot be read: {error})") from None
    if manifest.format > FORMAT:
        raise BackupError(
            f"{where} was made by evd {manifest.evd}: install that version, or a newer one, to restore it"
        )
    wrong = [name for name in manifest.files if not is_member(name)]
    if wrong or DATABASE not in manifest.files:
        raise BackupError(
            f"{where} is no backup of evd: it has {wrong[0][:60]!r}" if wrong else f"{where} has no evd.db"
        )
    return manifest


def is_member(name: str) -> bool:
    """Whether a file of this name may be in an archive: nothing outside of the directory that it is restored into."""
    if name in (DATABASE, SETTINGS):
        return True
    parts = name.removeprefix(IMAGES).split("/")
    return name.startswith(IMAGES) and not {"", ".", ".."} & set(parts) and "\0" not in name
