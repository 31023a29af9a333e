"""What a daemon does beside its requests: it watches its files, its clock and outages, and keeps its tables small."""

from __future__ import annotations

from functools import partial

import trio

from evd.config.heartbeat import Heartbeat
from evd.daemon.clock_watch import watch_clock
from evd.daemon.file_identity import EVERY_S as FILES_EVERY_S
from evd.daemon.file_identity import FileIdentity
from evd.daemon.maintenance import run_maintenance
from evd.daemon.parts import Parts
from evd.daemon.state_reporter import StateReporter
from evd.errors import StoreBusy, StoreDamaged, Unavailable
from evd.log.logger import log
from evd.sigfox_api.backfill.runner import watch
from evd.store.queries import Queries


def start_background(
    nursery: trio.Nursery, parts: Parts, reporter: StateReporter, queries: Queries, *, serving: bool
) -> None:
    """Each is a task for as long as the nursery; without `serving` only one command is served."""
    nursery.start_soon(check_file, parts)
    if serving:
        days = parts.config.push.forget_after_days
        forget = partial(run_maintenance, forget_after_days=days, clock=parts.clock)
        nursery.start_soon(watch_files, FileIdentity([*parts.files.values(), parts.data_dir.lock]))
        nursery.start_soon(watch_outages, parts, reporter)
        nursery.start_soon(forget, parts.writer, queries.heard_after)
        nursery.start_soon(parts.unaccompanied_metadata.run)
        nursery.start_soon(parts.stopped_phones.run, queries)
        nursery.start_soon(parts.tokens.run)
        nursery.start_soon(sweep_images, parts, queries)
        nursery.start_soon(watch_clock, parts.clock, parts.ingest, parts.writer, queries)
        if parts.firebase:
            nursery.start_soon(parts.firebase.run, queries)
    if parts.events:
        nursery.start_soon(parts.events.run)
    if reporter.alarms:
        nursery.start_soon(reporter.alarms.run)


async def check_file(parts: Parts) -> None:
    """Check the database for damage, once: a large file takes longer than a start may. Raises StoreDamaged."""
    try:
        found = await trio.to_thread.run_sync(parts.store.find_damage, abandon_on_cancel=True)
    except StoreBusy:
        return  # another process holds the database; the next start checks again
    if found:
        log.error("the database is damaged", path=str(parts.data_dir.database), found=found[:5])
        raise StoreDamaged(f"{parts.data_dir.database} is damaged ({found[0]}): restore a backup")


async def sweep_images(parts: Parts, queries: Queries) -> None:
    """Remove pictures' files that no row names, once: only a crash leaves some."""
    try:
        removed = await parts.images.sweep(queries.image_files)
    except Unavailable as error:
        log.warning("files of pictures were not checked", reason=str(error))
        return
    if removed:
        log.info("files of pictures without a vehicle are removed", count=removed)


async def watch_files(files: FileIdentity) -> None:
    """Raises what `FileIdentity.check` finds."""
    while True:
        await trio.to_thread.run_sync(files.check, abandon_on_cancel=True)
        await trio.sleep(FILES_EVERY_S)


async def watch_outages(parts: Parts, reporter: StateReporter) -> None:
    """Note that evd lives, and have what it missed fetched."""
    alive = Heartbeat(parts.data_dir.directory / "alive")
    is_ready = partial(_is_ready, reporter)
    await watch(alive, parts.config.sigfox, parts.ingest.accept_document, is_ready, clock=parts.clock)


def _is_ready(reporter: StateReporter) -> bool:
    return reporter.not_ready() is None
