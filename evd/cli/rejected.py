"""`evd rejected`: callbacks that were refused, the reasons, and a replay after a fix."""

from __future__ import annotations

from typing import Any

import click
import orjson

from evd.cli.common import agreed, ask, ask_list, directory_option, json_option, yes_option
from evd.cli.exits import PARTLY
from evd.cli.printing import say, say_lines, show, table
from evd.cli.times import moment, when
from evd.errors import ConfigError
from evd.redaction.shapes import MASK

COLUMNS = {
    "number": "NUMBER",
    "received": "LAST TIME",
    "times": "TIMES",
    "route": "ROUTE",
    "error": "ERROR",
    "detail": "REASON",
}
NUMBERS_MAX = 1_000  # on one command line; --all replays in steps
LIMIT_MAX = 1_000  # rows that the daemon returns in one page


@click.group()
def rejected() -> None:
    """Refused callbacks: list, show, replay, forget, restore."""


@rejected.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Rows at most.")
@click.option("--before", type=click.IntRange(1), metavar="N", help="Only those older than number N.")
@click.option("--error", default="", metavar="TEXT", help="Only those whose reason contains this text.")
@directory_option
@json_option
def list_(limit: int, before: int | None, error: str, directory: str | None, as_json: bool) -> None:
    """Refused callbacks and the reasons, the newest first."""
    wish = ({"error": error} if error else {}) | ({"before": before} if before else {})
    rows = ask_list(directory, "/rejections", wish, limit, page_max=LIMIT_MAX)
    if as_json:
        show(rows)
    else:
        table([_shown(row) for row in rows], COLUMNS, empty="Nothing was refused.")


@rejected.command("show")
@click.argument("number", type=click.IntRange(1), metavar="N")
@directory_option
@json_option
def show_(number: int, directory: str | None, as_json: bool) -> None:
    """One refused callback, with its headers (without secrets), its body, and what to do."""
    row = ask(directory, "GET", f"/rejections/{number}")
    if as_json:
        show(row)
        return
    say("{}\n{}: {}", row["route"], row["error"], row["detail"])
    client = f" from {row['client']}" if row["client"] else ""
    say("{} times, the last at {}{}\n", row["times"], moment(row["received"]), client)
    for name, value in row["headers"].items():
        say("{}: {}", name, value)
    say("")
    say_lines(row["body"] if "body" in row else f"{row['body_hex']} (hex)")
    say("\n{} Then: evd rejected replay {}", row["advice"], number)
    if MASK in orjson.dumps(row).decode():
        say("{} stands for what may be a secret: it was masked before the request was kept.", MASK)


@rejected.command()
@click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="N…")
@click.option("--all", "everything", is_flag=True, help="All rejections, the oldest first.")
@directory_option
@json_option
@click.pass_context
def replay(
    ctx: click.Context, numbers: tuple[int, ...], everything: bool, directory: str | None, as_json: bool
) -> None:
    """Process refused callbacks again, after a fix: those that are taken leave the list.

    Exit code 6 if any is still refused.
    """
    if bool(numbers) == everything:
        raise ConfigError("give the numbers that `evd rejected list` shows, or --all")
    if len(numbers) > NUMBERS_MAX:
        raise ConfigError(f"{len(numbers)} numbers are too many for one command: use --all")
    results = _replay_all(directory) if everything else [_replay_one(directory, number) for number in numbers]
    refused = [result for result in results if not result["taken"]]
    if as_json:
        show({"taken": len(results) - len(refused), "refused": refused})
    else:
        for result in refused:
            say("{} is still refused: {}", result["number"], result["detail"])
        for result in results:
            if result.get("without"):
                say("{} is taken without {}: masked when it was kept", result["number"], ", ".join(result["without"]))
        say("{} of {} were taken", len(results) - len(refused), len(results))
    if refused:
        ctx.exit(PARTLY.code)


@rejected.command()
@click.argument("numbers", nargs=-1, required=True, type=click.IntRange(1), metavar="N…")
@yes_option
@directory_option
@json_option
def forget(numbers: tuple[int, ...], yes: bool, directory: str | None, as_json: bool) -> None:
    """Remove callbacks from the list."""
    if not agreed(
        f"Forget {len(numbers)} refused callback{'s' if len(numbers) > 1 else ''}?", yes=yes, as_json=as_json
    ):
        return
    for number in numbers:
        ask(directory, "DELETE", f"/rejections/{number}")
    if as_json:
        show({"forgotten": list(numbers)})
    else:
        named = " ".join(map(str, numbers))
        say("{} removed; `evd rejected restore {}` undoes it for a day", len(numbers), named)


@rejected.command()
@click.argument("numbers", nargs=-1, required=True, type=click.IntRange(1), metavar="N…")
@directory_option
@json_option
def restore(numbers: tuple[int, ...], directory: str | None, as_json: bool) -> None:
    """Bring callbacks back that were forgotten within the last day."""
    restored = [ask(directory, "POST", f"/rejections/{number}/restore")["number"] for number in numbers]
    if as_json:
        show({"restored": restored})
    else:
        say("in the list again: {}", " ".join(map(str, restored)))


def _replay_one(directory: str | None, number: int) -> Any:
    return ask(directory, "POST", f"/rejections/{number}/replay")


def _replay_all(directory: str | None) -> list[Any]:
    """In the daemon's steps, with a progress bar on stderr if that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    total = ask(directory, "GET", "/stats")["stored"]["rejected"]
    results: list[Any] = []
    wish: dict[str, int] = {"after": 0}
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("replaying", total=total)
        while True:
            step = ask(directory, "POST", "/rejections/replay", wish)
            results += step["results"]
            progress.update(task, completed=len(results))
            if step["next"] is None:
                return results
            wish = {"after": step["next"], "through": step["through"]}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "received": when(row["received"])}
