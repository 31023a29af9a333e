"""The operator's pause: whether pushes are held, and for how long they have not been."""

from __future__ import annotations

from collections.abc import Callable


class OperatorPause:
    """Not held at first. `seconds` is a monotonic clock; it may not run yet when `hold` is called first."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.held = False
        self._seconds = seconds
        self._free_since = 0.0

    def begin(self) -> None:
        """Note that sending began."""
        self._free_since = self._seconds()

    def hold(self, held: bool) -> bool:
        """Hold pushes, or release them; returns whether this ends a pause."""
        ended = self.held and not held
        if ended:
            self._free_since = self._seconds()
        self.held = held
        return ended

    def free_s(self, failed_at: float) -> float:
        """Seconds since both the pause ended and the provider last refused a push, at `failed_at`."""
        return 0.0 if self.held else self._seconds() - max(self._free_since, failed_at)
