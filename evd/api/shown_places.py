"""Places as whoever asks may see them: as they came, or coarse (evd.model.coarse)."""

from __future__ import annotations

from collections.abc import Callable

from quart import g

from evd.api.context import caller, here
from evd.auth.caller import Caller
from evd.model.coarse import coarse_values
from evd.model.place_privacy import PlacePrivacy
from evd.model.status import Status
from evd.store.vehicle_records import Bucket, BucketValues, FleetRow


async def is_viewer(vehicle: str) -> bool:
    """Whether whoever asks may only look at the vehicle; asked of the database once for a request."""
    asking = await caller()
    if asking.admin or asking.uid is None:
        return False
    known: dict[str, bool] = g.setdefault("viewed", {})
    if vehicle not in known:
        known[vehicle] = await here().queries.relation(asking.uid, vehicle) != "owner"
    return known[vehicle]


async def is_coarse(vehicle: str) -> bool:
    """Whether the vehicle's places are coarse for whoever asks."""
    level = here().places.of(vehicle)
    return level == "everyone" or (level == "viewers" and await is_viewer(vehicle))


def is_coarse_row(row: FleetRow, asking: Caller, places: PlacePrivacy) -> bool:
    """The same, of a vehicle that was searched for with its relation to the caller."""
    return places.is_coarse(row.vehicle, viewer=row.relation == "viewer" and not asking.admin)


async def hides_own_places(vehicle: str) -> bool:
    """Whether the places that an owner named (of prices, of events) are coarse for whoever asks: for viewers.

    An owner, who named them, sees them as they are, and so changes them without losing them.
    """
    return here().places.of(vehicle) != "nobody" and await is_viewer(vehicle)


async def shown_places(vehicle: str) -> Callable[[Status], Status]:
    """What makes of a status of the vehicle the one that whoever asks may see."""
    return showing(is_coarse=await is_coarse(vehicle))


def showing(*, is_coarse: bool) -> Callable[[Status], Status]:
    return Status.coarse if is_coarse else _as_it_came


def _as_it_came(status: Status) -> Status:
    return status


def coarse_bucket(bucket: Bucket) -> Bucket:
    """With coarse places in each of its values."""
    parts = [coarse_values({name: values[at] for name, values in bucket.values.items()}) for at in range(4)]
    values = {name: BucketValues(*(part.get(name) for part in parts)) for name in bucket.values}
    return bucket._replace(values=values)
