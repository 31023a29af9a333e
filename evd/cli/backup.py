"""`evd backup` and `evd restore`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evd.cli.common import directory_option, json_option
from evd.cli.interruption import Interruption
from evd.cli.printing import confirmed, say, show
from evd.cli.times import moment
from evd.clock import now_ms
from evd.config.data_dir import find
from evd.errors import ConfigError

if TYPE_CHECKING:
    from evd.backup.manifest import Manifest
    from evd.backup.taking import Phases


@click.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--keep", type=click.IntRange(1, 10_000), metavar="N", help="FILE is a folder: keep its newest N backups."
)
@click.option("--with-secrets", is_flag=True, help="Keep the passwords and secrets of evd.toml in the backup.")
@directory_option
@json_option
def backup(target: Path, keep: int | None, with_secrets: bool, directory: str | None, as_json: bool) -> None:
    """Back up the database, evd.toml and images into FILE, beside the running service; then read it again.

    FILE is a tar archive, packed if its name ends in .gz. In a folder the backup gets a name by its time. Without
    --with-secrets the values of passwords in evd.toml are left out, and named. A backup that is interrupted leaves
    nothing behind: run it again.

    Example: evd backup --keep 14 /var/backups/evd
    """
    from evd.backup import rotation, taking

    data_dir = find(directory, os.environ)
    data_dir.require()
    now = now_ms()
    if keep is not None:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = target if target.is_dir() else None
    if folder is None and keep is not None:
        raise ConfigError(f"{target} is no folder: --keep needs one")
    file = (folder / rotation.name_at(now) if folder else target).absolute()
    if file.exists():
        raise ConfigError(f"{file} exists: name another file, or a folder")
    if not file.parent.is_dir():
        raise ConfigError(f"{file.parent} does not exist: make it first")
    with _phases() as phases:
        taken = taking.take(data_dir, file, now, phases, secrets=with_secrets)
    gone = rotation.rotate(folder, keep) if folder and keep else []
    manifest = taken.manifest
    if as_json:
        document = {"file": str(file), "bytes": taken.size_bytes, "begun_again": taken.again, **_summary(manifest)}
        show({**document, "removed": [str(path) for path in gone]})
        return
    if taken.leftovers:
        say("What {} interrupted runs left was removed.", taken.leftovers, err=True)
    if taken.again:
        say("evd wrote so much that the copy was begun {} times more.", taken.again, err=True)
    say(
        "{}: {}, {} files, {} MiB; read again and right.",
        file,
        _statuses(manifest),
        len(manifest.files),
        taken.size_bytes >> 20,
    )
    if manifest.left_out:
        say("Not in it: {} (--with-secrets keeps them).", ", ".join(manifest.left_out))
    for path in gone:
        say("removed {}", path)


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Put it in the place of a database; what is there now is kept.")
@click.option("--check", "only_check", is_flag=True, help="Only read FILE whole, and say whether it could be restored.")
@click.option("--yes", is_flag=True, help="Do not ask before a database is replaced.")
@directory_option
@json_option
def restore(file: Path, replace: bool, only_check: bool, yes: bool, directory: str | None, as_json: bool) -> None:
    """Restore a backup into a directory where no evd runs.

    FILE is checked whole before anything changes: checksums, the database's integrity, the rows of each table.

    Example: evd restore --check evd-20260301T080000Z.tar.gz
    """
    from evd.backup import restoring

    if only_check:
        with _phases() as phases:
            manifest = restoring.check(file, phases)
        if as_json:
            show({"right": True, **_summary(manifest)})
        else:
            say(
                "{} is right: {}, made {} by evd {}.",
                file,
                _statuses(manifest),
                moment(manifest.made_ms),
                manifest.evd,
            )
        return
    data_dir = find(directory, os.environ)
    if replace and not yes and data_dir.database.exists() and not confirmed(f"Replace {data_dir.database}?"):
        raise ConfigError("nothing was changed")
    with _phases() as phases:
        restored = restoring.restore(file.absolute(), data_dir, now_ms(), phases, replace=replace)
    manifest, kept = restored
    if as_json:
        show({"dir": str(data_dir.directory), "kept": kept and str(kept), **_summary(manifest)})
        return
    say("{} has the backup of {}: {}.", data_dir.directory, moment(manifest.made_ms), _statuses(manifest))
    if kept:
        say("What was there before: {}", kept)
    if manifest.left_out:
        say("Set again, for it is not in the backup: {}", ", ".join(manifest.left_out))
    say("What came since then is fetched by `evd backfill`, as evd's log says when it starts.")


def _statuses(manifest: Manifest) -> str:
    return f"{manifest.rows.get('vehicles', 0)} vehicles, {manifest.rows.get('statuses', 0)} statuses"


def _summary(manifest: Manifest) -> dict[str, Any]:
    return {
        "made": manifest.made_ms,
        "evd": manifest.evd,
        "schema": manifest.schema,
        "rows": manifest.rows,
        "files": {name: {"bytes": one.bytes, "sha256": one.sha256} for name, one in manifest.files.items()},
        "left_out": manifest.left_out,
    }


@contextmanager
def _phases() -> Iterator[Phases]:
    """A progress bar on stderr, if that is a terminal; a signal ends the work, which leaves nothing behind."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    interruption = Interruption()
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:>9}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )

    class Bar:
        def begin(self, what: str, size_bytes: int | None) -> None:
            for task in bar.task_ids:
                bar.remove_task(task)
            bar.add_task(what, total=size_bytes)

        def step(self, size_bytes: int) -> None:
            bar.advance(bar.task_ids[-1], size_bytes)
            self._look()

        def at(self, done_bytes: int, size_bytes: int) -> None:
            bar.update(bar.task_ids[-1], completed=done_bytes, total=size_bytes)
            self._look()

        def _look(self) -> None:
            if interruption.noted:
                raise KeyboardInterrupt

    bar = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
    with interruption.watched(), bar:
        yield Bar()
