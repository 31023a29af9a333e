"""The alarms' task. After a reload a new monitor takes over: its predecessor ends, and leaves it what stands."""

from __future__ import annotations

from collections.abc import Callable

import trio

from evd.alarms.monitor import AlarmMonitor
from evd.config.settings import Config


class AlarmTask:
    """`make` builds a monitor, which reads what its predecessor kept. Raises ConfigError for settings in part."""

    def __init__(self, config: Config, make: Callable[[Config], AlarmMonitor]) -> None:
        self.monitor = make(config)
        self._make = make
        self._config = config
        self._turn = trio.CancelScope()

    async def run(self) -> None:
        """Run the monitor until cancelled, which is safe; after `prepare`'s function that of the new settings."""
        while True:
            with trio.CancelScope() as self._turn:
                await self.monitor.run()
            self.monitor = self._make(self._config)

    def prepare(self, config: Config) -> Callable[[], None]:
        """A function that ends the monitor's turn for one by `config`. Raises ConfigError."""
        self._make(config)

        def renew() -> None:
            self._config = config
            self._turn.cancel()

        return renew
