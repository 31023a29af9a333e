"""A stall: operations wait and nothing is committed for too long; the reason says whose fault that is."""

from __future__ import annotations

import pytest

from evd.model.daemon_state import NotReady
from evd.store.stall import Stall

AFTER_S = 5.0
Look = tuple[float, bool, int, str]
"""The time, whether operations wait, how many groups were committed, and why the last attempt failed."""


def reasons(*looks: Look) -> list[NotReady | None]:
    stall = Stall(AFTER_S)
    found = []
    for now, waiting, commits, refused in looks:
        before = stall.reason
        changed = stall.look(now, waiting=waiting, commits=commits, refused=refused)
        assert changed is (stall.reason != before)
        found.append(stall.reason)
    return found


@pytest.mark.parametrize(
    ("looks", "last"),
    [
        ([(0, True, 0, ""), (4.9, True, 0, "")], None),
        ([(0, True, 0, ""), (5, True, 0, "")], NotReady.DISK_HANGS),
        ([(0, True, 0, ""), (5, True, 0, "held by sqlite3")], NotReady.DATABASE_HELD),
        ([(0, False, 0, "held"), (5, False, 0, "held")], NotReady.DATABASE_HELD),  # maintenance is refused
        ([(0, False, 0, ""), (99, True, 0, "")], None),  # it counts from the first that waits
        ([(0, True, 0, ""), (4, True, 1, ""), (8, True, 1, "")], None),
        ([(0, True, 0, ""), (4, True, 1, ""), (9, True, 1, "")], NotReady.DISK_HANGS),
        ([(0, True, 0, ""), (4, False, 0, ""), (5, True, 0, ""), (9, True, 0, "")], None),
        ([(0, True, 0, ""), (5, True, 0, ""), (6, True, 1, "")], None),
        ([(0, True, 0, ""), (5, True, 0, ""), (6, False, 0, "")], None),
        ([(0, True, 0, ""), (5, True, 0, ""), (6, True, 0, "held")], NotReady.DATABASE_HELD),
    ],
)
def test_a_stall_lasts_until_something_is_committed_or_nothing_waits(looks: list[Look], last: NotReady | None) -> None:
    assert reasons(*looks)[-1] is last


def test_the_sentence_of_a_stall_says_what_to_do() -> None:
    stall = Stall(AFTER_S)
    for refused, says in (("", "the disk does not answer: look at it"), ("held by sqlite3", "held by sqlite3")):
        for now in (0.0, AFTER_S):
            stall.look(now, waiting=True, commits=0, refused=refused)
        assert stall.detail.startswith(says)
