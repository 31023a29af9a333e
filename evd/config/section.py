"""What the tables of evd.toml are made of."""

from __future__ import annotations

from typing import Annotated

import msgspec

Secret = Annotated[str, msgspec.Meta(extra={"secret": True})]
"""A setting that no command, log or backup shows: better in the environment than in evd.toml."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of evd.toml."""
