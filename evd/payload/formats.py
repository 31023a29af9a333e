"""Payload formats by name: each is a grammar with field options, compiled once to a decoder."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from evd.config.settings import FormatSettings
from evd.errors import ConfigError, FormatError
from evd.model.measures import EV_GRAMMAR, MEASURES, Measure, field_name
from evd.payload.codec import Decoder, decoder_for
from evd.payload.field_options import FieldOptions
from evd.payload.grammar import Field, Plan, bounded, parse
from evd.payload.types import HALF, TYPES, FieldStep

COMPILED_MAX = 4096
"""Compiled formats held in memory: more than any fleet has device types; a plan takes a few kB."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
"""Names allowed for formats in the database: no colon, which grammars have, and nothing to be quoted in a path."""

Bounds = tuple[float, float]
"""The least and the greatest plausible value."""

NO_BOUNDS: Bounds = (-math.inf, math.inf)


def _options_of_measures(grammar: str) -> dict[str, dict[str, Any]]:
    """The options of fields under the app's names: half floats, units, plausible values."""
    measures = {field.name: MEASURES[field_name(field.name)] for field in parse(grammar).fields}
    return {name: _options_of(measure) for name, measure in measures.items() if measure.unit}


def _options_of(measure: Measure) -> dict[str, Any]:
    low, high = measure.plausible or (None, None)
    given = {"half": measure.half or None, "unit": measure.unit, "min": low, "max": high}
    return {option: value for option, value in given.items() if value is not None}


#: The built-in formats.
BUILT_IN = {"ev": FormatSettings(EV_GRAMMAR, _options_of_measures(EV_GRAMMAR))}


class FormatSource(StrEnum):
    """Where a format is defined."""

    BUILT_IN = "built in"
    SETTINGS = "evd.toml"
    DATABASE = "database"


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """A compiled format; its fields have the app's names."""

    name: str
    plan: Plan
    decoder: Decoder
    bare: Decoder
    """The decoder without field options, as Sigfox Cloud decodes by the same grammar."""
    names: frozenset[str]
    halves: frozenset[str]
    """The fields that are half floats."""
    bounds: Mapping[str, Bounds]
    """Plausible values of its own fields and of the app's other fields."""

    def reaches(self, name: str, payload: bytes) -> bool:
        """Whether the payload is long enough to contain the field."""
        return any(step.name == name and step.start + step.bits <= 8 * len(payload) for step in self.plan.steps)

    def implausible(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields with implausible values; only numbers can be implausible."""
        found = {}
        for name, (low, high) in self.bounds.items():
            value = fields.get(name)
            if (type(value) is int or type(value) is float) and not low <= value <= high:
                found[name] = value
        return found


class Named(NamedTuple):
    """A format with its name's source."""

    origin: FormatSource
    settings: FormatSettings
    compiled: Format


class Formats:
    """The configuration's formats, which are fixed, and the database's, which may change while evd runs.

    A format that `find` returned never changes. `default` is a configured format's name or a grammar. Raises
    ConfigError for an invalid format in the configuration.
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
            self._fixed[name] = Named(
                FormatSource.SETTINGS if name in settings else FormatSource.BUILT_IN, one, compiled
            )
        self.default = self.find(default)

    def find(self, text: str) -> Format:
        """The format of this name or grammar text. Raises ConfigError."""
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
        """All formats that have names; a configured one hides the database's of the same name."""
        return {**self._fixed, **{name: one for name, one in self._stored.items() if name not in self._fixed}}

    def is_fixed(self, name: str) -> bool:
        """Whether the configuration defines this name."""
        return name in self._fixed

    def is_stored(self, name: str) -> bool:
        return name in self._stored

    def put(self, name: str, settings: FormatSettings) -> None:
        """Add or replace a format of the database. Raises FormatError."""
        self._stored[name] = Named(FormatSource.DATABASE, settings, compile_format(name, settings))

    def drop(self, name: str) -> None:
        """Remove a format of the database."""
        self._stored.pop(name, None)


def compile_format(name: str, settings: FormatSettings) -> Format:
    """Compile a format. Raises FormatError."""
    written = parse(settings.grammar, field_options(settings))
    own = {field_name(field.name): _bounds_of(field) for field in written.fields}
    if len(own) != len(written.fields):
        raise FormatError("two of its fields are the same one under both of its spellings: leave one out")
    plan = _renamed(written, own)
    halves = frozenset(step.name for step in plan.steps if step.type == HALF)
    bare = decoder_for(_renamed(parse(settings.grammar), {}))
    apps = {name: measure.plausible for name, measure in MEASURES.items() if measure.plausible}
    bounds = {name: one for name, one in {**apps, **own}.items() if one != NO_BOUNDS}
    return Format(name, plan, decoder_for(plan), bare, frozenset(own), halves, bounds)


def _renamed(written: Plan, bounds: Mapping[str, Bounds]) -> Plan:
    """The plan with its fields under the app's names and with these bounds."""

    def step_of(step: FieldStep) -> FieldStep:
        name = field_name(step.name)
        return bounded(step, *bounds.get(name, NO_BOUNDS))._replace(name=name)

    return dataclasses.replace(written, steps=tuple(step_of(step) for step in written.steps))


def _bounds_of(field: Field) -> Bounds:
    """The field's own bounds; else the app's for its name, unless the field has another unit."""
    options, measure = field.options, MEASURES.get(field_name(field.name))
    low, high = NO_BOUNDS
    if options.min is not None or options.max is not None:
        return low if options.min is None else options.min, high if options.max is None else options.max
    if TYPES[field.type].raw is None or options.enum or measure is None or options.unit not in ("", measure.unit):
        return NO_BOUNDS
    return measure.plausible or NO_BOUNDS


def field_options(settings: FormatSettings) -> dict[str, FieldOptions]:
    """The field options in a format's table. Raises FormatError."""
    try:
        return {field: msgspec.convert(given, FieldOptions) for field, given in settings.fields.items()}
    except msgspec.ValidationError as error:
        raise FormatError(f"the table of its fields is wrong: {error}") from None


def _usual_options(grammar: str) -> dict[str, dict[str, Any]]:
    """A bare grammar's options: 16-bit fields under the names that vehicles fill with half floats are half floats."""
    return {
        field.name: {"half": True}
        for field in parse(grammar).fields
        if field.type == "uint" and field.bits == 16 and _usually_half(field.name)
    }


def _usually_half(name: str) -> bool:
    measure = MEASURES.get(field_name(name))
    return measure is not None and measure.half
