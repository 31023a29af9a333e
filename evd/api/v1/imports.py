"""`/api/v1/import/…`: an administrator moves statuses, owners, profiles and phones of another system in.

Each route takes many at a time, and answers `{"verdicts": […]}`, one for each item of the request, in its order: a
word, or for what was not taken `{"error", "detail"}`. That is not kept in `rejected`, since the file that it comes from
has it. Every request may be repeated. With `"write": false` nothing is written, and the verdict on what can be read is
`readable`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypedDict, TypeVar

import msgspec
import orjson
import trio
from quart import Blueprint, Response

from evd.api.context import here, vehicle_named
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.replies import V1, v1_json
from evd.api.v1.registrations import checked_target
from evd.errors import BadRequest, RequestError, Unavailable
from evd.ingest.moved_in import read_moved
from evd.model.connectivity import SIGFOX, WLAN
from evd.model.operations import (
    ORIGINAL,
    ForeignPhone,
    ImportOwner,
    ImportProfile,
    ImportRegistration,
    LimitReached,
    Operation,
    Several,
    Stored,
    UnknownVehicle,
)
from evd.model.profile import Profile, parse_profile
from evd.model.user_id import checked_uid
from evd.transfer.items import MovedOwner, MovedRegistration, MovedStatus

AT_ONCE_MAX = 1_000
"""Things in one request."""

WRITTEN_AT_ONCE = 200
"""Of them in one transaction: some ms, for which callbacks wait."""

READ_AT_ONCE = 8
"""Statuses that are read before callbacks have their turn: 1 ms."""

AGAIN = "again"
"""The verdict on what evd was too busy to take."""

READABLE = "readable"

T = TypeVar("T")
Verdict = str | dict[str, str]

routes = Blueprint("imports", __name__, url_prefix=f"{V1}/import")


class ImportRequest(msgspec.Struct, Generic[T], forbid_unknown_fields=True):
    items: Annotated[list[T], msgspec.Meta(max_length=AT_ONCE_MAX)]
    write: bool = True


class ImportVerdicts(TypedDict):
    verdicts: list[Verdict]


@routes.post("/statuses")
@described(
    body=ImportRequest[MovedStatus],
    body_example={
        "items": [
            {"document": {"vehicleId": "386625", "timestamp": 1764277200000, "current_charge": 76}, "connectivity": 1}
        ],
        "write": False,
    },
    answer=ImportVerdicts,
    example={"verdicts": ["readable"]},
)
async def import_statuses() -> Response:
    """A verdict is the ring's: `newest`, `late`, `ahead`, `duplicate`, `too old`, `no room`."""
    wish = await read_form(ImportRequest[MovedStatus])
    return await _taken_in(wish, _status)


@routes.post("/owners")
@described(
    body=ImportRequest[MovedOwner],
    body_example={"items": [{"uid": "martin", "vehicle": "386625"}]},
    answer=ImportVerdicts,
    example={"verdicts": ["new"]},
)
async def import_owners() -> Response:
    """A verdict is `new` or `known`."""
    wish = await read_form(ImportRequest[MovedOwner])
    return await _taken_in(wish, _owner)


class MovedProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As /openapi.json describes it."""

    vehicle: str
    profile: Profile


class ProfileItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As it is read: a profile that is wrong is refused by itself."""

    vehicle: str
    profile: Any


@routes.post("/profiles")
@described(
    body=ImportRequest[MovedProfile],
    body_example={"items": [{"vehicle": "386625", "profile": {"name": "Zoe", "regNumber": "1AB 2345"}}]},
    answer=ImportVerdicts,
    example={"verdicts": ["new"]},
)
async def import_profiles() -> Response:
    """A verdict is `new`, or `known` if evd knows of each member already, which stays then."""
    wish = await read_form(ImportRequest[ProfileItem])
    return await _taken_in(wish, _profile)


@routes.post("/registrations")
@described(
    body=ImportRequest[MovedRegistration],
    body_example={"items": [{"vehicle": "386625", "token": "c2Fs…", "uid": "martin"}]},
    answer=ImportVerdicts,
    example={"verdicts": [{"error": "Owner unknown", "detail": "its vehicle has no owner"}]},
)
async def import_registrations() -> Response:
    """A verdict is `new` or `known`. A phone belongs to its vehicle's owner; `uid` says to which one, if to several.

    Whose it is, is not asked if nothing is written: the owners may be in the same import.
    """
    wish = await read_form(ImportRequest[MovedRegistration])
    if not wish.write:
        return await _taken_in(wish, lambda phone, now: _registration(phone, ("anyone",), now))
    users = {phone.vehicle: await _users_of(phone.vehicle) for phone in wish.items}
    return await _taken_in(wish, lambda phone, now: _registration(phone, users[phone.vehicle], now))


async def _taken_in(wish: ImportRequest[T], read: Callable[[T, int], Operation]) -> Response:
    verdicts: list[Verdict] = []
    at_once = max(1, min(WRITTEN_AT_ONCE, here().config.ingest.queue_rows_max // 4))
    for first in range(0, len(wish.items), at_once):
        verdicts += await _some_taken_in(wish.items[first : first + at_once], read, write=wish.write)
    return v1_json({"verdicts": verdicts})


async def _some_taken_in(items: Sequence[T], read: Callable[[T, int], Operation], *, write: bool) -> list[Verdict]:
    now = here().clock()
    verdicts: list[Verdict] = [AGAIN if write else READABLE] * len(items)
    readable: dict[int, Operation] = {}
    for index, item in enumerate(items):
        if index % READ_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        try:
            readable[index] = read(item, now)
        except BadRequest as error:
            verdicts[index] = _refused(error)
    if not readable or not write:
        return verdicts
    try:
        results = await here().writer.write(Several(tuple(readable.values())))
    except Unavailable:
        return verdicts
    for index, result in zip(readable, results, strict=True):
        verdicts[index] = _verdict(result)
    return verdicts


def _verdict(result: Any) -> Verdict:
    first = result[0] if isinstance(result, list) else result
    if isinstance(first, Exception):
        return _refused(first)
    return first.verdict.value if isinstance(first, Stored) else _WORDS[first]


_WORDS = {True: "new", False: "known"}


def _refused(error: Exception) -> Verdict:
    """Raises an error that is no refusal."""
    title = error.error if isinstance(error, RequestError) else _TITLES.get(type(error))
    if title is None:
        raise error
    return {"error": title, "detail": str(error)}


_TITLES: Mapping[type[Exception], str] = {
    UnknownVehicle: "Unknown vehicle",
    LimitReached: "Limit reached",
    ForeignPhone: "Phone of another user",
}


def _status(status: MovedStatus, now: int) -> Operation:
    if status.connectivity not in (SIGFOX, WLAN):
        raise BadRequest(f"connectivity is {status.connectivity}: {SIGFOX} (Sigfox) or {WLAN} (WLAN) is needed")
    return read_moved(here().ingest.reading, status.document, status.connectivity, now)


def _owner(owner: MovedOwner, now: int) -> Operation:
    return ImportOwner(
        checked_uid(owner.uid, error="Invalid user id"), vehicle_named(owner.vehicle), now, imported=_kept(owner.rest)
    )


def _profile(moved: ProfileItem, now: int) -> Operation:
    return ImportProfile(vehicle_named(moved.vehicle), parse_profile(moved.profile))


def _registration(phone: MovedRegistration, users: Sequence[str], now: int) -> Operation:
    target, vehicle = checked_target(phone.token, None, called="token"), vehicle_named(phone.vehicle)
    uid = phone.uid if phone.uid in users else _only(users)
    return ImportRegistration(
        vehicle=vehicle,
        spelling=phone.vehicle,
        token=target.text,
        uid=uid,
        at=now,
        kind=target.kind,
        client=ORIGINAL,
        displaces=False,
        imported=_kept(phone.rest),
    )


OWNERS_READ = 100
"""Owners of one vehicle among whom an import may name one."""


async def _users_of(spelling: str) -> list[str]:
    """Who owns the vehicle; nobody, if it can be no vehicle's id."""
    try:
        found = await here().queries.moved_owners(vehicle=vehicle_named(spelling), limit=OWNERS_READ)
    except BadRequest:
        return []
    return [row["uid"] for row in found.rows if row["relation"] == "owner"]


def _only(users: Sequence[str]) -> str:
    if not users:
        said = "its vehicle has no owner: import vehicle-registrations first, or at the same time"
        raise BadRequest(said, error="Owner unknown")
    if len(users) > 1:
        said = "its vehicle has several owners, and the table does not say whose phone it is: name one with --user"
        raise BadRequest(said, error="Several owners")
    return users[0]


KEPT_MAX = 16 * 1024
"""Bytes of the further attributes of an item; the original's tables have one."""


def _kept(rest: dict[str, Any]) -> bytes | None:
    text = orjson.dumps(rest)
    if len(text) > KEPT_MAX:
        raise BadRequest(
            f"its further attributes have {len(text)} bytes: at most {KEPT_MAX} are kept", error="Too long"
        )
    return text if rest else None
