"""What the imports share: things go to the daemon in requests, and its verdict on each is counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from evd.cli.exits import PARTLY
from evd.cli.interruption import EXIT_INTERRUPTED
from evd.cli.printing import say_error
from evd.errors import ControlError
from evd.net.client import control_socket
from evd.transfer.summary import ImportSummary, Place

AGAIN = "again"
AGAIN_AFTER_S = 0.5
BUSY_FOR_S = 120.0
"""So long evd may be too busy with callbacks before an import gives up."""


def verdicts(socket: Path, name: str, things: Sequence[Any], *, write: bool) -> list[Any]:
    """The verdict on each; what evd was too busy for is sent again. Raises ControlError."""
    until = time.monotonic() + BUSY_FOR_S
    found: list[Any] = [AGAIN] * len(things)
    while True:
        waiting = [index for index, verdict in enumerate(found) if verdict == AGAIN]
        if not waiting:
            return found
        if time.monotonic() > until:
            raise ControlError("evd has been too busy for the import: repeat it later, nothing gets in twice")
        body = {"items": [things[index] for index in waiting], "write": write}
        answer = control_socket.call(socket, "POST", f"/import/{name}", body)
        for index, verdict in zip(waiting, answer["verdicts"], strict=True):
            found[index] = verdict
        if AGAIN in found:
            time.sleep(AGAIN_AFTER_S)


def note(summary: ImportSummary, name: str, place: Place | str, verdict: Any) -> None:
    if isinstance(verdict, str):
        summary.take(name, verdict)
    else:
        summary.skip(verdict["error"], place, verdict["detail"])


def end(
    ctx: click.Context, found: dict[str, Any], show: Callable[[dict[str, Any]], None], *, stopped: bool
) -> NoReturn:
    """Show a summary's document, and end with the code that says whether all is moved."""
    show(found)
    if stopped:
        say_error("stopped before the end: run the same command again, nothing gets in twice")
        ctx.exit(EXIT_INTERRUPTED)
    ctx.exit(PARTLY.code if found["skipped"] else 0)


def say_skipped(found: dict[str, Any]) -> None:
    """What a summary's document says of what was skipped: a sentence for each reason."""
    for one in found["skipped"]:
        example = one["example"]
        place = example["document"] if "document" in example else f"{example['file']}, line {example['line']}"
        say_error(f"{one['count']} skipped: {one['reason']}; the first in {place}: {example['detail']}")
