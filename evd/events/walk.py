"""The walk through all vehicles with listeners, a page at a time: it finds what memory has forgotten."""

from __future__ import annotations

from collections.abc import Sequence

PAGE = 64
"""Vehicles of the walk evaluated in one step: some 5 ms of the loop."""

REST = 4
"""The walk rests so many times as long as it works: it takes a fifth of the loop at most."""

WALK_EVERY_S = 300.0
"""Silences are found with this delay; a walk of 10,000 vehicles takes some seconds."""


class Walk:
    """When the next page is due, and after which vehicle; times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self.after = ""
        """The last vehicle of the page before; empty: the walk begins."""
        self.page_at = 0.0
        self.finished = 0
        """Walks since the start."""
        self.forgot = False
        """Something did not fit into the queue, or could not be read, since the walk began."""

    @property
    def behind(self) -> bool:
        """Whether it has more to do than to wait for the next one."""
        return self.forgot or bool(self.after)

    def is_due(self, now_s: float) -> bool:
        """Where something was forgotten, the next walk begins at once."""
        if self.forgot and not self.after:
            self.page_at = 0.0
        return now_s >= self.page_at

    def begin_page(self) -> None:
        if not self.after:
            self.forgot = False

    def end_page(self, page: Sequence[str], began_s: float, now_s: float) -> None:
        """`page` holds fewer than PAGE vehicles where the walk ends with it."""
        ended = len(page) < PAGE
        self.after = "" if ended else page[-1]
        self.finished += ended
        self.page_at = now_s + (WALK_EVERY_S if ended and not self.forgot else REST * (now_s - began_s))

    def failed(self, again_at_s: float) -> None:
        """Something could not be read."""
        self.forgot = True
        self.page_at = again_at_s
