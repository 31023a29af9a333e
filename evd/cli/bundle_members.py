"""What a support bundle holds: a table of files, each made by a function of the surroundings. Nothing here writes.

Every text loses its secrets in `cleaned`: by name, by shape, and the values of evd's own secret settings wherever they
stand. Addresses keep their scheme and host: the path of a hook often is its password.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib import metadata
from typing import Any, NamedTuple

import msgspec
import orjson

from evd.config.described import SETTINGS
from evd.config.in_force import shown_setting, value_of
from evd.config.loading import read
from evd.doctor.checks import findings
from evd.doctor.place import UNIT, Surroundings
from evd.errors import EvdError
from evd.net.client import control_socket
from evd.payload.codec import IMPLEMENTATION
from evd.redaction.requests import MASK, masked
from evd.store.engines import DEFAULT, ENGINES
from evd.version import VERSION

LOG_LINES = 1_000
"""Of the journal: about a day of a daemon that is well."""

MEMBER_BYTES_MAX = 4 * 1024 * 1024
"""Of one file; the end of a longer one is kept, for a log's news stands there."""

FILES_MAX = 200
"""Of the directory: evd makes some ten there, beside copies of settings and schemas."""

ASKED_S = 20.0
"""journalctl reads some hundred MiB in that time."""


class BundleMember(NamedTuple):
    """`text` may raise EvdError, OSError or SubprocessError: the sentence then stands in the file."""

    name: str
    what: str
    text: Callable[[Surroundings], str]


def _json(document: Any) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()


def _versions(place: Surroundings) -> str:
    library, safe_from = ENGINES[DEFAULT].library
    needs = [re.split(r"[<>=!~; \[]", line)[0] for line in metadata.requires("evd") or () if "extra ==" not in line]
    packages = {}
    for name in needs:
        with suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    return _json(
        {
            "evd": VERSION,
            "running": place.statistics and place.statistics.get("version"),
            "codec": IMPLEMENTATION,
            "python": sys.version,
            "sqlite": ".".join(map(str, library)),
            "sqlite_safe_from": ".".join(map(str, safe_from)),
            "machine": platform.platform(),
            "processors": os.cpu_count(),
            "packages": packages,
        }
    )


def _settings(place: Surroundings) -> str:
    loaded = read(place.data_dir.settings, place.env)
    rows = [shown_setting(row, loaded.config, loaded.origin(row.path)) for row in SETTINGS.values()]
    return _json({"mistakes": loaded.mistakes, "settings": rows})


def _doctor(place: Surroundings) -> str:
    return _json([msgspec.to_builtins(finding) for finding in findings(place)])


def _statistics(place: Surroundings) -> str:
    return _json(place.statistics) if place.statistics else f"No evd runs. {place.silent}"


def _metrics(place: Surroundings) -> str:
    return control_socket.metrics(place.data_dir.socket)


def _log(place: Surroundings) -> str:
    if shutil.which("journalctl") is None:
        return "journalctl is not on this machine."
    command = ["journalctl", "--unit", UNIT, "--no-pager", "--quiet", "--output", "cat", "--lines", str(LOG_LINES)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=ASKED_S, check=False)
    return done.stdout or f"The journal has no line of {UNIT} that this user may read. {done.stderr}"


def _schema(place: Surroundings) -> str:
    return ENGINES[DEFAULT].schema(place.data_dir.database)


def _files(place: Surroundings) -> str:
    disk = shutil.disk_usage(place.data_dir.directory)
    rows = [
        {"name": one.name, "bytes": (stat := one.stat(follow_symlinks=False)).st_size, "mode": oct(stat.st_mode),
         "user": stat.st_uid, "group": stat.st_gid, "changed_s": int(stat.st_mtime)}
        for one in sorted(os.scandir(place.data_dir.directory), key=lambda one: one.name)
    ]  # fmt: skip
    return _json({"directory": str(place.data_dir.directory), "disk": disk._asdict(), "files": rows[:FILES_MAX]})


MEMBERS: tuple[BundleMember, ...] = (
    BundleMember("versions.json", "evd, Python, SQLite, packages, the machine", _versions),
    BundleMember("settings.json", "every setting with its origin, secrets masked; mistakes", _settings),
    BundleMember("doctor.json", "what `evd doctor` finds", _doctor),
    BundleMember("stats.json", "counts since the start and in the database", _statistics),
    BundleMember("metrics.txt", "the metrics, as Prometheus would read them", _metrics),
    BundleMember("log.txt", f"the last {LOG_LINES} lines of evd's log, if the journal can be read", _log),
    BundleMember("schema.sql", "tables, indexes and views of the database; no row of them", _schema),
    BundleMember("files.json", "names, sizes and owners of the files, the disk", _files),
)
"""In the order of the archive."""


def members(place: Surroundings) -> Iterator[tuple[str, bytes]]:
    """Each file's name and content, the list of them first. Never raises for the state of a machine."""
    secrets = _known_secrets(place)
    listed = "".join(f"{member.name:14} {member.what}\n" for member in MEMBERS)
    yield "README.txt", f"A support bundle of evd {VERSION}, without secrets ({MASK}).\n\n{listed}".encode()
    for member in MEMBERS:
        try:
            text = member.text(place)
        except (EvdError, OSError, subprocess.SubprocessError) as error:
            text = f"It could not be made: {error}"
        yield member.name, cleaned(text, secrets).encode("utf-8", "replace")[-MEMBER_BYTES_MAX:]


_ADDRESS = re.compile(
    r"(\w://)(?:[^\s/@\"'<>\\]*@)?((?:\[[0-9A-Fa-f:.]*\]|[\w.-]*)(?::\d{1,5}(?=[/?#\s\"'<>\\]|$))?)[^\s\"'<>\\]*"
)
"""Scheme, user and password, host and port; what is no host, as a password with a slash in it, goes with the path."""


def cleaned(text: str, secrets: Mapping[str, str]) -> str:
    """`secrets`: each known one → what stands in its place."""
    for secret, instead in secrets.items():
        text = text.replace(secret, instead)
    return "\n".join(masked(_ADDRESS.sub(r"\1\2", line)) for line in text.split("\n"))


SECRET_MIN = 4
"""Characters of a secret that is looked for in every text: a shorter one would mask half of it."""


def _known_secrets(place: Surroundings) -> dict[str, str]:
    """The longest first: one may be a part of another."""
    found: set[str] = set()
    with suppress(EvdError, OSError):
        loaded = read(place.data_dir.settings, place.env)
        for row in SETTINGS.values():
            value = value_of(row, loaded.config)
            if row.secret and isinstance(value, str) and len(value) >= SECRET_MIN:
                found |= {value, _json(value)[1:-1]}  # as it is, and as JSON writes it
    return dict.fromkeys(sorted(found, key=len, reverse=True), MASK)
