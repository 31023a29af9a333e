"""A format as people see it: which bits each field takes, with what options, and what no message can hold."""

from __future__ import annotations

from typing import Any

import msgspec

from evd.payload.field_options import NO_OPTIONS, FieldOptions
from evd.payload.grammar import Field, Plan


def layout(plan: Plan, *, carried: int) -> dict[str, Any]:
    """The position of each field; bits are counted from the left, from 0; `last_bit` is included.

    `carried`: bytes that a message has at most.
    """
    document: dict[str, Any] = {"bytes": plan.length, "fields": [_place(field) for field in plan.fields]}
    return document | ({"warnings": found} if (found := warnings(plan, carried=carried)) else {})


def _place(field: Field) -> dict[str, Any]:
    place = {
        "name": field.name,
        "type": field.type,
        "bits": field.bits,
        "byte": field.index,
        "offset": field.offset,
        "first_bit": field.start,
        "last_bit": field.end - 1,
        "endianness": field.endianness or None,
    }
    return place | ({"options": options} if (options := given_options(field.options)) else {})


def given_options(options: FieldOptions) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in msgspec.to_builtins(options).items() if value != getattr(NO_OPTIONS, name)}


def warnings(plan: Plan, *, carried: int) -> list[str]:
    """What is valid in a format but useless: fields that no Sigfox message can hold."""
    behind = [field.name for field in plan.fields if field.end > 8 * carried]
    if not behind:
        return []
    which = f"field {behind[0]} lies" if len(behind) == 1 else f"fields {', '.join(behind)} lie"
    return [
        f"{which} behind byte {carried}, the most that Sigfox carries: null in each message "
        f"(the format has {plan.length} bytes)"
    ]
