"""Payload formats by name: a grammar, what it cannot say about its fields, and the decoder made of both, once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from evd.codec import Decoder
from evd.config import EV_GRAMMAR, FormatSettings
from evd.errors import ConfigError, FormatError
from evd.grammar import FieldOptions, Plan, parse
from evd.status import MEASURES, field_name

COMPILED_MAX = 4096
"""Formats held compiled: more than any fleet has device types; a plan is a few kB."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
"""What a format of the database may be called: no grammar (it has a colon), and nothing that a path must quote."""

#: Formats that are there without any setting.
BUILT_IN = {
    "ev": FormatSettings(
        grammar=EV_GRAMMAR,
        fields={
            "elec_consumption": {"half": True, "unit": "kWh/100 km"},
            "indoor_temp": {"half": True, "unit": "°C"},
        },
    )
}


class Origin(StrEnum):
    """Where a format is written down."""

    BUILT_IN = "built in"
    SETTINGS = "evd.toml"
    DATABASE = "database"


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """A compiled format; its fields go by the app's names."""

    name: str
    plan: Plan
    decoder: Decoder
    names: frozenset[str]


class Named(NamedTuple):
    """A format that has a name."""

    origin: Origin
    settings: FormatSettings
    compiled: Format


class Formats:
    """The formats of one configuration, and those that come and go while it runs; what find gave stays as it was.

    Raises ConfigError for one of the configuration that is refused. The default is one of those, or a grammar.
    """

    def __init__(self, settings: Mapping[str, FormatSettings], default: str) -> None:
        self._fixed: dict[str, Named] = {}
        self._stored: dict[str, Named] = {}
        self._grammars: dict[str, Format] = {}
        for name, one in {**BUILT_IN, **settings}.items():
            if ":" in name:
                raise ConfigError(f"format {name!r}: a format's name must not hold a colon, a grammar does")
            try:
                compiled = compile_format(name, one)
            except FormatError as error:
                raise ConfigError(f"format {name}: {error}") from None
            self._fixed[name] = Named(Origin.SETTINGS if name in settings else Origin.BUILT_IN, one, compiled)
        self.default = self.find(default)

    def find(self, text: str) -> Format:
        """The format of this name, or of this grammar text. Raises ConfigError."""
        named = self._fixed.get(text) or self._stored.get(text)
        if named is not None:
            return named.compiled
        known = self._grammars.get(text)
        if known is not None:
            return known
        if ":" not in text:
            names = ", ".join(self.named())
            raise ConfigError(f"there is no format {text!r}: use one of {names}, or write a grammar")
        if len(self._grammars) >= COMPILED_MAX:
            raise ConfigError(f"{COMPILED_MAX} grammars are in use: add those that repeat with `evd format add`")
        try:
            made = compile_format("", FormatSettings(text, _usual_options(text)))
        except FormatError as error:
            raise ConfigError(f"the format is refused: {error}") from None
        self._grammars[text] = made
        return made

    def named(self) -> dict[str, Named]:
        """All that have a name; one of the configuration hides one of the database."""
        return {**self._fixed, **{name: one for name, one in self._stored.items() if name not in self._fixed}}

    def is_fixed(self, name: str) -> bool:
        """Whether the configuration says what this name means."""
        return name in self._fixed

    def is_stored(self, name: str) -> bool:
        return name in self._stored

    def put(self, name: str, settings: FormatSettings) -> None:
        """The database has a format of this name, new or another than before. Raises FormatError."""
        self._stored[name] = Named(Origin.DATABASE, settings, compile_format(name, settings))

    def drop(self, name: str) -> None:
        """The database has no format of this name any more."""
        self._stored.pop(name, None)


def compile_format(name: str, settings: FormatSettings) -> Format:
    """A format ready to decode with. Raises FormatError."""
    written = parse(settings.grammar, field_options(settings))
    steps = tuple(step._replace(name=field_name(step.name)) for step in written.steps)
    names = frozenset(step.name for step in steps)
    if len(names) != len(steps):
        raise FormatError("two of its fields are the same one under both of its spellings: leave one out")
    plan = dataclasses.replace(written, steps=steps)
    return Format(name, plan, Decoder(plan), names)


def field_options(settings: FormatSettings) -> dict[str, FieldOptions]:
    """What a format's table says of its fields. Raises FormatError."""
    try:
        return {field: msgspec.convert(given, FieldOptions) for field, given in settings.fields.items()}
    except msgspec.ValidationError as error:
        raise FormatError(f"the table of its fields is wrong: {error}") from None


def _usual_options(grammar: str) -> dict[str, dict[str, Any]]:
    """For a bare grammar: 16-bit fields under the names that vehicles fill with half floats are half floats."""
    return {
        field.name: {"half": True}
        for field in parse(grammar).fields
        if field.type == "uint" and field.bits == 16 and _usually_half(field.name)
    }


def _usually_half(name: str) -> bool:
    measure = MEASURES.get(field_name(name))
    return measure is not None and measure.half
