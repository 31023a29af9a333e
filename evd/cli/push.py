"""`evd push`: what was pushed and what is due, the trace of one status, a test, and a pause of all pushes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import click

from evd.cli.common import PAGE_MAX, ask, ask_pages, directory_option, json_option, path_part
from evd.cli.printing import say, show, table
from evd.cli.times import moment, stamp, when

COLUMNS = {
    "sent": "SENT",
    "vehicle": "VEHICLE",
    "status_id": "STATUS",
    "what": "WHAT",
    "phone": "PHONE",
    "state": "STATE",
    "attempts": "TRIES",
    "due": "NEXT TRY",
    "said": "ANSWER",
}

TRACE_COLUMNS = {
    "what": "WHAT",
    "phone": "PHONE",
    "state": "STATE",
    "sent": "SENT",
    "answered": "ANSWERED",
    "after_ms": "AFTER ms",
    "attempts": "TRIES",
    "due": "NEXT TRY",
    "said": "ANSWER",
}

TEST_COLUMNS = {"token": "PHONE", "kind": "KIND", "taken": "TAKEN", "ms": "ms", "said": "ANSWER"}

REGISTERS = "its app does that at log-in, or when it starts"

LISTED = 50
"""Pushes in a list without --limit: two screens."""


@click.group()
def push() -> None:
    """Pushes: what phones got, and why one did not."""


@push.command("list")
@click.argument("vehicle", required=False)
@click.option("--waiting", is_flag=True, help="Only what the provider has not taken yet.")
@click.option("--limit", type=click.IntRange(1), default=LISTED, show_default=True, help="Rows of each kind at most.")
@directory_option
@json_option
def list_(vehicle: str | None, waiting: bool, limit: int, directory: str | None, as_json: bool) -> None:
    """What waits for phones of VEHICLE, or of all vehicles; below it what was sent, the newest first."""
    query = {"limit": min(limit, PAGE_MAX)} | ({"vehicle": vehicle} if vehicle else {})
    query |= {"waiting": 1} if waiting else {}
    document, *others = ask_pages(directory, "/pushes", query, limit, lambda page: max(map(len, _both(page))))
    for page in others:
        for rows, more in zip(_both(document), _both(page), strict=True):
            rows += more[: limit - len(rows)]
    if as_json:
        show(document)
        return
    rows = [*document["waiting"], *document["finished"]]
    empty = "Nothing waits." if waiting else "Nothing waits, and nothing was pushed."
    table(map(_listed, rows), COLUMNS, empty=empty)
    say("{}", how(document))


def _both(page: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    return page["waiting"], page["finished"]


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "sent": when(row.get("sent")), "due": when(row.get("due")), "said": row["said"] or None}


@push.command("trace")
@click.argument("status", metavar="STATUS")
@click.option("--vehicle", metavar="ID", help="The status's vehicle; saves a search if it was pushed to no phone.")
@directory_option
@json_option
def trace_(status: str, vehicle: str | None, directory: str | None, as_json: bool) -> None:
    """Trace the status with the id STATUS: measured, received, committed, pushed to each phone."""
    query = f"?{urlencode({'vehicle': vehicle})}" if vehicle else ""
    document = ask(directory, "GET", f"/pushes/trace/{path_part(status)}{query}")
    if as_json:
        show(document)
    else:
        _print_trace(document)


def _print_trace(document: dict[str, Any]) -> None:
    received, committed, vehicle = document["received"], document["committed"], document["vehicle"]
    kept = "its vehicle keeps newer ones only"
    say("status     {} of vehicle {}", document["status_id"], vehicle)
    say("measured   {}", _moment(document["measured"], kept))
    say("received   {}{}", _moment(received, kept), _later(document["measured"], received, "s"))
    unknown = "not recorded: only pushes record it"
    say("committed  {}{}", _moment(committed, unknown), _later(received, committed, "ms"))
    say("pushed     {}", _to_whom(document))
    rows = [_traced(row) for row in document["pushes"]]
    columns = {name: heading for name, heading in TRACE_COLUMNS.items() if any(row.get(name) for row in rows)}
    if rows:
        table(rows, columns, empty="")


def _to_whom(document: dict[str, Any]) -> str:
    registered, taken = document["registered"], _count(document["taken"], "phone")
    if registered:
        return f"to {taken}; {_count(registered, 'phone')} registered"
    none = f"no phone is registered for vehicle {document['vehicle']}: {REGISTERS}"
    return (f"to {taken}; " if document["taken"] else "") + none


def _moment(ms: int | None, otherwise: str) -> str:
    return otherwise if ms is None else stamp(ms, to_ms=True)


def _later(first: int | None, then: int | None, unit: str) -> str:
    if first is None or then is None:
        return ""
    return f"  {then - first:+d} ms" if unit == "ms" else f"  {(then - first) / 1000:+.3f} s"


def _traced(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: when(row.get(name), to_ms=True) for name in ("sent", "answered", "due")}
    gone = "" if row["registered"] else " (no longer registered)"
    return {**row, **times, "said": f"{row['said']}{gone}".strip() or None}


@push.command("test")
@click.argument("vehicle")
@directory_option
@json_option
def test_(vehicle: str, directory: str | None, as_json: bool) -> None:
    """Send the last status of VEHICLE to each of its phones now, and show the provider's answers."""
    document = ask(directory, "POST", "/pushes/test", {"vehicle": vehicle})
    if as_json:
        show(document)
        return
    table(map(_tested, document["phones"]), TEST_COLUMNS, empty="")
    taken = sum(bool(row["taken"]) for row in document["phones"])
    say("{} of {} taken", taken, _count(len(document["phones"]), "phone"))


def _tested(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "taken": "yes" if row["taken"] else "no", "ms": f"{row['ms']:.0f}"}


@push.command()
@directory_option
@json_option
def pause(directory: str | None, as_json: bool) -> None:
    """Stop all pushes, also after a restart, until `evd push resume`; callbacks are still taken."""
    _print_how(ask(directory, "POST", "/pushes/pause"), as_json)


@push.command()
@directory_option
@json_option
def resume(directory: str | None, as_json: bool) -> None:
    """Resume pushes: each phone gets its vehicle's last status, if that is still worth sending."""
    _print_how(ask(directory, "POST", "/pushes/resume"), as_json)


def _print_how(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show(document)
    else:
        say("{}", how(document))


def how(document: dict[str, Any]) -> str:
    """One line: whether pushes go out, and to how many phones."""
    line = f"{_goes_out(document)}; {_count(document['registered'], 'phone')} registered"
    if document["stale"]:
        line += (
            f", {document['stale']} of them stale: not renewed for {document['stale_after_days']} days, sent nothing"
        )
    return line


def _goes_out(document: dict[str, Any]) -> str:
    if document["paused_since"]:
        return f"pushes are paused since {moment(document['paused_since'])} (`evd push resume` resumes them)"
    if not document["enabled"]:
        return "this evd pushes nothing: push.credentials is not set, or `evd serve` is not running"
    if document["held_up"]:
        return f"pushes are delayed: {document['held_up']}"
    return "pushes go out"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
