"""Choose what keeps packed heads: the Cython twin, if it is built and EVD_CODEC allows it, else the Python twin."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from evd.payload import codec
from evd.store.sqlite._packed_heads_py import PackedHead, PackedHeads

if not TYPE_CHECKING and codec.choose(os.environ) == "cython":
    with suppress(ImportError):  # the twin keeps the same
        from evd.store.sqlite._packed_heads import PackedHeads

__all__ = ["PackedHead", "PackedHeads"]
