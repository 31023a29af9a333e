"""The evd command: one file for each command group.

May import: every room. Begin with `evd.cli.common`; a new command is a row of COMMANDS.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from evd.cli.printing import say, say_error, say_lines
from evd.errors import ConfigError, EvdError, StoreBroken, StoreHangs
from evd.model.plain_text import lines
from evd.version import VERSION

if TYPE_CHECKING:
    from evd.push.traits import AdminTargets

STARTING_GC_THRESHOLD = 100_000
"""New container objects between two passes of the cyclic collector during a start: what imports create stays, and the
passes would take a tenth of the start. A daemon that is ready sets its own threshold."""

#: Command → (module, its click command). A new command is a row; a module is imported only when its command is used.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("serve", "init"),
    "serve": ("serve", "serve"),
    "demo": ("demo", "demo"),
    "key": ("keys", "key"),
    "user": ("users", "user"),
    "token": ("tokens", "token"),
    "owner": ("owners", "owner"),
    "registration": ("registrations", "registration"),
    "vehicle": ("vehicles", "vehicle"),
    "watch": ("watch", "watch"),
    "event": ("event", "event"),
    "downlink": ("downlink", "downlink"),
    "backfill": ("backfill", "backfill"),
    "import": ("import_dynamodb", "import_"),
    "export": ("export", "export"),
    "rejected": ("rejected", "rejected"),
    "push": ("push", "push"),
    "sigfox": ("sigfox", "sigfox"),
    "stats": ("stats", "stats"),
    "decode": ("decode", "decode"),
    "format": ("format", "format_group"),
    "redecode": ("redecode", "redecode"),
    "simulate": ("simulate", "simulate"),
    "fake-fcm": ("fake_fcm", "fake_fcm"),
}

EXIT_BROKEN = 70  # EX_SOFTWARE: the database failed; systemd starts evd again


@contextmanager
def _plain_errors() -> Iterator[None]:
    """click's errors quote the command line, which may hold control characters."""
    try:
        yield
    except click.UsageError as error:
        said = error.format_message()
        if lines(said) == said:
            raise
        raise click.UsageError(lines(said), ctx=error.ctx) from None
    except click.ClickException as error:
        raise click.ClickException(lines(error.format_message())) from None


class _Commands(click.Group):
    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _plain_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _plain_errors():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *(targets.noun for targets in _admin_targets())]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            module, attribute = COMMANDS[name]
            command: click.Command = getattr(importlib.import_module(f"evd.cli.{module}"), attribute)
            return command
        for targets in _admin_targets():
            if targets.noun == name:
                from evd.cli.admin_targets import group

                return group(targets)
        return None


def _admin_targets() -> list[AdminTargets]:
    """What push providers add to the commands."""
    from evd.push.providers import admin_targets

    return admin_targets()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="evd")
def cli() -> None:
    """The whole cloud behind connected vehicles, on one VM."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command; an EvdError becomes one sentence on stderr."""
    gc.set_threshold(STARTING_GC_THRESHOLD)
    try:
        cli.main(arguments, prog_name="evd", standalone_mode=True)
    except EvdError as error:
        sys.exit(_report(error))
    except BaseExceptionGroup as group:
        if group.split(KeyboardInterrupt)[1] is None:
            say("Aborted!", err=True)  # as click does for a Ctrl-C outside a nursery
            sys.exit(1)
        found = _first(group)
        sys.exit(_report_unforeseen(group) if found is None else _report(found))
    except Exception as error:
        sys.exit(_report_unforeseen(error))


def _report(error: EvdError) -> int:
    say_error(error)
    if isinstance(error, StoreHangs):
        end_at_once(EXIT_BROKEN)
    if isinstance(error, StoreBroken):
        return EXIT_BROKEN
    return 2 if isinstance(error, ConfigError) else 1


def end_at_once(code: int) -> NoReturn:
    """End without Python's finalization, which would wait for SQLite's mutex: a thread in a hung disk holds it."""
    log = sys.modules.get("evd.log.logger")
    if log is not None:
        log.drain()
    os._exit(code)


TRACEBACK = "EVD_TRACEBACK"
"""In the environment: show where an unforeseen error happened."""


def _report_unforeseen(error: BaseException) -> int:
    """A person gets a sentence; the traceback goes into the daemon's log, or to stderr if EVD_TRACEBACK is set."""
    if TRACEBACK in os.environ:
        say_lines("".join(traceback.format_exception(error)), err=True)
    log = sys.modules.get("evd.log.logger")
    if log is not None and sys.stderr is not sys.__stderr__:  # the daemon routes stderr through its log
        log.log.critical("evd ends because of an internal error", exc_info=error)
    inner = error
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    if isinstance(inner, OSError):
        where = f"{os.fsdecode(inner.filename)}: " if isinstance(inner.filename, str | bytes) else ""
        say_error(f"{where}{inner.strerror or type(inner).__name__}: check that it exists, and its permissions")
    else:
        # Its text may hold anything, also a secret.
        say_error(f"internal error ({type(inner).__name__}): please report it; {TRACEBACK}=1 shows a traceback")
    return 1


def _first(group: BaseExceptionGroup[Any]) -> EvdError | None:
    """The one EvdError in a nursery's group; None if the group holds another error, too."""
    broken: Any = group.split(StoreHangs)[0]
    if not broken:
        broken, _ = group.split(StoreBroken)
    mine, others = (broken, None) if broken else group.split(EvdError)
    if mine is None or others is not None:
        return None
    error: Any = mine
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, EvdError) else None
