"""A status as it stands in its ring, for whoever decodes it anew."""

from __future__ import annotations

import msgspec


class KeptStatus(msgspec.Struct, frozen=True, gc=False):
    """A status as it stands in its ring; `time` is epoch ms, `fields` and `radio` are JSON objects."""

    vehicle: str
    id: str
    time: int
    seq: int | None
    connectivity: int
    payload: bytes | None
    fields: str
    document: bytes
    flags: str
    radio: str | None = None
