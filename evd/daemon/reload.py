"""A reload: the settings and certificates are read again, and what may change in a running evd is changed.

No connection is closed. All parts are prepared before the first of them changes, so a file or certificate that cannot
be used changes nothing. Which settings are live says `evd.config.live`; here a part has a row with what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import trio

from evd.config.in_force import SettingsInForce
from evd.config.live import Difference, Part, differences, taken
from evd.config.loading import Loaded
from evd.config.settings import Config
from evd.daemon import listening, wiring
from evd.daemon.alarm_task import AlarmTask
from evd.daemon.parts import Parts
from evd.daemon.servers import Servers
from evd.errors import EvdError
from evd.log import logger
from evd.log.logger import log
from evd.model.daemon_state import Reloaded
from evd.net.addresses import Proxies
from evd.net.server.asgi import AsgiServer


class Running(NamedTuple):
    """What a reload reaches in a running daemon; `answer_by` gives the routes their settings."""

    parts: Parts
    servers: Servers
    asgi_server: AsgiServer
    alarms: AlarmTask | None
    answer_by: Callable[[Config], None]
    in_force: SettingsInForce


Apply = Callable[[], None]
Prepare = Callable[[Running, Config], Apply]
"""Raises EvdError if the part cannot take the settings; what it returns raises nothing."""


def _log(running: Running, config: Config) -> Apply:
    return lambda: logger.set_level(config.log.level)


def _alarms(running: Running, config: Config) -> Apply:
    if running.alarms is None:
        return lambda: None
    return running.alarms.prepare(config)


def _answers(running: Running, config: Config) -> Apply:
    return lambda: running.answer_by(config)


def _admission(running: Running, config: Config) -> Apply:
    bounds = wiring.admission_limits(config)
    return lambda: running.parts.admission.use(bounds)


def _proxies(running: Running, config: Config) -> Apply:
    trusted = Proxies(config.server.trusted_proxies)
    return lambda: running.parts.admission.proxies.use(trusted)


def _timeouts(running: Running, config: Config) -> Apply:
    edge, asgi = wiring.edge_limits(config), wiring.asgi_limits(config)

    def apply() -> None:
        running.servers.use(edge)
        running.asgi_server.use(asgi)

    return apply


PARTS: Mapping[Part, Prepare] = {
    "log": _log,
    "alarms": _alarms,
    "answers": _answers,
    "admission": _admission,
    "proxies": _proxies,
    "timeouts": _timeouts,
}
"""But for `certificate`, which is read again at each reload: the file changes, its name does not."""


class Reloader:
    """`read` gives the settings as a start would have them; it may block, and raises ConfigError."""

    def __init__(self, running: Running, read: Callable[[], Loaded]) -> None:
        self._running = running
        self._read = read
        self._config = running.parts.config
        self._one_at_a_time = trio.Lock()

    async def reload(self) -> Reloaded:
        """Raises EvdError if something cannot be used: then nothing has changed. Both are logged."""
        async with self._one_at_a_time:
            try:
                return await self._reload()
            except EvdError as error:
                log.error("reload refused: nothing has changed", reason=str(error))
                raise

    async def _reload(self) -> Reloaded:
        wanted = await trio.to_thread.run_sync(self._read)
        found = differences(self._config, wanted.config)
        config = taken(self._config, found)
        certificate = await trio.to_thread.run_sync(listening.server_tls, config.server)
        applying = [PARTS[part](self._running, config) for part in _parts(found)]
        for apply in applying:
            apply()
        self._config = config
        self._running.in_force.reloaded(config, wanted)
        renewed = self._running.servers.show(certificate)
        reloaded = Reloaded(
            changed=[one.shown for one in found if one.part],
            needs_restart=[one.shown for one in found if not one.part],
            certificate_renewed=renewed,
            certificate_ends_s=certificate.ends_s if certificate else None,
        )
        log.info(
            "reloaded",
            changed=reloaded.changed,
            needs_restart=reloaded.needs_restart,
            certificate="renewed" if renewed else None,
        )
        return reloaded


def _parts(found: list[Difference]) -> list[Part]:
    return sorted({one.part for one in found if one.part is not None and one.part in PARTS})
