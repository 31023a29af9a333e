"""Settings of many vehicles at once, `/api/v1`: read as a list, and set for each of a list, as a file has them."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import msgspec
from quart import Blueprint, Response

from evd.api.context import admitted, caller, here, vehicle_named
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.api.v1.vehicles import asked_search
from evd.api.vehicle_documents import FleetQuery
from evd.derived.tariff import Tariff, faults
from evd.errors import BadRequest, ConfigError, Forbidden, RequestError
from evd.model.operations import LimitReached, Operation, PriceCharging, SetProfile, SetVehicle, Several, UnknownVehicle
from evd.model.profile import Profile, parse_profile
from evd.store.vehicle_records import FleetRow, first_key

AT_ONCE_MAX = 200
"""Vehicles in one request: three short writes for each, in one transaction of some ms."""

LISTED = 100

routes = Blueprint("fleet_settings", __name__, url_prefix=V1)


class VehicleSettingsRow(TypedDict):
    """What is set for a vehicle, as it can be set again."""

    vehicle: str
    profile: Profile
    tariff: Tariff | None
    format: str | None


class WishedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Members of the profile that are not named stay; so do a tariff and a format that are not named."""

    vehicle: str
    profile: Any = msgspec.UNSET
    tariff: Tariff | msgspec.UnsetType | None = msgspec.UNSET
    format: str | msgspec.UnsetType | None = msgspec.UNSET
    """For administrators."""


class SettingsItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As /openapi.json describes it."""

    vehicle: str
    profile: Profile | msgspec.UnsetType = msgspec.UNSET
    tariff: Tariff | msgspec.UnsetType | None = msgspec.UNSET
    format: str | msgspec.UnsetType | None = msgspec.UNSET


class SettingsWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: Annotated[list[WishedSettings], msgspec.Meta(max_length=AT_ONCE_MAX)]


class SettingsForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As /openapi.json describes it."""

    items: Annotated[list[SettingsItem], msgspec.Meta(max_length=AT_ONCE_MAX)]


class SettingsVerdicts(TypedDict):
    verdicts: list[str | dict[str, str]]


_SETTINGS = {
    "vehicle": "386625",
    "profile": {"battery": 52, "maxVoltage": 230, "phases": 3, "zone": "Europe/Bratislava"},
    "tariff": {"currency": "EUR", "per_kwh": 0.3},
    "format": None,
}


@routes.get("/fleet/settings")
@described(query=FleetQuery, answer=list[VehicleSettingsRow], listed=AT_ONCE_MAX, example=[_SETTINGS])
async def list_settings() -> Response:
    """What is set for each vehicle that the caller may change, as PUT takes it; the query is that of the vehicles."""
    search = await asked_search()
    after, limit = await asked_page(first_key(search.order), LISTED, AT_ONCE_MAX)
    found = await here().queries.fleet(search, after, limit)
    asking = await caller()
    return page(found, [await _settings(row) for row in found.rows if asking.admin or row.relation == "owner"])


@routes.put("/fleet/settings")
@described(
    body=SettingsForm,
    body_example={"items": [{"vehicle": "386625", "profile": {"battery": 52}, "tariff": _SETTINGS["tariff"]}]},
    answer=SettingsVerdicts,
    example={"verdicts": ["set"]},
)
async def set_settings() -> Response:
    """Set them for each vehicle of the body, which the caller must own, or be an administrator.

    There is a verdict for each, in the order of the body: `set`, or `{"error", "detail"}` for one that stays as it was.
    """
    wish = await read_form(SettingsWish)
    verdicts: list[str | dict[str, str]] = ["set"] * len(wish.items)
    wanted: dict[int, Several] = {}
    for index, item in enumerate(wish.items):
        try:
            wanted[index] = Several(tuple(await _operations(item)))
        except RequestError as error:
            verdicts[index] = {"error": error.error, "detail": error.detail}
    flat = [operation for one in wanted.values() for operation in one.operations]
    results = iter(await here().writer.write(Several(tuple(flat))) if flat else ())
    for index, one in wanted.items():
        answers = [next(results) for _ in one.operations]
        if refused := next((answer for answer in answers if isinstance(answer, Exception)), None):
            verdicts[index] = _refused(refused)
    return v1_json({"verdicts": verdicts})


async def _settings(row: FleetRow) -> dict[str, Any]:
    queries = here().queries
    said = await queries.profile(row.vehicle)
    facts = await queries.derived_facts(row.vehicle)
    profile = {name: value for name, value in said.items() if value is not None}
    tariff = None if facts is None or facts.tariff is None else msgspec.to_builtins(facts.tariff)
    return {"vehicle": row.vehicle, "profile": profile, "tariff": tariff, "format": row.format}


async def _operations(item: WishedSettings) -> list[Operation]:
    """What sets the vehicle's. Raises RequestError."""
    vehicle = vehicle_named(item.vehicle)
    asking, context = await admitted(vehicle), here()
    if not asking.admin and await context.queries.relation(asking.uid or "", vehicle) != "owner":
        raise Forbidden(f"vehicle {vehicle} is shared with you to look at: only an owner may do this")
    found: list[Operation] = []
    if item.profile is not msgspec.UNSET:
        found.append(SetProfile(vehicle, parse_profile(item.profile)))
    if item.tariff is not msgspec.UNSET:
        if item.tariff is not None and (wrong := faults(item.tariff)):
            raise BadRequest(f"the tariff cannot be kept: {wrong}")
        found.append(PriceCharging(vehicle, None if item.tariff is None else msgspec.json.encode(item.tariff)))
    if item.format is not msgspec.UNSET:
        if not asking.admin:
            raise Forbidden("only an administrator sets a vehicle's format: leave it out")
        if isinstance(item.format, str):
            try:
                context.formats.find(item.format)
            except ConfigError as error:
                raise BadRequest(str(error)) from None
        found.append(SetVehicle(vehicle, context.clock(), format=item.format))
    return found


def _refused(error: Exception) -> dict[str, str]:
    """Raises an error that is no refusal."""
    title = _TITLES.get(type(error))
    if title is None:
        raise error
    return {"error": title, "detail": str(error)}


_TITLES: dict[type[Exception], str] = {UnknownVehicle: "Unknown vehicle", LimitReached: "Limit reached"}
