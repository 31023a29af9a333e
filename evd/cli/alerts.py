"""`evd alerts`: the ways by which alarms reach the operator."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

import click
import trio

from evd.alarms.monitor import AlarmSender
from evd.alarms.senders import senders
from evd.alarms.state import AlarmChange
from evd.cli.common import directory_option, json_option
from evd.cli.printing import say, show
from evd.config.data_dir import find
from evd.config.loading import load
from evd.errors import AlarmError, ConfigError

NAME = "test"


@click.group()
def alerts() -> None:
    """Alarms: how they reach the operator."""


@alerts.command()
@directory_option
@json_option
def test(directory: str | None, as_json: bool) -> None:
    """Send a test message by each way that [alerts] sets up, and say which arrived.

    It uses the settings as they are in the file and the environment now; the running evd needs `evd reload` for them.
    """
    data_dir = find(directory, os.environ)
    data_dir.require()
    config = load(data_dir.settings, os.environ)
    ways = senders(config.alerts, socket.gethostname())
    if not ways:
        raise ConfigError("no way to the operator is set up: set alerts.notify, or another one under [alerts]")
    outcomes = trio.run(_sent, ways, config.alerts.timeout_s)
    if as_json:
        show(outcomes)
    else:
        for outcome in outcomes:
            say("{}: {}", outcome["way"], "sent" if outcome["sent"] else f"not sent: {outcome['reason']}")
    failed = [outcome for outcome in outcomes if not outcome["sent"]]
    if failed:
        raise AlarmError(f"{len(failed)} of {len(outcomes)} ways took no test message")


async def _sent(ways: list[AlarmSender], timeout_s: float) -> list[dict[str, Any]]:
    now = time.time_ns() // 1_000_000
    change = AlarmChange(NAME, "raised", "warning", now, now, "This is a test: no alarm stands because of it.")
    outcomes: list[dict[str, Any]] = []

    async def one(way: AlarmSender) -> None:
        reason = f"no answer within {timeout_s:g} s"
        sent = False
        with trio.move_on_after(timeout_s):
            try:
                await way.send(change, now)
                sent = True
            except AlarmError as error:
                reason = str(error)
        outcomes.append({"way": way.name, "sent": sent, "reason": "" if sent else reason})
        with trio.move_on_after(1):
            await way.aclose()

    async with trio.open_nursery() as nursery:
        for way in ways:
            nursery.start_soon(one, way)
    return sorted(outcomes, key=lambda outcome: str(outcome["way"]))
