"""The evd command: one file for each command group.

May import: every room. Begin with `evd.cli.common`; a new command is a row of COMMANDS.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from evd.cli.exits import FAILED, INTERRUPTED, PARTLY, Cause, cause_of, cause_with
from evd.cli.printing import say_error, say_lines, show_error_line
from evd.cli.usage import sentence_of
from evd.errors import EvdError, StoreBroken, StoreHangs
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
    "tail": CommandRow(
        "tail",
        "tail",
        "Show every new status, or every refused callback, as it arrives, a line each, until Ctrl-C.",
    ),
    "event": CommandRow("event", "event", "Events: what happened to vehicles, and who gets a push of it."),
    "downlink": CommandRow("downlink", "downlink", "Downlinks: what vehicles get when they ask."),
    "backfill": CommandRow("backfill", "backfill", "Fetch from Sigfox's REST API what evd missed."),
    "import": CommandRow("importing", "import_", "Move in from another system."),
    "export": CommandRow(
        "export", "export", "Write what evd keeps to a file: statuses, or with --table phones or owners."
    ),
    "rejected": CommandRow("rejected", "rejected", "Refused callbacks: list, show, replay, forget, restore."),
    "push": CommandRow("push", "push", "Pushes: what phones got, and why one did not."),
    "sigfox": CommandRow("sigfox", "sigfox", "Sigfox Cloud: set up its callbacks, and check that they arrive."),
    "backup": CommandRow(
        "backup",
        "backup",
        "Back up the database, evd.toml and images into FILE, beside the running service; then read it again.",
    ),
    "restore": CommandRow("backup", "restore", "Restore a backup into a directory where no evd runs."),
    "alerts": CommandRow("alerts", "alerts", "Alarms: how they reach the operator."),
    "stats": CommandRow("stats", "stats", "Counts: since the daemon's start, and in the database."),
    "setup": CommandRow(
        "setup",
        "setup",
        "Make evd a service of this machine that is reached at DOMAIN.",
    ),
    "doctor": CommandRow(
        "doctor",
        "doctor",
        "Examine evd and its machine, beside the running service or without one; nothing is changed.",
    ),
    "support-bundle": CommandRow(
        "support_bundle",
        "support_bundle",
        "Gather into FILE (tar.gz) what helps to find a fault, without secrets.",
    ),
    "shell": CommandRow("shell", "shell", "Ask the database in SQL: its tables and views, for reading only."),
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


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *(targets.noun for targets in _admin_targets())]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            row = COMMANDS[name]
            command: click.Command = getattr(importlib.import_module(f"evd.cli.{row.module}"), row.attribute)
            return _with_examples(command, name)
        for targets in _admin_targets():
            if targets.noun == name:
                from evd.cli.admin_targets import group

                return _with_examples(group(targets, _help(targets)), name)
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does, but from the table: no command is imported for its line."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, row.help) for name, row in COMMANDS.items()]
                + [(targets.noun, _help(targets)) for targets in _admin_targets()]
            )


def _with_examples(command: click.Command, name: str) -> click.Command:
    from evd.cli.examples import with_examples

    return with_examples(command, name)


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
    """Run the command; an EvdError becomes one sentence on stderr, and its cause the exit code (evd.cli.exits)."""
    gc.set_threshold(STARTING_GC_THRESHOLD)
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code = cli.main(arguments, prog_name="evd", standalone_mode=False)
        if code in (PARTLY.code, INTERRUPTED.code):
            _report_cause(cause_with(code), "", given)
        sys.exit(code if isinstance(code, int) else 0)  # of a check, whose JSON says what it found
    except EvdError as error:
        sys.exit(_report(error, given))
    except click.ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # of click 8.2; its text is the help
            error.show()
            sys.exit(error.exit_code)
        said = sentence_of(error)
        say_error(lines(said))
        sys.exit(_report_cause(cause_with(error.exit_code), said, given))
    except click.Abort:
        sys.exit(_report_interruption(given))
    except BaseExceptionGroup as group:
        if group.split(KeyboardInterrupt)[1] is None:
            sys.exit(_report_interruption(given))
        found = _first(group)
        sys.exit(_report_unforeseen(group, given) if found is None else _report(found, given))
    except Exception as error:
        sys.exit(_report_unforeseen(error, given))


def _report_cause(cause: Cause, said: str, given: list[str]) -> int:
    """With `--json`, a last line of JSON on stderr says what the exit code says."""
    if "--json" in given:
        show_error_line({"error": {"cause": cause.name, "code": cause.code, "sentence": said or cause.meaning}})
    return cause.code


def _report_interruption(given: list[str]) -> int:
    say_error("interrupted")
    return _report_cause(INTERRUPTED, "interrupted", given)


def _report(error: EvdError, given: list[str]) -> int:
    say_error(error)
    cause = cause_of(error)
    code = _report_cause(cause, str(error), given)
    if isinstance(error, StoreHangs):
        end_at_once(code)
    return code


def end_at_once(code: int) -> NoReturn:
    """End without Python's finalization, which would wait for SQLite's mutex: a thread in a hung disk holds it."""
    log = sys.modules.get("evd.log.logger")
    if log is not None:
        log.drain()
    os._exit(code)


TRACEBACK = "EVD_TRACEBACK"
"""In the environment: show where an unforeseen error happened."""


def _report_unforeseen(error: BaseException, given: list[str]) -> int:
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
    return _report_cause(FAILED, "", given)


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
