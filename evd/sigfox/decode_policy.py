"""Which values a status gets, field by field: the payload's, as evd decodes it, or the sender's (docs/design.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from evd.model.json_bytes import json_bytes
from evd.model.measures import HALVES, IMPLAUSIBLE, NEUTRAL, half_from, halves_read, is_half
from evd.payload.formats import Format
from evd.sigfox.message import Message, number_in
from evd.sigfox.template_values import unwrapped

DISAGREES = "disagrees"
"""Flag of a status whose sender's values contradict its payload as decoded by its format."""

UNDECODED = "undecoded"
"""Flag of a status whose payload was not decoded: the sender used another grammar, and the sender's values stand."""

UNREAD = "unread"
"""Flag of a status from which an ambiguous value was left out."""

FLAGS = frozenset({DISAGREES, UNDECODED, IMPLAUSIBLE, UNREAD})
"""All flags that `decode` sets."""


class Decoded(NamedTuple):
    """`fields` is a JSON object under the app's names; `flags` are words separated by blanks."""

    fields: bytes
    flags: str = ""
    unexplained: tuple[str, ...] = ()
    """The sender's fields that contradict the payload."""


def decode(message: Message, assigned: Format | None, default: Format, connectivity: int) -> Decoded:
    """Decode a message; `assigned` is the format assigned to the vehicle or to its device type."""
    format, payload = assigned or default, message.payload
    if payload is not None and not message.fields and not message.unread:
        return decode_payload(payload, format)
    given = halves_read(message.fields, half_from(connectivity, message.encoded))
    if payload is None:
        return _settled(given, format, message.unread)
    compared = compare(message.fields, format, payload)
    disagrees = DISAGREES if compared.contradicted else ""
    if assigned is None and not compared.explained:
        return _settled(given, format, message.unread, disagrees or UNDECODED, compared.contradicted)
    given.update(compared.decoded)
    if assigned is None:
        for name in compared.renamed:
            del given[name]
    return _settled(given, format, message.unread, disagrees, compared.contradicted)


def decode_payload(payload: bytes, format: Format) -> Decoded:
    """Decode a payload that comes without values of the sender."""
    ordinary = format.decoder.plausible_json(payload)
    return Decoded(ordinary) if ordinary is not None else _settled(format.decoder.decode(payload), format)


class Comparison(NamedTuple):
    """A sender's values compared with those that a format decodes from the same payload."""

    decoded: dict[str, Any]
    """The format's values, without fields for which the payload is too short and which the sender sent."""
    agreed: int
    """How many fields have the same value on both sides."""
    contradicted: tuple[str, ...]
    """Fields whose values differ, or that the sender sent although the payload is too short for them."""
    others: bool
    """Whether the sender sent numbers or flags under names that the format lacks."""
    renamed: tuple[str, ...]
    """Half floats of the format that the sender sent under another name."""

    @property
    def explained(self) -> bool:
        """Whether this may be the sender's own format: at least as many common fields agree as contradict.

        Without a common field, numbers under the sender's own names show that another grammar decoded the payload.
        """
        if self.agreed or self.contradicted:
            return self.agreed >= len(self.contradicted)
        return not self.others


def compare(given: Mapping[str, Any], format: Format, payload: bytes) -> Comparison:
    """Compare the values as sent (half floats still as whole numbers) with the payload as decoded by `format`.

    A sender's value agrees if it is the format's value, or the value of the same bits without the field's options:
    Sigfox Cloud's grammar has no half floats, scales or names, and takes a "no value" number for a number.
    """
    decoded, bare = format.decoder.decode(payload), format.bare.decode(payload)
    agreed, contradicted, foreign = 0, [], {}
    for name, value in given.items():
        if name not in decoded:
            foreign[name] = value
        elif value == bare[name] or _agree(value, decoded[name], bare[name]):
            agreed += 1
        elif unwrapped(value) is not None:
            contradicted.append(name)
            if not format.reaches(name, payload):
                del decoded[name]
    others = any(type(_plain(value)) in _READINGS for name, value in foreign.items() if name not in NEUTRAL)
    halves = [value for name, value in foreign.items() if name in HALVES and is_half(value)]
    renamed = [name for name in format.halves if halves and name not in given and bare[name] in halves]
    return Comparison(decoded, agreed, tuple(contradicted), others, tuple(renamed))


_READINGS = (int, float, bool)
"""Types that only a decoded payload yields; a text may be a name or a remark."""


def _agree(said: Any, decoded: Any, bare: Any) -> bool:
    if decoded is None and bare is None:
        return False
    said = _plain(said)
    if said is None:
        return False
    if said in (_plain(decoded), bare):
        return True
    # A template may print a float with fewer digits.
    return (
        isinstance(decoded, float)
        and type(said) in (int, float)
        and math.isclose(said, decoded, rel_tol=1e-3, abs_tol=1e-3)
    )


def _plain(value: Any) -> Any:
    """A sender's value without a template's quotes and without an object around it."""
    value = unwrapped(value)
    if type(value) is not str:
        return value
    if value in ("true", "false"):
        return value == "true"
    number = number_in(value)
    return value if number is None else number


def _settled(
    fields: dict[str, Any],
    format: Format,
    unread: Sequence[str] = (),
    flag: str = "",
    contradicted: tuple[str, ...] = (),
) -> Decoded:
    """Move implausible values out of their fields, so that no reader takes them for a charge or a temperature."""
    implausible = format.implausible(fields)
    if implausible:
        fields = {**fields, **dict.fromkeys(implausible), IMPLAUSIBLE: implausible}
    flags = (flag, IMPLAUSIBLE if implausible else "", UNREAD if unread else "")
    return Decoded(json_bytes(fields), " ".join(word for word in flags if word), contradicted)
