"""The readable twin of `_packed_heads.pyx`, which says why: it takes four times the memory."""

from __future__ import annotations

PackedHead = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int]
"""number, slots, kept, newest, time, seq, behind, frames (0, 1); of the tally time, seq, received, lost, resets."""

NAME_BYTES_MAX = 12
"""A longer name (Sigfox's ids have 8 digits at most) is not taken."""

INT16, UINT16 = range(-(1 << 15), 1 << 15), range(1 << 16)
INT32, UINT32, INT64 = range(-(1 << 31), 1 << 31), range(1 << 32), range(-(1 << 63), 1 << 63)
RANGES = (UINT32, UINT32, UINT32, INT32, INT64, INT32, range(256), range(2), INT64, INT16, INT32, INT32, INT32)
"""Of each number of a PackedHead."""


class PackedHeads:
    """Vehicle → PackedHead; at most `heads_max`, then one that came early makes room."""

    def __init__(self, heads_max: int) -> None:
        self._heads_max = heads_max
        self._heads: dict[str, PackedHead] = {}

    def __len__(self) -> int:
        return len(self._heads)

    def put(self, vehicle: str, head: PackedHead) -> bool:
        """Keep a head; False, without it, if its name is too long or a number too large."""
        if not self._heads_max or len(vehicle.encode()) > NAME_BYTES_MAX:
            return False
        if not all(number in numbers for number, numbers in zip(head, RANGES, strict=True)):
            return False
        if vehicle not in self._heads and len(self._heads) >= self._heads_max:
            del self._heads[next(iter(self._heads))]
        self._heads[vehicle] = head
        return True

    def take(self, vehicle: str) -> PackedHead | None:
        """Give a head back, and keep it no longer."""
        return self._heads.pop(vehicle, None)

    def clear(self) -> None:
        self._heads.clear()
