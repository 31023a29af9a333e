"""`evd event`: what happened to vehicles, the settings of the event rules, and users' preferences."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click
import orjson

from evd.cli.common import ask, ask_list, directory_option, json_option, path_part
from evd.cli.printing import say, show, table
from evd.cli.times import When, exact, when
from evd.errors import ConfigError
from evd.events import texts as event_texts
from evd.model.event_settings import KINDS

COLUMNS = {
    "time": "TIME",
    "vehicle": "VEHICLE",
    "kind": "KIND",
    "sentence": "WHAT HAPPENED",
    "samples": "BEFORE → THEN",
    "number": "NUMBER",
}


@click.group()
def event() -> None:
    """Events: what happened to vehicles, and who gets a push of it."""


@event.command("list")
@click.argument("vehicle", required=False)
@click.option("--kind", type=click.Choice(KINDS), help="Only events of this kind.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@directory_option
@json_option
def list_(vehicle: str | None, kind: str | None, limit: int, directory: str | None, as_json: bool) -> None:
    """Events of VEHICLE, or of all vehicles, the newest first."""
    path = "/events" if vehicle is None else f"/vehicles/{path_part(vehicle)}/events"
    rows = ask_list(directory, path, {"kind": kind} if kind else {}, limit)
    if as_json:
        show(rows)
    else:
        table(
            map(_readable, rows),
            COLUMNS,
            empty="There are no events: only vehicles with an owner or a phone have them.",
        )


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    _, body = event_texts.sentence(row["kind"], row["details"], "en", "")
    return {**row, "time": when(row["time"]), "sentence": body, "samples": _compared(row.get("samples"))}


def _compared(samples: list[dict[str, Any] | None] | None) -> str | None:
    """The two samples that the event compares, with their times: `current_charge 25 → 19, …`."""
    if samples is None or len(samples) != 2:
        return None
    before, then = [sample or {} for sample in samples]
    names = [name for name in {**before, **then} if name not in ("time", "status_id")]
    said = [f"{name} {before.get(name, '–')} → {then.get(name, '–')}" for name in names]
    times = [exact(When(sample["time"])) if sample.get("time") else "–" for sample in (before, then)]
    return ", ".join([*said, " → ".join(times)])


@event.command()
@click.argument("vehicle")
@click.argument("changes", metavar="[KEY=VALUE]...", nargs=-1)
@directory_option
@json_option
def settings(vehicle: str, changes: tuple[str, ...], directory: str | None, as_json: bool) -> None:
    """Show or change the event settings of VEHICLE, such as low_charge=15; KEY= restores the default.

    A value is JSON: off='["left"]' places='[{"name": "home", "lat": 48.15, "lng": 17.11, "radius_m": 200}]'.
    """
    _show_or_change(directory, f"/vehicles/{path_part(vehicle)}/alerts", changes, as_json)


@event.command()
@click.argument("uid")
@click.argument("changes", metavar="[KEY=VALUE]...", nargs=-1)
@directory_option
@json_option
def preferences(uid: str, changes: tuple[str, ...], directory: str | None, as_json: bool) -> None:
    """Show or change which events the user UID gets, and how, such as language=sk; KEY= restores the default.

    For instance kinds='{"left": false}' quiet_hours=22:00-07:00 time_zone=Europe/Bratislava.
    """
    _show_or_change(directory, f"/preferences?uid={quote(uid, safe='')}", changes, as_json)


def _show_or_change(directory: str | None, path: str, changes: tuple[str, ...], as_json: bool) -> None:
    document = ask(directory, "GET", path)
    if changes:
        document = ask(directory, "PUT", path, changed(document, changes))
    if as_json:
        show(document)
        return
    for key, value in document.items():
        say("{} = {}", key, orjson.dumps(value).decode())


def changed(document: dict[str, Any], changes: tuple[str, ...]) -> dict[str, Any]:
    """The settings with each KEY=VALUE applied. Raises ConfigError."""
    document = dict(document)
    for change in changes:
        key, equals, text = change.partition("=")
        if not key or not equals:
            raise ConfigError(f"{change!r} is not KEY=VALUE")
        if not text:
            document.pop(key, None)
            continue
        try:
            document[key] = orjson.loads(text)
        except orjson.JSONDecodeError:
            document[key] = text  # such as 22:00-07:00
    return document
