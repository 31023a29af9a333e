"""Find the kind of a callback, and check that it has the variables which its kind requires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evd.errors import BadRequest
from evd.sigfox.kinds.kind import Kind
from evd.sigfox.kinds.registry import BIDIR, DATA_KINDS, KINDS, UPLINK
from evd.sigfox.message import (
    KIND_NAMES,
    NUMBER_NAMES,
    OUT_OF_BAND,
    PAYLOAD_NAMES,
    SEQ_ALIASES,
    SEQ_NAMES,
    VEHICLE_NAMES,
    first_of,
)
from evd.sigfox.near_names import where_looked

SHOWN_MARKS = 2
"""Marks of each kind that a refusal names."""


def kind_of(document: Mapping[str, Any]) -> str:
    """The kind of a callback on the route for all kinds. Raises BadRequest if the kind cannot be found.

    A kind that the callback states counts first, then marks. Values of a vehicle without a mark are an uplink: a
    message in Sigfox's variables, or a status document of the original system.
    """
    said = said_kind(document)
    if said is not None:
        return said
    payload = first_of(document, PAYLOAD_NAMES, empty_counts=True) not in (None, OUT_OF_BAND)
    marked = _by_marks(document, payload, by_name=False)
    if marked is None and not payload and not any(name in document for name in PAYLOAD_NAMES):
        marked = _by_marks(document, payload, by_name=True)  # a STATUS is not a message even if all its values are null
    if marked is not None:
        return marked
    if payload or not _ENVELOPE.issuperset(document):
        return UPLINK
    raise BadRequest(_UNRECOGNISED, error="Missing basic attributes")


#: Names that do not show what a callback carries; the original system's own names do.
_ENVELOPE = frozenset(
    {*VEHICLE_NAMES[1:], "time", *SEQ_NAMES, *SEQ_ALIASES, "deviceTypeId", "id", "key", *KIND_NAMES, *NUMBER_NAMES}
    | {"version"}
)


def _marks_in_words(kind: Kind) -> str:
    return " or ".join(" and ".join(mark) for mark in kind.marks[:SHOWN_MARKS])


_UNRECOGNISED = (
    "nothing in the callback shows its kind: it lacks data (a message), "
    + ", ".join(f"{_marks_in_words(kind)} ({name})" for name, kind in KINDS.items() if name not in DATA_KINDS)
    + "; add one, or use its kind's route"
)


def require(kind: str, document: Mapping[str, Any]) -> None:
    """Raise BadRequest, naming what is missing, unless the document has the variables that its kind requires."""
    lacking = [names for names in KINDS[kind].required if first_of(document, names) is None]
    if lacking:
        names = ", ".join(" or ".join(group) for group in lacking)
        found = where_looked(document, lacking)
        raise BadRequest(f"the callback ({kind}) lacks {names}{found}", error="Missing basic attributes")


def _by_marks(document: Mapping[str, Any], payload: bool, *, by_name: bool) -> str | None:
    for name, kind in KINDS.items():
        if payload and not kind.with_payload:
            continue
        if any(_marked(document, mark, by_name or kind.marked_by_null) for mark in kind.marks):
            return name
    return None


def _marked(document: Mapping[str, Any], mark: tuple[str, ...], by_name: bool) -> bool:
    return all(name in document if by_name else first_of(document, (name,)) is not None for name in mark)


def said_kind(document: Mapping[str, Any]) -> str | None:
    """The kind that a callback states, by name or by number; None for the customer's own words."""
    for name in KIND_NAMES:
        if (kind := _kind_of_words(document, document.get(name))) is not None:
            return kind
    group, part = (document.get(name) for name in NUMBER_NAMES)
    if all(name in document for name in NUMBER_NAMES):
        numbers = str(group), str(part)
        kind = _BY_NUMBER.get(numbers) or _BY_NUMBER.get((numbers[0], _ANY_PART))
        kind = kind or _kind_of_words(document, "_".join(numbers))
        if kind is not None:
            return kind
    # Templates use `type` for many things: beside a payload it states the kind only if that kind may carry a payload.
    kind = _kind_of_words(document, group)
    payload = any(document.get(name) is not None for name in PAYLOAD_NAMES)
    return None if kind is None or (payload and not KINDS[kind].with_payload) else kind


def _kind_of_words(document: Mapping[str, Any], words: Any) -> str | None:
    """`advanced`, `DATA_ADVANCED`, `SERVICE/DATA_ADVANCED`, `srv_advanced`, `DATA/UPLINK`, ..."""
    if not isinstance(words, str):
        return None
    word = words.strip().lower().replace("/", "_").replace("-", "_")
    for prefix in ("service_", "srv_", "data_"):
        if word not in KINDS:
            word = word.removeprefix(prefix)
    if word == "data":  # UPLINK or BIDIR
        return BIDIR if any(_marked(document, mark, by_name=True) for mark in KINDS[BIDIR].marks) else UPLINK
    return word if word in KINDS else None


_ANY_PART = str(None)
_BY_NUMBER = {
    (str(kind.number[0]), str(kind.number[1])): name for name, kind in KINDS.items() if kind.number is not None
}
