"""A status as it stands in its ring, for whatever decodes it anew."""

from __future__ import annotations

from evd.model.status import Status


class KeptStatus(Status, frozen=True, gc=False):
    """With the body that brought it, and what the network said of it."""

    document: bytes
    radio: str | None = None
    """A JSON object."""

    def coarse(self) -> KeptStatus:
        """Also without the body and the network's word, which say the place."""
        head = self.vehicle, self.status_id, self.time, self.seq, self.connectivity
        return KeptStatus(*head, None, super().coarse().fields, self.received, self.flags, b"{}")
