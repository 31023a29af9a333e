"""A status as it stands in its ring, for whatever decodes it anew."""

from __future__ import annotations

from evd.model.status import Status


class KeptStatus(Status, frozen=True, gc=False):
    """With the body that brought it, and what the network said of it."""

    document: bytes
    radio: str | None = None
    """A JSON object."""
