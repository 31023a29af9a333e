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
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

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


class CommandRow(NamedTuple):
    """A command: its module in evd.cli, which is imported only when the command is used, and its name in it."""

    module: str
    attribute: str
    help: str
    """The first sentence of the command's own help, for the list of commands."""


#: By the command's name. A new command is a row.
COMMANDS: dict[str, CommandRow] = {
    "init": CommandRow(
        "serve", "init", "Create DIR with evd.toml, evd.db and the first four keys, which are shown once."
    ),
    "serve": CommandRow("serve", "serve", "Take callbacks until SIGTERM or SIGINT."),
    "config": CommandRow("config", "config", "Settings: what holds and why, what is wrong, what one means."),
    "reload": CommandRow(
        "reload",
        "reload",
        "Take renewed certificates and changed settings into the running evd; no connection is closed.",
    ),
    "demo": CommandRow(
        "demo",
        "demo",
        "Run the whole chain: a simulated fleet sends to evd, which keeps the statuses and pushes them to a fake FCM.",
    ),
    "key": CommandRow("keys", "key", "API keys: create, import, list, revoke."),
    "user": CommandRow("users", "user", "Local users: who may sign in with a password."),
    "token": CommandRow("tokens", "token", "Personal access tokens: what a user's programs ask and post with."),
    "owner": CommandRow("owners", "owner", "Owners: which user of the app owns which vehicle, or may look at it."),
    "registration": CommandRow(
        "registrations", "registration", "Registrations: the phones that get pushes of vehicles."
    ),
    "vehicle": CommandRow("vehicles", "vehicle", "Vehicles: list, show, set up, share, tag."),
    "forget": CommandRow(
        "life",
        "forget",
        "Forget a user or a vehicle, for privacy: what is deleted is overwritten in the database file.",
    ),
    "tariff": CommandRow(
        "tariff",
        "tariff",
        "Tariffs: what a kWh costs, by place and by time of day, for the cost of charge sessions.",
    ),
    "watch": CommandRow(
        "watch",
        "watch",
        "Show the last status of each VEHICLE (or tag:NAME), or of all, and every new one as it arrives, until Ctrl-C.",
    ),
    "event": CommandRow("event", "event", "Events: what happened to vehicles, and who gets a push of it."),
    "downlink": CommandRow("downlink", "downlink", "Downlinks: what vehicles get when they ask."),
    "backfill": CommandRow("backfill", "backfill", "Fetch from Sigfox's REST API what evd missed."),
    "import": CommandRow("importing", "import_", "Move in from another system."),
    "export": CommandRow(
        "export", "export", "Write what evd keeps to a file: statuses, or with --table phones or owners."
    ),
    "rejected": CommandRow("rejected", "rejected", "Refused callbacks: list, show, replay, forget."),
    "push": CommandRow("push", "push", "Pushes: what phones got, and why one did not."),
    "sigfox": CommandRow("sigfox", "sigfox", "Sigfox Cloud: set up its callbacks, and check that they arrive."),
    "backup": CommandRow(
        "backup",
        "backup",
        "Back up the database, evd.toml and images into FILE, beside the running service; then read it again.",
    ),
    "restore": CommandRow("backup", "restore", "Restore a backup into a directory where no evd runs."),
    "stats": CommandRow("stats", "stats", "Counts: since the daemon's start, and in the database."),
    "doctor": CommandRow(
        "doctor",
        "doctor",
        "Examine evd and its machine, beside the running service or without one; nothing is changed.",
    ),
    "decode": CommandRow("decode", "decode", "Decode payloads: each HEX becomes a line of JSON with its fields."),
    "format": CommandRow(
        "format", "format_group", "Payload formats (Sigfox's custom payload grammar): check, store, assign."
    ),
    "redecode": CommandRow(
        "redecode",
        "redecode",
        "Decode kept statuses again by today's formats and rules: payloads, half floats, plausible values.",
    ),
    "simulate": CommandRow(
        "simulate", "simulate", "Send callbacks as a fleet of vehicles would, and count the answers."
    ),
    "fake-fcm": CommandRow("fake_fcm", "fake_fcm", "A fake Firebase Cloud Messaging server."),
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
            row = COMMANDS[name]
            command: click.Command = getattr(importlib.import_module(f"evd.cli.{row.module}"), row.attribute)
            return command
        for targets in _admin_targets():
            if targets.noun == name:
                from evd.cli.admin_targets import group

                return group(targets, _help(targets))
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does, but from the table: no command is imported for its line."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, row.help) for name, row in COMMANDS.items()]
                + [(targets.noun, _help(targets)) for targets in _admin_targets()]
            )


def _admin_targets() -> list[AdminTargets]:
    """What push providers add to the commands."""
    from evd.push.providers import admin_targets

    return admin_targets()


def _help(targets: AdminTargets) -> str:
    return f"{targets.noun.capitalize()}s: {targets.about}."


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
