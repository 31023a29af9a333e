"""`evd config`: what holds and why, every mistake, what a setting means, and old names rewritten."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from evd.cli.common import directory_option, json_option
from evd.cli.printing import say, show, table
from evd.config.data_dir import DataDirectory, find
from evd.config.described import SETTINGS, SettingRow
from evd.config.in_force import HIDDEN, ShownSetting, shown_setting, shown_value, value_of
from evd.config.loading import Loaded, read
from evd.config.migration import migrated
from evd.config.names import today, variable_of
from evd.config.settings import Config
from evd.config.toml_lines import as_toml
from evd.errors import ConfigError

COLUMNS = {"path": "SETTING", "shown": "VALUE", "unit": "UNIT"}


@click.group()
def config() -> None:
    """Settings: what holds and why, what is wrong, what one means."""


@config.command("show")
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.option("--changed", is_flag=True, help="Only settings that differ from what evd has built in.")
@directory_option
@json_option
def show_(origin: bool, changed: bool, directory: str | None, as_json: bool) -> None:
    """Every setting with its value and unit; secrets are not shown.

    Example: evd config show --origin --changed
    """
    loaded = read(find(directory, os.environ).settings, os.environ)
    if loaded.mistakes:
        raise ConfigError(f"{loaded.mistakes[0]} (`evd config check` lists all that is wrong)")
    rows = [row for row in SETTINGS.values() if not changed or value_of(row, loaded.config) != row.default]
    if as_json:
        show([_document(row, loaded) for row in rows])
        return
    shown = [{**_document(row, loaded), "shown": _shown(row, loaded), "from": _brief(row, loaded)} for row in rows]
    table(shown, COLUMNS | ({"from": "FROM"} if origin else {}), empty="Every setting has its built-in value.")


@config.command()
@click.argument("key", metavar="KEY")
@directory_option
@json_option
def get(key: str, directory: str | None, as_json: bool) -> None:
    """A setting's value, where it comes from, and what it means.

    Example: evd config get retention.statuses_per_vehicle
    """
    row = SETTINGS[today(key)]
    loaded = read(find(directory, os.environ).settings, os.environ)
    if as_json:
        show({**_document(row, loaded), "variable": variable_of(row.path)})
        return
    say("{} = {}{}", row.path, _shown(row, loaded), f" ({row.unit})" if row.unit else "")
    say("{}", row.meaning)
    say("From {}; built in is {}.", _brief(row, loaded), as_toml(row.default))
    if row.range:
        say("Between {} and {}.", *row.range)
    if row.choices:
        say("One of {}.", ", ".join(row.choices))
    say("In the environment: {}.", variable_of(row.path))


@config.command()
@directory_option
@json_option
@click.pass_context
def check(ctx: click.Context, directory: str | None, as_json: bool) -> None:
    """Find every mistake in evd.toml and in the environment, with its line, before evd is restarted.

    Exit code 2 if there is one.

    Example: evd config check
    """
    data_dir = find(directory, os.environ)
    loaded = read(data_dir.settings, os.environ)
    mistakes = [*loaded.mistakes, *(() if loaded.mistakes else _found_by_parts(loaded.config))]
    old = [{"where": str(origin), "old": before, "today": new} for origin, before, new in loaded.old]
    if as_json:
        show({"file": str(data_dir.settings), "right": not mistakes, "mistakes": mistakes, "old_names": old})
    else:
        for sentence in mistakes:
            say("{}", sentence)
        for one in old:
            say("{}: {} is called {} today, and still counts: `evd config migrate` rewrites it", *one.values())
        if not mistakes:
            say("{}: {} settings come from it or the environment.", _state(data_dir), len(loaded.origins))
    if mistakes:
        ctx.exit(2)


@config.command()
@directory_option
@json_option
def migrate(directory: str | None, as_json: bool) -> None:
    """Rewrite old names in evd.toml; the file as it was is kept beside it.

    Example: evd config migrate
    """
    file = find(directory, os.environ).settings
    if not file.exists():
        raise ConfigError(f"{file} does not exist: there is nothing to rewrite")
    mistakes = read(file, {}).mistakes
    if mistakes:
        raise ConfigError(f"{mistakes[0]} (first correct what `evd config check` shows)")
    before = file.read_text("utf-8")
    after, done = migrated(before)
    kept = _replace(file, before, after) if done else None
    if as_json:
        rows = [{"line": one.line, "old": one.old, "today": one.today} for one in done]
        show({"file": str(file), "kept": kept and str(kept), "rewritten": rows})
        return
    for one in done:
        say("line {}: {} is {} now", *one)
    say("{}", f"The file as it was: {kept}" if kept else f"{file} has no old names.")


def _replace(file: Path, before: str, after: str) -> Path:
    """Write the new text beside the file and rename it; returns the path of the copy of the old one."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    kept, new = (file.with_name(f"{file.name}.{ending}") for ending in (f"before-{stamp}", "new"))
    was = file.stat()
    try:
        for path, text in ((kept, before), (new, after)):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                os.fchmod(descriptor, was.st_mode & 0o777)
                if os.geteuid() == 0:
                    os.fchown(descriptor, was.st_uid, was.st_gid)
                out.write(text)
                out.flush()
                os.fsync(descriptor)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
    return kept


def _state(data_dir: DataDirectory) -> str:
    there = data_dir.settings.exists()
    return f"{data_dir.settings} is right" if there else f"{data_dir.settings} is absent, which is no mistake"


def _document(row: SettingRow, loaded: Loaded) -> ShownSetting:
    return shown_setting(row, loaded.config, loaded.origin(row.path))


def _shown(row: SettingRow, loaded: Loaded) -> str:
    value = shown_value(row, loaded.config)
    return HIDDEN if value == HIDDEN else as_toml(value)


def _brief(row: SettingRow, loaded: Loaded) -> str:
    """The origin in a table: the file is the same in every row."""
    origin = loaded.origin(row.path)
    return f"evd.toml:{origin.line}" if origin.kind == "file" else origin.name or origin.kind


def _found_by_parts(chosen: Config) -> Iterator[str]:
    """What only evd's parts find: in formats, patterns, addresses."""
    from evd.alarms.senders import senders
    from evd.daemon.listening import parse_bind
    from evd.daemon.wiring import shown_by_app
    from evd.net.addresses import Proxies
    from evd.payload.formats import Formats
    from evd.sigfox.name_paths import NamePaths

    checks: list[tuple[str, Callable[[], object]]] = [
        ("server.trusted_proxies", lambda: Proxies(chosen.server.trusted_proxies)),
        ("formats", lambda: Formats(chosen.formats, chosen.ingest.default_format)),
        ("alerts", lambda: senders(chosen.alerts, "host")),
        ("events", lambda: shown_by_app(chosen)),
    ]
    patterns = {"batch_pattern": chosen.sigfox.batch_pattern} | {
        f"text_patterns.{kind}": text for kind, text in chosen.sigfox.text_patterns.items()
    }
    checks += [("server.bind", partial(parse_bind, bind)) for bind in chosen.server.binds]
    checks += [(f"sigfox.{name}", partial(_check_pattern, text)) for name, text in patterns.items()]
    checks += [
        (f"sigfox.names.{name}", partial(NamePaths, f"sigfox.names.{name}", paths))
        for name, paths in chosen.sigfox.names.items()
    ]
    for path, one in checks:
        try:
            one()
        except ConfigError as error:
            sentence = str(error)
            yield sentence if path in sentence else f"{path}: {sentence}"


def _check_pattern(text: str) -> None:
    from evd.request.line_pattern import LinePattern
    from evd.sigfox.line_variables import mistakes

    for sentence in mistakes(LinePattern.parse(text).names):
        raise ConfigError(f"in {text!r} {sentence}")
