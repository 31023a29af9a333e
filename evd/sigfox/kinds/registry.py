"""The table of all kinds of callback, and what derives from it."""

from __future__ import annotations

from collections.abc import Mapping

from evd.sigfox.kinds import acknowledge, advanced, bidir, error, event, geoloc, repeater, status, uplink
from evd.sigfox.kinds.advanced import OWN_RADIO
from evd.sigfox.kinds.kind import Kind
from evd.sigfox.message import KIND_NAMES, NO_FIELDS, NUMBER_NAMES

#: In the order in which marks are looked for. Any template may hold Sigfox's legacy radio variables (snr, station, lat,
#: ...), so these are no marks, and STATUS comes before the other kinds with radio variables.
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        acknowledge.KIND,
        event.KIND,
        error.KIND,
        repeater.KIND,
        status.KIND,
        advanced.KIND,
        geoloc.KIND,
        bidir.KIND,
        uplink.KIND,
    )
}

UPLINK, BIDIR = uplink.KIND.name, bidir.KIND.name
DATA_KINDS = frozenset(name for name, kind in KINDS.items() if kind.report is None)
"""Kinds that carry a vehicle's message; the store treats them as one kind (evd.model.status.DATA)."""

LOCATION_RANKS: Mapping[str, int] = {OWN_RADIO: 1} | {name: kind.location_rank for name, kind in KINDS.items()}
"""Source of an annotation → rank of its location; a higher rank is a better location."""

VARIABLES = frozenset(
    {*NO_FIELDS, *KIND_NAMES, *NUMBER_NAMES}
    | {name for kind in KINDS.values() for names in (*kind.required, *kind.marks) for name in names}
    | {name for kind in KINDS.values() if kind.form is not None for name in kind.form.template}
)
"""Sigfox's variables of all kinds, and the names under which a callback states its kind."""

VARIABLES_MAX = 256
"""Variables in a form or a query. Sigfox has thirty of its own, and a payload of 96 bits has at most 96 fields."""
