"""Findings for the operator: values that a vehicle's format does not explain, and the flags of its statuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from evd.model.daemon_state import UnexplainedState
from evd.model.measures import IMPLAUSIBLE
from evd.model.status import ALONE
from evd.sigfox.decode_policy import DISAGREES, UNDECODED, UNREAD

VEHICLES_MAX = 1024
"""Vehicles that are remembered; the one whose finding is oldest is evicted."""

NAMES_MAX = 256
"""Names of variables that were reported; a payload has at most 96 fields, and a fleet uses few names."""


class DecodeFindings:
    """What was found since the start, in bounded memory; the flags in the statuses are the permanent record."""

    def __init__(self) -> None:
        self.unexplained = 0
        """Count of statuses whose sender's values contradict their payload."""
        self._vehicles: dict[str, tuple[str, ...]] = {}  # newest finding last
        self._reported: set[str] = set()

    def unexplained_by(self, vehicle: str, fields: Sequence[str]) -> None:
        """Count a status of this vehicle whose values in these fields contradict its payload."""
        self.unexplained += 1
        self._vehicles.pop(vehicle, None)
        self._vehicles[vehicle] = tuple(fields)
        if len(self._vehicles) > VEHICLES_MAX:
            del self._vehicles[next(iter(self._vehicles))]

    def pending(self, names: Iterable[str]) -> list[str]:
        """Which of these unreplaced variables were not reported before; each name is returned once."""
        new = [name for name in names if name not in self._reported][: NAMES_MAX - len(self._reported)]
        self._reported.update(new)
        return new

    def state(self) -> UnexplainedState:
        """A copy for alarms and metrics."""
        vehicle = next(reversed(self._vehicles), "")
        return UnexplainedState(
            statuses=self.unexplained,
            vehicles=len(self._vehicles),
            vehicle=vehicle,
            fields=self._vehicles.get(vehicle, ()),
        )


def shown(fields: Sequence[str]) -> str:
    """The first FIELDS_SHOWN names, joined for a sentence."""
    return ", ".join(fields[:FIELDS_SHOWN]) + (" …" if len(fields) > FIELDS_SHOWN else "")


FIELDS_SHOWN = 10
"""Field names in one sentence."""


def remarks(vehicle: str, flagged: Mapping[str, int], kept: int, contradicted: Sequence[str]) -> list[str]:
    """One sentence for each flag of a vehicle's kept statuses.

    `contradicted` are the fields of the last status flagged `disagrees` that contradict its payload by today's format.
    """
    fields = shown(contradicted)
    return [
        sentence(vehicle, f"{flagged[flag]} of its {kept} kept statuses", fields)
        for flag, sentence in _SENTENCES.items()
        if flag in flagged
    ]


def _disagrees(vehicle: str, many: str, fields: str) -> str:
    if not fields:
        return (
            f"vehicle {vehicle} sent values that its format of then did not explain, in {many}: "
            f"`evd redecode --since WHEN --vehicle {vehicle}` decodes them by the one of today"
        )
    return (
        f"vehicle {vehicle} sends values that its format does not explain ({fields}), in {many}: "
        f"`evd format assign NAME --vehicle {vehicle}` gives it the right one, then `evd redecode`"
    )


#: Flag → its sentence, made from the vehicle, the count of its statuses, and the contradicting fields.
_SENTENCES: Mapping[str, Callable[[str, str, str], str]] = {
    DISAGREES: _disagrees,
    UNDECODED: lambda vehicle, many, fields: (
        f"{many} are not decoded, for their senders' values come by another grammar and stand: "
        f"`evd format assign NAME --vehicle {vehicle}` has evd decode them"
    ),
    IMPLAUSIBLE: lambda vehicle, many, fields: (
        f"{many} have values that are not plausible, apart under `implausible` in their fields: where they mean "
        '"no value", say so by the option none of its format'
    ),
    ALONE: lambda vehicle, many, fields: (
        f"{many} came by DATA_ADVANCED alone: add the DATA callback, or name their device type in "
        "sigfox.advanced_alone, so that evd does not wait for it"
    ),
    UNREAD: lambda vehicle, many, fields: (
        f'{many} came with a location that may be two places: send it as "LAT,LNG", or as an object with lat and lng'
    ),
}
