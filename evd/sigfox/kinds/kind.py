"""The record that describes a kind of callback."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from evd.model.operations import Operation
from evd.sigfox.kinds.readers import ReadCallback
from evd.sigfox.message import TIME_NAMES, VEHICLE_NAMES, Envelope, read_envelope

DEVICE = VEHICLE_NAMES[1], *VEHICLE_NAMES[2:], VEHICLE_NAMES[0]
TIME = TIME_NAMES[::-1]
"""A group of names for `Kind.required`, Sigfox's own name first, because a refusal recommends the first."""

QUOTED, BARE = '"', ""
"""Put around a variable in a JSON template. Sigfox inserts values as they are, and `null` where it has none, so texts
need quotes; numbers and objects do not."""

#: Legacy variables (snr, rssi, station, avgSnr, lat, lng, duplicate) are left out: Sigfox sends null for them unless
#: the contract has an option, and evd does not use them.
MESSAGE = {"device": QUOTED, "time": BARE, "data": QUOTED, "seqNumber": BARE, "deviceTypeId": QUOTED}
"""Template variables of a kind that carries a message."""


EXAMPLE_DEVICE = {"device": "386625", "time": 1764277200}
EXAMPLE_MESSAGE = {**EXAMPLE_DEVICE, "data": "130a4c0f594e427e4bb45088", "seqNumber": 118}


class MenuEntry(NamedTuple):
    """A type or subtype of callback in the menu of Sigfox's form."""

    name: str
    number: int | None
    """Its number in Sigfox's REST API; None if the API lacks it."""


NO_SUBTYPE = MenuEntry("", None)


class FormRow(NamedTuple):
    """What a kind contributes to Sigfox's callback form."""

    order: int
    """Position among the kinds that `evd sigfox config` prints, from 0."""
    template: Mapping[str, str]
    """Variable → QUOTED or BARE. Sigfox documents the variables (support.sigfox.com/docs: uplink, bidir, data-advanced,
    acknowledge, error-callbacks; resources.sigfox.com/docs/event-type)."""
    purpose: str
    decodes: bool = False
    """Whether the form has a field for a custom payload configuration."""


class Kind(NamedTuple):
    """One kind of callback, and all that evd knows about it."""

    name: str
    """evd's name for the kind; its route is `/sigfox/{name}`."""
    summary: str
    """What it is, for /openapi.json: one sentence."""
    example: Mapping[str, Any]
    """A callback of this kind, for /openapi.json."""
    type: MenuEntry
    required: tuple[tuple[str, ...], ...]
    """Groups of variables; one variable of each group must have a value."""
    subtype: MenuEntry = NO_SUBTYPE
    marks: tuple[tuple[str, ...], ...] = ()
    """Groups of variables; all variables of one group together identify the kind."""
    marked_by_null: bool = False
    """Whether its marks count even if they are null: Sigfox sends null if the contract lacks an option."""
    with_payload: bool = False
    """Whether it may carry a payload. If it may not, a payload shows that its marks are the customer's own fields."""
    report: Callable[[ReadCallback], tuple[Operation, ...]] | None = None
    """Makes a callback's operations; may raise BadRequest. None: the kind carries a message, which becomes a status."""
    envelope: Callable[[Mapping[str, Any]], Envelope] = read_envelope
    """Reads the vehicle and the time; the vehicle is empty if the callback concerns none. Raises BadRequest."""
    form: FormRow | None = None
    """Its row in Sigfox's form; None if such callbacks can no longer be created."""
    vehicle_routes: tuple[str, ...] = ()
    """Paths on which a vehicle posts such a document itself."""
    downlink: bool = False
    """Whether its answer may carry a downlink for the device."""
    repeats_message: bool = False
    """Whether it has all variables of its message's own callback, so that it can become the status without it."""
    position: bool = False
    """Whether its `lat` and `lng` are what it reports; in other kinds they are the base station's."""
    location_rank: int = 0
    """How good its location is compared with other sources'; the message's own radio variables have rank 1."""

    @property
    def number(self) -> tuple[int, int | None] | None:
        """Type and subtype in the REST API; a subtype of None stands for any. None: the API cannot create it."""
        return None if self.type.number is None else (self.type.number, self.subtype.number)
