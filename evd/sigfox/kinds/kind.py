"""The record that a kind of callback is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from evd.model.operations import Operation
from evd.sigfox.kinds.readers import ReadCallback
from evd.sigfox.message import TIME_NAMES, VEHICLE_NAMES, Envelope, read_envelope

DEVICE = VEHICLE_NAMES[1], *VEHICLE_NAMES[2:], VEHICLE_NAMES[0]
TIME = TIME_NAMES[::-1]
"""Groups of names for `Kind.required`, Sigfox's own name first: it is the one that a refusal recommends."""

QUOTED, BARE = '"', ""
"""What stands around a variable in a JSON template: Sigfox inserts values as they are, `null` where it has none. So
texts are quoted; numbers and objects are not."""

#: Legacy variables (snr, rssi, station, avgSnr, lat, lng, duplicate) are left out: Sigfox gives null for them unless
#: the contract has an option, and evd makes no use of them.
MESSAGE = {"device": QUOTED, "time": BARE, "data": QUOTED, "seqNumber": BARE, "deviceTypeId": QUOTED}
"""The template's variables of a kind that has a message in it."""


class MenuEntry(NamedTuple):
    """A type or subtype of callback in Sigfox's menu."""

    name: str
    number: int | None
    """In Sigfox's REST API; None: the API has none."""


NO_SUBTYPE = MenuEntry("", None)


class FormRow(NamedTuple):
    """What the form gets that is the kind's own."""

    place: int
    """Where `evd sigfox config` prints it among the others, from 0."""
    template: Mapping[str, str]
    """Variable → QUOTED or BARE. The variables are those of Sigfox's own pages (support.sigfox.com: uplink, bidir,
    data-advanced, acknowledge, error-callbacks; resources.sigfox.com: event-type)."""
    purpose: str
    decodes: bool = False
    """Whether Sigfox offers a custom payload configuration."""


class Kind(NamedTuple):
    """One kind of callback: everything that evd knows of it."""

    name: str
    """evd's word for it; its route is `/sigfox/{name}`."""
    type: MenuEntry
    required: tuple[tuple[str, ...], ...]
    """Of each of these groups one variable must have a value."""
    subtype: MenuEntry = NO_SUBTYPE
    marks: tuple[tuple[str, ...], ...] = ()
    """All variables of one of these groups tell the kind."""
    marked_by_null: bool = False
    """Its marks count with the value null too: Sigfox gives that where the contract lacks an option."""
    with_payload: bool = False
    """Such a callback may carry a payload. Where none may, a payload says that the marks are the customer's fields."""
    report: Callable[[ReadCallback], tuple[Operation, ...]] | None = None
    """What is written of it; may raise BadRequest. None: it carries a vehicle's message, which becomes a status."""
    envelope: Callable[[Mapping[str, Any]], Envelope] = read_envelope
    """Which vehicle it concerns, and its time; an empty vehicle stands for none. Raises BadRequest."""
    form: FormRow | None = None
    """None: nobody can create such a callback any more."""
    vehicle_routes: tuple[str, ...] = ()
    """Paths on which a vehicle itself posts such a document."""
    downlink: bool = False
    """Its answer may carry a downlink for the device."""
    repeats_message: bool = False
    """It has all that its message's own callback has; so it becomes the status where that callback does not come."""
    position: bool = False
    """`lat` and `lng` are what it reports; elsewhere they are the base station's."""
    location_rank: int = 0
    """How good the location is that it gives a message, among all sources; the message's own radio variables have 1."""

    @property
    def number(self) -> tuple[int, int | None] | None:
        """Type and subtype in the REST API, where None stands for any subtype. None: the API cannot create it."""
        return None if self.type.number is None else (self.type.number, self.subtype.number)
