"""A list of vehicles in a request, in which `tag:NAME` stands for those of the caller's that have the tag."""

from __future__ import annotations

from collections.abc import Sequence

from evd.api.context import caller, here, vehicle_named
from evd.auth.caller import Caller
from evd.errors import BadRequest
from evd.model.tags import tag_in

TAGGED_MAX = 10_000
"""Vehicles that one tag of a request may stand for."""


async def named_vehicles(given: Sequence[str], most: int) -> dict[str, str]:
    """Normal form → spelling, of all that are named; `most` of them at most.

    Raises BadRequest, also for a tag that no vehicle of the caller's has.
    """
    named: dict[str, str] = {}
    for spelling in given:
        tag = tag_in(spelling)
        if tag is None:
            named[vehicle_named(spelling)] = spelling
            continue
        tagged = await tagged_vehicles(tag)
        if not tagged:
            raise BadRequest(f"no vehicle of yours has the tag {tag}")
        named.update((vehicle, vehicle) for vehicle in tagged if vehicle not in named)
    if len(named) > most:
        raise BadRequest(f"{len(named)} vehicles are named, and at most {most} may be: name fewer")
    return named


async def tagged_vehicles(tag: str) -> list[str]:
    """The vehicles with the tag that the caller may see, by id; TAGGED_MAX at most."""
    asking, queries = await caller(), here().queries
    found = [row["vehicle"] for row in (await queries.tagged(tag, limit=TAGGED_MAX)).rows]
    if asking.limited:
        found = [vehicle for vehicle in found if _is_good_for(asking, vehicle, tag)]
    if asking.admin:
        return found
    assert asking.uid is not None
    own = await queries.vehicles_of(asking.uid)
    return [vehicle for vehicle in found if vehicle in own]


def _is_good_for(asking: Caller, vehicle: str, tag: str) -> bool:
    return vehicle in (asking.vehicles or ()) or tag in asking.tags
