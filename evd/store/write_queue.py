"""The queue of operations to be written, in order, bounded in rows and bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from evd.errors import Unavailable
from evd.store.receipt import Receipt


class WriteQueue:
    """`rows_max` and `bytes_max` bound the queue, `group_rows_max` a group."""

    __slots__ = ("_bytes", "_group_rows_max", "_rows", "bytes_max", "rows_max", "waiting")

    def __init__(self, *, rows_max: int, bytes_max: int, group_rows_max: int) -> None:
        self.rows_max = rows_max
        self.bytes_max = bytes_max
        self.waiting: deque[Receipt] = deque()
        """For reading only: the methods keep the counts of rows and bytes."""
        self._group_rows_max = group_rows_max
        self._rows = 0
        self._bytes = 0

    def add(self, receipt: Receipt) -> None:
        """Add an operation. Raises Unavailable if the queue is full.

        An operation that is larger than the whole queue is accepted while the queue is empty; otherwise it could never
        be written.
        """
        rows = self._rows + receipt.operation.rows
        size = self._bytes + receipt.size_bytes
        if self.waiting and (rows > self.rows_max or size > self.bytes_max):
            raise Unavailable("evd receives more than it can write: send it again later")
        self.waiting.append(receipt)
        self._rows = rows
        self._bytes = size

    def next_group(self) -> list[Receipt]:
        """Remove and return the next group: `group_rows_max` rows, or one operation that has more by itself."""
        waiting, rows, size = self.waiting, 0, 0
        group: list[Receipt] = []
        while waiting:
            receipt = waiting[0]
            rows += receipt.operation.rows
            if rows > self._group_rows_max and group:
                rows -= receipt.operation.rows
                break
            size += receipt.size_bytes
            group.append(waiting.popleft())
        self._rows -= rows
        self._bytes -= size
        return group

    def put_back(self, group: Sequence[Receipt]) -> None:
        """Put a group back at the head of the queue, regardless of its bounds: it was accepted before."""
        self.waiting.extendleft(reversed(group))
        self._rows += sum([receipt.operation.rows for receipt in group])
        self._bytes += sum([receipt.size_bytes for receipt in group])

    def clear(self) -> None:
        self.waiting.clear()
        self._rows = self._bytes = 0
