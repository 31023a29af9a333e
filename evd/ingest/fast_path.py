"""The ordinary callback's shortcut: from its body to the finished `Arrive` in one step, where Cython runs.

What is ordinary is said in `_ordinary.pyx`. Everything else takes the readable way, by `evd.sigfox.message` and
`evd.sigfox.decode_policy`: `read` gives None and never says why, so whatever a sender is told comes from there.
"""

from __future__ import annotations

import os
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

from evd.errors import ConfigError
from evd.model.operations import Arrive
from evd.payload import codec
from evd.payload.formats import Format

if TYPE_CHECKING:
    from evd.ingest._fast_path import Shortcut

__all__ = ["NoFastPath", "Shortcut", "choose"]


class NoFastPath:
    """Where Cython does not run, nothing is ordinary; what the methods say holds for `Shortcut` as well.

    `default` is the default format. `assigned` holds the vehicles with a format of their own; it is asked at each
    callback, so a dict that changes is followed.
    """

    def __init__(self, default: Format, assigned: Container[str]) -> None:
        pass

    def read(self, body: bytes, connectivity: int, now: int) -> Arrive | None:
        """What arrived, if `body` is an ordinary callback of a vehicle that is not in `assigned`; else None.

        `connectivity` is the channel, `now` the server's time in epoch ms. The Arrive equals in every field what the
        readable way gives. Raises nothing, whatever bytes the body holds.
        """
        return None


def choose(environ: Mapping[str, str]) -> type[Shortcut | NoFastPath]:
    """The shortcut that belongs to the codec in use. Raises ConfigError where EVD_CODEC cannot be obeyed."""
    if codec.choose(environ) == "python":
        return NoFastPath
    try:
        from evd.ingest._fast_path import Shortcut
    except ImportError:
        if environ.get("EVD_CODEC"):
            raise ConfigError("EVD_CODEC asks for cython, which is half built; run `make build` or unset it") from None
        return NoFastPath
    return Shortcut


if not TYPE_CHECKING:
    Shortcut = choose(os.environ)
