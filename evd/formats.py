"""Payload formats by name: a grammar, what it cannot say about its fields, and the decoder made of both, once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from evd.codec import Decoder
from evd.config import EV_GRAMMAR, FormatSettings
from evd.errors import ConfigError, FormatError
from evd.grammar import FieldOptions, Plan, parse
from evd.status import MEASURES, field_name

COMPILED_MAX = 4096
"""Formats held compiled: more than any fleet has device types; a plan is a few kB."""

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


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """A compiled format; its fields go by the app's names."""

    name: str
    plan: Plan
    decoder: Decoder
    names: frozenset[str]


class Formats:
    """The formats of one configuration. Raises ConfigError for one that is refused."""

    def __init__(self, settings: Mapping[str, FormatSettings], default: str) -> None:
        self._compiled: dict[str, Format] = {}
        for name, one in {**BUILT_IN, **settings}.items():
            if ":" in name:
                raise ConfigError(f"format {name!r}: a format's name must not hold a colon, a grammar does")
            try:
                self._compiled[name] = _compile(name, one.grammar, one.fields)
            except FormatError as error:
                raise ConfigError(f"format {name}: {error}") from None
        self.default = self.find(default)

    def find(self, text: str) -> Format:
        """The format of this name, or of this grammar text. Raises ConfigError."""
        known = self._compiled.get(text)
        if known is not None:
            return known
        if ":" not in text:
            names = ", ".join(name for name in self._compiled if ":" not in name)
            raise ConfigError(f"there is no format {text!r}: use one of {names}, or write a grammar")
        if len(self._compiled) >= COMPILED_MAX:
            raise ConfigError(f"{COMPILED_MAX} formats are in use: give those that repeat a name in evd.toml")
        try:
            made = _compile("", text, _usual_options(text))
        except FormatError as error:
            raise ConfigError(f"the format is refused: {error}") from None
        self._compiled[text] = made
        return made


def field_options(settings: FormatSettings) -> dict[str, FieldOptions]:
    """What a format's table says of its fields. Raises FormatError."""
    try:
        return {field: msgspec.convert(given, FieldOptions) for field, given in settings.fields.items()}
    except msgspec.ValidationError as error:
        raise FormatError(f"the table of its fields is wrong: {error}") from None


def _compile(name: str, grammar: str, options: dict[str, dict[str, Any]]) -> Format:
    written = parse(grammar, field_options(FormatSettings(grammar, options)))
    steps = tuple(step._replace(name=field_name(step.name)) for step in written.steps)
    names = frozenset(step.name for step in steps)
    if len(names) != len(steps):
        raise FormatError("two of its fields are the same one under both of its spellings: leave one out")
    plan = dataclasses.replace(written, steps=steps)
    return Format(name, plan, Decoder(plan), names)


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
