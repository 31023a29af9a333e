"""Fetch what Sigfox has and pass it to evd's ingest, by command or after an outage.

A run may be stopped at any time and repeated: what evd already has is then a duplicate and changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
import trio

from evd.clock import Clock, now_ms
from evd.config.heartbeat import Heartbeat
from evd.config.settings import SigfoxSettings
from evd.errors import EvdError, SigfoxError, Unavailable
from evd.log.logger import log
from evd.sigfox_api.backfill.mapping import (
    AGAIN,
    RETRIED_MS,
    BackfillCounts,
    Item,
    deliveries,
    of_message,
    of_undelivered,
    outage,
    waves,
)
from evd.sigfox_api.client import CONNECTIONS_MAX, ApiListing, SigfoxApi

Deliver = Callable[[Sequence[Item]], Awaitable[Sequence[str]]]
"""Returns the verdict on each item: ingest's, or AGAIN."""

AT_A_TIME = 64
"""Documents in the writer's queue at once: enough for a large commit group, few beside the callbacks of that time."""

BYTES_MAX = 256 * 1024
"""Bytes of one delivery inside the daemon: what a page may occupy in memory a second time."""

DEVICES_WAITING_MAX = 100
"""Devices of one page, which wait while those of the page before are read."""

BUSY_TRIES = 12
BUSY_WAIT_S = 5.0
"""Pause before AGAIN items are repeated; if evd stays too busy for a minute, a backfill would only add load."""

BEAT_EVERY_S = 60.0
"""Period of the heartbeat; short compared with an outage of seven minutes."""


class Backfiller:
    """One run over the messages between `since` and `before` (epoch ms) of these devices and device types.

    If neither is given, of all device types that the credentials can see. `deliver` gets the items in lists whose JSON
    has at most `bytes_max` bytes, the newest of a device first.
    """

    def __init__(
        self,
        api: SigfoxApi,
        deliver: Deliver,
        *,
        since: int,
        before: int,
        devices: Sequence[str] = (),
        device_types: Sequence[str] = (),
        bytes_max: int = BYTES_MAX,
        readers: int = CONNECTIONS_MAX,
    ) -> None:
        self._api = api
        self._deliver = deliver
        self._since = since
        self._before = before
        self._devices = devices
        self._device_types = device_types
        self._bytes_max = bytes_max
        self._readers = readers
        self.counts = BackfillCounts()
        self.devices_seen = 0
        self.devices_done = 0

    async def run(self) -> BackfillCounts:
        """Run until all is read. Raises EvdError in an exception group; what was delivered before stays."""
        send, receive = trio.open_memory_channel[tuple[str, str | None]](DEVICES_WAITING_MAX)
        async with trio.open_nursery() as nursery:
            for _ in range(self._readers):
                nursery.start_soon(self._read_devices, receive.clone())
            receive.close()
            async with send:
                await self._find_devices(send)
        return self.counts

    async def _find_devices(self, found: trio.MemorySendChannel[tuple[str, str | None]]) -> None:
        """Undelivered callbacks first, because they also have the values that the customer's own format decoded."""
        for device in self._devices:
            await self._undelivered(self._api.undelivered_of_device(device, self._since, self._before))
            self.devices_seen += 1
            await found.send((device, None))
        if self._devices and not self._device_types:
            return
        for device_type in self._device_types or await self._all_device_types():
            await self._undelivered(self._api.undelivered(device_type, self._since, self._before))
            async for page in self._api.devices(device_type):
                for entry in [one for one in page if _spoke_since(one, self._since)]:
                    self.devices_seen += 1
                    await found.send((str(entry["id"]), device_type))

    async def _all_device_types(self) -> list[str]:
        return [str(entry["id"]) async for page in self._api.device_types() for entry in page if "id" in entry]

    async def _undelivered(self, listing: ApiListing) -> None:
        async for page in listing:
            await self._take([of_undelivered(entry) for entry in page])

    async def _read_devices(self, waiting: trio.MemoryReceiveChannel[tuple[str, str | None]]) -> None:
        async with waiting:
            async for device, device_type in waiting:
                async for page in self._api.messages(device, self._since, self._before):
                    await self._take([of_message(entry, device, device_type) for entry in page])
                self.devices_done += 1

    async def _take(self, entries: Sequence[Sequence[Item]]) -> None:
        """Deliver the items of a page's entries, and count the verdicts."""
        self.counts.read += len(entries)
        items = [item for entry in entries for item in entry]
        left = sum(not item.extra for item in items)
        for fitting in deliveries(items, bytes_max=self._bytes_max):
            await self._insist(fitting)
            left -= sum(not item.extra for item in fitting)
        self.counts.refused += left  # too long by itself: evd would have refused that callback

    async def _insist(self, items: Sequence[Item]) -> None:
        for _ in range(BUSY_TRIES):
            verdicts = await self._deliver(items)
            done = [index for index, verdict in enumerate(verdicts) if verdict != AGAIN]
            self.counts.add([items[index] for index in done], [verdicts[index] for index in done])
            items = [item for item, verdict in zip(items, verdicts, strict=True) if verdict == AGAIN]
            if not items:
                return
            await trio.sleep(BUSY_WAIT_S)
        raise SigfoxError("evd is too busy for a backfill: run it again later, it goes on where it is")


def _spoke_since(device: Mapping[str, Any], since: int) -> bool:
    """Whether the device may have a message to read; one without a lastCom is asked."""
    last = device.get("lastCom")
    return "id" in device and (type(last) is not int or last >= since)


async def take_in(accept: Callable[..., Awaitable[str]], items: Sequence[Item]) -> list[str]:
    """Pass items to ingest's `accept_document`; returns the verdict on each, AGAIN if it was too busy.

    AT_A_TIME items wait for the disk together, and the newest of each vehicle is first.
    """
    verdicts = [AGAIN] * len(items)

    async def take(index: int) -> None:
        item = items[index]
        with suppress(Unavailable):  # the verdict stays AGAIN
            verdicts[index] = await accept(item.kind, item.document, raw=orjson.dumps(item.document))

    for wave in waves(items):
        for start in range(0, len(wave), AT_A_TIME):
            async with trio.open_nursery() as nursery:
                for index in wave[start : start + AT_A_TIME]:
                    nursery.start_soon(take, index)
    return verdicts


async def watch(
    alive: Heartbeat,
    settings: SigfoxSettings,
    accept: Callable[..., Awaitable[str]],
    healthy: Callable[[], bool],
    *,
    clock: Clock = now_ms,
    every_s: float = BEAT_EVERY_S,
) -> None:
    """Write the heartbeat every `every_s`, and backfill after an outage of the process or of the disk.

    The heartbeat is not written until a backfill has ended, so that one cut off by a restart begins again.
    """
    last = alive.last()
    while True:
        if healthy():
            missed = outage(last, clock())
            if last is not None and missed is not None:
                await after_outage(settings, accept, last - RETRIED_MS, missed, clock=clock)
            last = clock()
            _note(alive, last)
        await trio.sleep(every_s)


def _note(alive: Heartbeat, now: int) -> None:
    try:
        alive.note(now)
    except OSError as error:
        log.warning("the heartbeat cannot be written: a later start may miss an outage", reason=error.strerror)


async def after_outage(
    settings: SigfoxSettings,
    accept: Callable[..., Awaitable[str]],
    since: int,
    missed_ms: int,
    *,
    clock: Clock = now_ms,
) -> None:
    """Log that callbacks since `since` (epoch ms) may be missing, or fetch them if `sigfox.backfill` is "run"."""
    minutes = missed_ms // 60_000
    command = f"evd backfill --since {_iso(since)}"
    if settings.backfill != "run":
        log.warning("evd was away for longer than Sigfox tries: run a backfill", minutes=minutes, command=command)
        return
    log.info("evd was away for longer than Sigfox tries: a backfill begins", minutes=minutes, since=_iso(since))
    try:
        async with SigfoxApi.from_settings(settings) as api:
            run = Backfiller(api, partial(take_in, accept), since=since, before=clock())
            await run.run()
    except* EvdError as group:
        log.error("the backfill ended early: run it again", reason=str(_first(group)), command=command)
    else:
        log.info("the backfill ended", **{name: getattr(run.counts, name) for name in run.counts.__struct_fields__})


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat().replace("+00:00", "Z")
