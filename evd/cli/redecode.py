"""`evd redecode`: decode kept statuses again after a change of format; the differences are shown first."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from evd.cli.common import ask, directory_option, json_option
from evd.cli.printing import confirmed, say, show, table
from evd.cli.times import parse_when, when
from evd.clock import now_ms
from evd.model.status import vehicle_id

EXAMPLES = 10


class Redecodable:
    """The results of all steps of one pass."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.fields: Counter[str] = Counter()
        self.vehicles: set[str] = set()
        self.examples: list[dict[str, Any]] = []

    def add(self, step: dict[str, Any]) -> None:
        self.counts.update({name: step.get(name, 0) for name in ("read", "changed", "passed", "written", "gone")})
        self.fields.update(step["fields"])
        self.vehicles.update(step["vehicles"])
        self.examples += step["examples"][: EXAMPLES - len(self.examples)]

    def document(self) -> dict[str, Any]:
        return {
            "read": self.counts["read"],
            "changed": self.counts["changed"],
            "vehicles": len(self.vehicles),
            "fields": dict(self.fields.most_common()),
            "examples": self.examples,
        }


@click.command()
@click.option(
    "--since", required=True, metavar="WHEN", help="The first time: such as 2026-11-01T12:00, or 7d for 7 days ago."
)
@click.option("--until", metavar="WHEN", help="The last time; default: the newest.")
@click.option("--vehicle", "vehicles", metavar="ID", multiple=True, help="Only this one, or tag:NAME; repeatable.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@directory_option
@json_option
def redecode(
    since: str, until: str | None, vehicles: tuple[str, ...], yes: bool, directory: str | None, as_json: bool
) -> None:
    """Decode kept statuses again by today's formats and rules: payloads, half floats, plausible values.

    First shows what changes: how many statuses of how many vehicles, in which fields, with examples. Then it asks;
    with --yes it does not ask, and without a terminal it changes nothing. No phone gets a push. It may be repeated.
    """
    now = now_ms()
    wish: dict[str, Any] = {"since": parse_when(since, now)}
    if until is not None:
        wish["until"] = parse_when(until, now)
    if vehicles:
        wish["vehicles"] = [vehicle_id(given) for given in vehicles]
    seen = _all_steps(directory, "/redecode/preview", wish, "looking")
    if not as_json:
        _print(seen)
    done = None
    if seen.counts["changed"] and (yes or (not as_json and _agreed())):
        done = _all_steps(directory, "/redecode", wish, "decoding")
    if as_json:
        written = {name: done.counts[name] if done else 0 for name in ("written", "gone")}
        show({**seen.document(), **written})
    elif done is not None:
        gone = f"; {done.counts['gone']} left their rings meanwhile" if done.counts["gone"] else ""
        say("{} statuses were decoded again{}.", done.counts["written"], gone)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        say("Nothing was changed: --yes changes it.", err=True)
        return False
    return confirmed("Change them?")


def _all_steps(directory: str | None, path: str, wish: dict[str, Any], verb: str) -> Redecodable:
    found, cursor = Redecodable(), None
    with _bar(verb) as update:
        while True:
            step = ask(directory, "POST", path, {**wish, "cursor": cursor})
            found.add(step)
            update(found.counts["passed"], step.get("of"))
            cursor = step["next"]
            if cursor is None:
                return found


@contextmanager
def _bar(verb: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar over the vehicles on stderr, if that is a terminal; yields the function that updates it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn())
    console = Console(stderr=True)
    with Progress(*columns, TaskProgressColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(verb, total=None)

        def update(passed: int, of: int | None) -> None:
            progress.update(task, total=of, completed=passed)  # without a total the old one stays
            of = int(progress.tasks[task].total or 0)
            progress.update(task, description=f"{verb} {min(passed, of)} of {of} vehicles")

        yield update


def _print(found: Redecodable) -> None:
    counts = found.counts
    if not counts["changed"]:
        say("{} statuses were read: nothing changes.", counts["read"])
        return
    say("{} of {} statuses of {} vehicles change:", counts["changed"], counts["read"], len(found.vehicles))
    fields = [{"field": name, "changes": number} for name, number in found.fields.most_common()]
    table(fields, {"field": "FIELD", "changes": "CHANGES"}, empty="")
    say("For example:")
    shown = [{**one, "time": when(one["time"])} for one in found.examples]
    columns = {"vehicle": "VEHICLE", "time": "TIME", "field": "FIELD", "old": "OLD", "new": "NEW"}
    table(shown, columns, empty="")
