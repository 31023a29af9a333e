"""The ordinary callback's fast path: from the body to the finished `Arrive` in one step, if Cython is built.

`_fast_path.pyx` defines what is ordinary. For every other body `read` returns None without a reason; the readable path,
`evd.sigfox.message` and `evd.sigfox.decode_policy`, then reads it and makes all error sentences.
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
    from evd.ingest._fast_path import FastPath

__all__ = ["FastPath", "NoFastPath", "choose"]


class NoFastPath:
    """The substitute without Cython, for which nothing is ordinary; its methods specify those of `FastPath` too.

    `default` is the default format. `assigned` holds the vehicles with a format of their own, and those that are
    ignored or merged. It is consulted for each callback, so it may change.
    """

    def __init__(self, default: Format, assigned: Container[str]) -> None:
        pass

    def read(self, body: bytes, connectivity: int, now: int) -> Arrive | None:
        """The arrival, if `body` is an ordinary callback of a vehicle that is not in `assigned`; else None.

        `connectivity` is the channel, `now` the server's time in epoch ms. Every field equals what the readable path
        makes of the body. Never raises, whatever bytes the body holds.
        """
        return None


def choose(environ: Mapping[str, str]) -> type[FastPath | NoFastPath]:
    """The fast path of the codec in use. Raises ConfigError if EVD_CODEC names a codec that is not built."""
    if codec.choose(environ) == "python":
        return NoFastPath
    try:
        from evd.ingest._fast_path import FastPath
    except ImportError:
        if environ.get("EVD_CODEC"):
            raise ConfigError("EVD_CODEC asks for cython, which is half built; run `make build` or unset it") from None
        return NoFastPath
    return FastPath


if not TYPE_CHECKING:
    FastPath = choose(os.environ)
