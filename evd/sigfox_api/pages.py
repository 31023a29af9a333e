"""Find the end of a listing of Sigfox's REST API: its last page, the messages' times, or a bound on empty pages.

Sigfox's `next` may lead to a page without entries (see pysigfox's tests) and may drop the `since` of the request
(github.com/sinbrive/Sigfox-http-api shows one). Listings have the newest entry first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evd.errors import SigfoxError
from evd.model.status import MILLISECONDS_FROM, TIME_MAX_MS

EMPTY_PAGES_MAX = 100
"""Consecutive pages without an entry: a minute and a half at one request a second."""


class Pages:
    """The pages of one listing; `what` is its path. `since` and `before` are epoch ms, None if it has no times."""

    def __init__(self, what: str, *, since: int | None = None, before: int | None = None) -> None:
        self._what = what
        self._since = since
        self._before = before
        self._empty = 0
        self._followed: set[str] = set()
        self._last: list[dict[str, Any]] = []

    def take(self, entries: Sequence[dict[str, Any]], following: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """The entries that count, and the next page if needed. Raises SigfoxError if the listing does not end."""
        within = [entry for entry in entries if self._is_within(_time_ms(entry))]
        if following is None or self._is_past(entries):
            return within, None
        self._empty = 0 if entries else self._empty + 1
        repeated = following in self._followed or (bool(entries) and list(entries) == self._last)
        if repeated or self._empty >= EMPTY_PAGES_MAX:
            why = "its pages repeat" if repeated else f"{EMPTY_PAGES_MAX} pages in a row have no entry"
            raise SigfoxError(
                f"Sigfox's listing {self._what} never ends ({why}): run the command again later, and with a later "
                "--since if that does not help"
            )
        self._followed.add(following)
        self._last = list(entries)
        return within, following

    def _is_within(self, time: int | None) -> bool:
        if time is None:
            return True
        return (self._since is None or time >= self._since) and (self._before is None or time <= self._before)

    def _is_past(self, entries: Sequence[dict[str, Any]]) -> bool:
        """Whether everything after this page is older than `since`."""
        if self._since is None:
            return False
        times = [time for entry in entries if (time := _time_ms(entry)) is not None]
        return bool(times) and times[-1] < self._since


def _time_ms(entry: dict[str, Any]) -> int | None:
    """The time of a message or a callback in ms: the API has ms, and seconds in some members."""
    time = entry.get("time")
    if not isinstance(time, int | float) or isinstance(time, bool) or not 0 < time <= TIME_MAX_MS:
        return None
    return int(time if time > MILLISECONDS_FROM else time * 1000)
