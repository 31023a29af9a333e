"""Whose values count, field by field: evd's decoding of a payload, or the sender's own (docs/design.md, Decoding)."""

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
"""Flag of a status whose sender's values contradict what its format makes of the payload."""

UNDECODED = "undecoded"
"""Flag of a status whose payload no format decoded: its sender decoded it by another grammar, and his values stand."""

UNREAD = "unread"
"""Flag of a status of which a value may mean two things, and is left out."""

FLAGS = frozenset({DISAGREES, UNDECODED, IMPLAUSIBLE, UNREAD})
"""All that `decode` gives."""


class Decoded(NamedTuple):
    """`fields` is a JSON object under the app's names, `flags` are words with blanks between."""

    fields: bytes
    flags: str = ""
    unexplained: tuple[str, ...] = ()
    """The sender's fields that contradict the payload."""


def decode(message: Message, assigned: Format | None, default: Format, connectivity: int) -> Decoded:
    """The values of a message's status; `assigned` is the vehicle's own format, or its device type's."""
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
    """The values of a payload beside which the sender says nothing."""
    ordinary = format.decoder.plausible_json(payload)
    return Decoded(ordinary) if ordinary is not None else _settled(format.decoder.decode(payload), format)


class Comparison(NamedTuple):
    """A sender's values beside what a format makes of the same payload."""

    decoded: dict[str, Any]
    """The format's values but for those that the payload is too short for and the sender has."""
    agreed: int
    """Fields that both have alike."""
    contradicted: tuple[str, ...]
    """Fields that the sender has otherwise, or has although the payload is too short for them."""
    others: bool
    """The sender has numbers or flags of which the format knows nothing."""
    renamed: tuple[str, ...]
    """Half floats of the format that the sender has under another name."""

    @property
    def explained(self) -> bool:
        """Whether it may be the sender's own format: the payload bears out most of what both have.

        Where they have nothing in common, numbers of the sender's say that he decoded the payload by another grammar.
        """
        if self.agreed or self.contradicted:
            return self.agreed >= len(self.contradicted)
        return not self.others


def compare(given: Mapping[str, Any], format: Format, payload: bytes) -> Comparison:
    """`given` are the values as they were sent: whole numbers that are halves are not read yet.

    A sender's value agrees where it is the format's, or what the bits are without the field's options: Sigfox Cloud's
    grammar knows no halves, scales and names, and what stands for "no value" is a number to it.
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
"""Of the values that may come out of a payload, those that are surely no name and no remark."""


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
    """A sender's value without the quotes of a template, and without an object around it."""
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
    """What is not plausible is put apart, so that nobody takes it for a charge or a temperature."""
    implausible = format.implausible(fields)
    if implausible:
        fields = {**fields, **dict.fromkeys(implausible), IMPLAUSIBLE: implausible}
    flags = (flag, IMPLAUSIBLE if implausible else "", UNREAD if unread else "")
    return Decoded(json_bytes(fields), " ".join(word for word in flags if word), contradicted)
