"""The settings as a table: type, unit, default, range, meaning; all of it is read from evd.config.settings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from evd.config.limits import CHOICES, RANGES
from evd.config.section import Secret
from evd.config.settings import Config
from evd.config.toml_lines import as_toml

SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    field.name: field.type for field in msgspec.structs.fields(Config) if field.name != "formats"
}
"""The tables of evd.toml with fixed keys. Those of `formats` have names of the operator's own."""

_RANGES = {path: (low, high) for path, low, high in RANGES}
_CHOICES = dict(CHOICES)

#: Ending of a key → unit; the first that fits.
_UNITS = (
    ("_per_s", "a second"),
    ("_s", "s"),
    ("_ms", "ms"),
    ("_days", "days"),
    ("_hours", "hours"),
    ("_mib", "MiB"),
    ("_percent", "%"),
    ("_bytes", "bytes"),
    ("_bytes_max", "bytes"),
    ("rate_max", "messages a second"),
    ("daily_budget", "messages a day"),
    ("queue_max", "statuses"),
    ("_rows_max", "rows"),
    ("_lines_max", "lines"),
)

_EXPECTED: Mapping[str, str] = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text in quotes",
    "list[str]": "a list of texts",
    "str | list[str]": "text in quotes, or a list of texts",
}
"""Type → what a person writes."""


class SettingRow(NamedTuple):
    """A setting."""

    path: str
    """`section.key`."""
    type: Any
    kind: str
    """The type's name, a key of `_EXPECTED` or `dict…`."""
    default: Any
    secret: bool

    @property
    def unit(self) -> str:
        """Of a number; else empty."""
        if self.kind not in ("int", "float"):
            return ""
        key = self.path.partition(".")[2]
        return next(
            (unit for ending, unit in _UNITS if key.endswith(ending)), key.removesuffix("_max").replace("_", " ")
        )

    @property
    def range(self) -> tuple[float, float] | None:
        return _RANGES.get(self.path)

    @property
    def choices(self) -> tuple[str, ...]:
        return _CHOICES.get(self.path, ())

    @property
    def meaning(self) -> str:
        return _documentation()[self.path][0]

    @property
    def example(self) -> str:
        """In TOML: the default, or where that says nothing a value that could stand there."""
        return as_toml(self.default) if self.default or self.default in (0, False) else _documentation()[self.path][1]

    def from_text(self, text: str) -> Any:
        """An environment variable's text; a list is comma-separated, a table is TOML. Raises TOMLDecodeError."""
        if "list" in self.kind:
            return [part.strip() for part in text.split(",") if part.strip()]
        return tomllib.loads(f"x = {text}")["x"] if self.kind.startswith("dict") else text


def _rows() -> Iterator[SettingRow]:
    for section, struct in SECTIONS.items():
        for one in msgspec.structs.fields(struct):
            secret = one.type == Secret
            plain = isinstance(one.type, type) and not hasattr(one.type, "__args__")
            kind = "str" if secret else one.type.__name__ if plain else str(one.type)
            default = getattr(struct(), one.name)
            yield SettingRow(f"{section}.{one.name}", one.type, kind, default, secret)


SETTINGS: Mapping[str, SettingRow] = {row.path: row for row in _rows()}
"""By the path."""


def expected(row: SettingRow) -> str:
    """What a person must write, with an example, for the end of a sentence."""
    words = "one of " + ", ".join(map(as_toml, row.choices)) if row.choices else _EXPECTED.get(row.kind, "a table")
    unit = f" ({row.unit})" if row.unit else ""
    plain = row.choices or row.kind == "bool" or not row.example
    return f"{words}{unit}" if plain else f"{words}{unit}, such as {row.example}"


_COMMENT, _CLASS, _KEY = "    #: ", re.compile(r"class (\w+)\("), re.compile(r"    (\w+): ")
_EXAMPLE = re.compile(r"(.*?) ?Example: (.*)")


def _documentation() -> Mapping[str, tuple[str, str]]:
    """Path → the meaning, and the example or "": the comments in the source of the settings."""
    if not _DOCUMENTATION:
        sections = {struct.__name__: name for name, struct in SECTIONS.items()}
        section, comment = "", ""
        for line in chain.from_iterable(map(_source_lines, _MODULES)):
            if found := _CLASS.match(line):
                section = sections.get(found[1], "")
            elif line.startswith(_COMMENT):
                comment = f"{comment} {line[len(_COMMENT) :]}".strip()
            elif found := _KEY.match(line):
                meaning = _EXAMPLE.fullmatch(comment)
                _DOCUMENTATION[f"{section}.{found[1]}"] = (meaning[1], meaning[2]) if meaning else (comment, "")
                comment = ""
    return _DOCUMENTATION


_MODULES = ("settings.py", "alarm_settings.py", "mqtt_settings.py")


def _source_lines(module: str) -> list[str]:
    return resources.files("evd.config").joinpath(module).read_text("utf-8").splitlines()


_DOCUMENTATION: dict[str, tuple[str, str]] = {}
