"""Sigfox's count of frames: what a gap in it says, and a vehicle's tally of one day (UTC).

A device numbers every frame it sends (STATUS frames too) from 0 to 4095 and round again, and begins anew with 0 when it
is flashed; so what is missing between two numbers was sent, and did not arrive. A `contract` is the number of messages
a day that a device may send.
"""

from __future__ import annotations

from typing import NamedTuple

from evd.model.units import DAY_MS

SEQ_MAX = 4095
"""seqNumber has 12 bits (support.sigfox.com, "Sequence number: general knowledge")."""

NOTHING = -1
"""A tally's time before its first frame."""

NOT_COUNTED = -2
"""The same, but its vehicle's ring holds statuses that an evd which did not count took in."""


class Gap(NamedTuple):
    """What lies between two frames: how many were lost, or whether the device began to count anew."""

    lost: int
    reset: bool


_NONE = Gap(0, False)
_RESET = Gap(0, True)


def gap(before: int, after: int, elapsed_ms: int, contract: int) -> Gap:
    """What the seqNumbers of two frames, `elapsed_ms` apart and nothing known between them, say."""
    jump = (after - before) & SEQ_MAX
    if jump <= 1:
        return _NONE
    return Gap(jump - 1, False) if jump <= passes(elapsed_ms, contract) else _RESET


def passes(elapsed_ms: int, contract: int) -> int:
    """The longest jump that the network lets pass after so long: max(300 * days, contract * (days + 2)).

    By the page of Sigfox's named above. Messages beyond it are discarded until the count was accepted anew; so where
    such a jump is seen, the device was flashed.
    """
    by_time, by_contract = 300 * elapsed_ms, contract * (elapsed_ms + 2 * DAY_MS)
    return (by_time if by_time > by_contract else by_contract) // DAY_MS


class DayTally:
    """The newest frame of a vehicle, by (time, seqNumber), and the numbers of its day so far.

    `time` is epoch ms, or NOTHING or NOT_COUNTED. A gap is put to the day of the frame after it.
    """

    __slots__ = ("lost", "midnight", "received", "resets", "seq", "time")

    def __init__(self, time: int = NOTHING, seq: int = -1, received: int = 0, lost: int = 0, resets: int = 0) -> None:
        self.time = time
        self.seq = seq
        self.midnight = (self.day + 1) * DAY_MS
        """The end of its day; what is later belongs to another one."""
        self.received = received
        self.lost = lost
        self.resets = resets

    @property
    def day(self) -> int:
        """Since 1970; -1 before the first frame."""
        return self.time // DAY_MS

    @property
    def numbers(self) -> tuple[int, int, int, int, int]:
        """What it is made of, and made from again."""
        return self.time, self.seq, self.received, self.lost, self.resets

    def add(self, time: int, seq: int, contract: int) -> None:
        """A frame newer than the newest, of the same day."""
        jump = (seq - self.seq) & SEQ_MAX
        if jump > 1:
            if jump <= passes(time - self.time, contract):
                self.lost += jump - 1
            else:
                self.resets += 1
        self.received += 1
        self.time = time
        self.seq = seq

    def turn(self, time: int, seq: int, contract: int) -> None:
        """A frame newer than the newest, of another day, or the first of all: the numbers begin anew with it."""
        self.received = self.lost = self.resets = 0
        if self.time < 0:
            self.seq = seq
        self.add(time, seq, contract)
        self.midnight = (self.day + 1) * DAY_MS
