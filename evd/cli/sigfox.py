"""`evd sigfox`: what to enter into Sigfox's callback form, and whether Sigfox's callbacks arrive."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import click
import msgspec
import trio

from evd.auth.api_keys import KEY_MAX_CHARACTERS
from evd.cli.common import directory_option, json_option, named_format, settings
from evd.cli.printing import say, say_bold, say_lines, show
from evd.clock import now_ms
from evd.config.data_dir import find
from evd.config.settings import Config
from evd.errors import ConfigError, EvdError
from evd.net.client import control_socket
from evd.net.client.base_url import parse_base_url
from evd.payload.grammar import parse
from evd.sigfox.callback_form import KEY_COMMAND, CallbackDefinition, as_api, definitions, why_not_creatable
from evd.sigfox_api.client import SigfoxApi
from evd.sigfox_api.diagnose.probe import Checkup, base_of
from evd.sigfox_api.diagnose.verdicts import FAILED, OK, SKIPPED, WARNING, CheckStep

KEY_ENV = "EVD_SIGFOX_KEY"

MARKS = {OK: "✓", FAILED: "✗", WARNING: "!", SKIPPED: "–"}

key_option = click.option("--key-stdin", is_flag=True, help=f"Read the key from stdin instead of ${KEY_ENV}.")


@click.group()
def sigfox() -> None:
    """Sigfox Cloud: set up its callbacks, and check that they arrive."""


@sigfox.command()
@click.option("--url", required=True, help="evd's public address: https://HOST.")
@click.option("--format", "format_", metavar="FORMAT", help="Name or grammar, for the custom payload config.")
@click.option("--batch", is_flag=True, help="One request with all messages of a second.")
@click.option("--bidir", is_flag=True, help="Devices may ask for downlinks.")
@click.option(
    "--create", is_flag=True, help="Create them with Sigfox's REST API (sigfox.api_login, sigfox.api_password)."
)
@click.option("--device-type", metavar="ID", help="The device type to create them for.")
@key_option
@directory_option
@json_option
@click.pass_context
def config(
    ctx: click.Context,
    url: str,
    format_: str | None,
    batch: bool,
    bidir: bool,
    create: bool,
    device_type: str | None,
    key_stdin: bool,
    directory: str | None,
    as_json: bool,
) -> None:
    """Print what to enter into Sigfox's form, callback by callback; or create the callbacks.

    --create leaves existing callbacks unchanged. Exit code 1 if Sigfox refused one.
    """
    if create != (device_type is not None):
        raise ConfigError("--create and --device-type belong together: give both, or neither")
    chosen = settings(find(directory, os.environ))
    wanted = definitions(
        parse_base_url(base_of(url)).url,
        bidir=bidir,
        batch=batch,
        batch_pattern=chosen.sigfox.batch_pattern,
        grammar=_grammar(format_, directory),
    )
    if device_type is not None:
        if not _create(chosen, device_type, wanted, _key(key_stdin), as_json):
            ctx.exit(1)
    elif as_json:
        show(msgspec.to_builtins(wanted))
    else:
        for definition in wanted:
            _print(definition)
        say("<key> is what `{}` prints. DATA is required; each of the others adds information.", KEY_COMMAND)


@sigfox.command()
@click.argument("url")
@key_option
@directory_option
@json_option
@click.pass_context
def check(ctx: click.Context, url: str, key_stdin: bool, directory: str | None, as_json: bool) -> None:
    """Send a marked callback through the public URL, and report each step.

    It is a message of the vehicle evd-check, which keeps one status. Exit code 1 if a step failed.
    """
    data_dir = find(directory, os.environ)
    local = partial(control_socket.call, data_dir.socket) if data_dir.socket.exists() else None
    report = (lambda step: None) if as_json else _report
    checkup = Checkup(url, _key(key_stdin), now=now_ms(), report=report, local=local)
    trio.run(checkup.run, strict_exception_groups=True)
    if as_json:
        show({"url": checkup.url, "passed": checkup.passed, "steps": msgspec.to_builtins(checkup.steps)})
    elif checkup.passed:
        say("\nSigfox's callbacks arrive.")
    if not checkup.passed:
        ctx.exit(1)


def _report(step: CheckStep) -> None:
    say("{} {:8} {}", MARKS[step.outcome], step.name, step.text)
    if step.advice:
        say("           → {}", step.advice)


def _print(definition: CallbackDefinition) -> None:
    """One callback, in the order of the form's fields."""
    fields = {
        "Type": " ".join(part for part in (definition.type, definition.subtype) if part),
        "Channel": definition.channel,
        "Downlink": "tick it" if definition.downlink else "",
        "Custom payload config": definition.payload_config,
        "Url pattern": definition.url,
        "Use HTTP Method": definition.method,
        "Send SNI": "on" if definition.sni else "off",
        "Headers": "; ".join(f"{name} = {value}" for name, value in definition.headers.items()),
        "Line pattern": definition.line_pattern,
        "Content type": definition.content_type,
    }
    say_bold(fields["Type"])
    say(": {}", definition.purpose)
    for name, value in fields.items():
        if value:
            say("  {:22} {}", name, value)
    say("  Body")
    say_lines("".join(f"    {line}\n" for line in definition.body.splitlines()))


def _grammar(given: str | None, directory: str | None) -> str | None:
    """Raises FormatError for an invalid grammar."""
    if given is None:
        return None
    grammar, options = named_format(given, directory)
    parse(grammar, options)
    return grammar


def _key(from_stdin: bool) -> str:
    """evd's key of role sigfox. Raises ConfigError."""
    if from_stdin and sys.stdin.isatty():
        say("The key, then Enter:", err=True)
    text = sys.stdin.readline(KEY_MAX_CHARACTERS + 2) if from_stdin else os.environ.get(KEY_ENV, "")
    if not text.strip():
        raise ConfigError(f"the key is missing: set the environment variable {KEY_ENV}, or use --key-stdin")
    return text.strip()


def _create(chosen: Config, device_type: str, wanted: list[CallbackDefinition], key: str, as_json: bool) -> bool:
    """Create what Sigfox's API can create; False if it refused one of these."""
    reasons = {one.kind: why_not_creatable(one) for one in wanted}
    possible = [one for one in wanted if not reasons[one.kind]]
    outcomes = trio.run(_ensure, chosen, device_type, possible, key, strict_exception_groups=True)
    results = [_result(one, outcomes.get(one.kind, {"error": reasons[one.kind]})) for one in wanted]
    if as_json:
        show(results)
    else:
        for result in results:
            say("{:22} {}", result["callback"], _outcome(result))
        if any(one.downlink for one in possible):
            say("Tick Downlink at the BIDIR callback, and set the device type's downlink mode to CALLBACK.")
    return not any("error" in outcome for outcome in outcomes.values())


async def _ensure(
    chosen: Config, device_type: str, wanted: list[CallbackDefinition], key: str
) -> dict[str, dict[str, Any]]:
    """The outcome for each kind. An error of the first one is raised, because all others would fail with it."""
    outcomes: dict[str, dict[str, Any]] = {}
    async with SigfoxApi.from_settings(chosen.sigfox) as api:
        for one in wanted:
            try:
                (made,) = await api.ensure_callbacks(device_type, [as_api(one, key)])
            except EvdError as error:
                if not outcomes:
                    raise
                outcomes[one.kind] = {"error": str(error).replace(key, "…")}
            else:
                outcomes[one.kind] = {"id": made.callback_id, "created": made.created}
    return outcomes


def _result(definition: CallbackDefinition, outcome: dict[str, Any]) -> dict[str, Any]:
    return {"kind": definition.kind, "callback": f"{definition.type} {definition.subtype}".strip(), **outcome}


def _outcome(result: Mapping[str, Any]) -> str:
    if "error" in result:
        return f"not created, so enter it by hand: {result['error']}"
    return f"{'created' if result['created'] else 'exists already'} as {result['id']}"
