"""The documents of the original's app in Firestore, as evd reads and writes them.

`users/{uid}` has `vehicles`, a map from a vehicle's id to `id`, `name`, `regNumber`, `maxVoltage` and `imageFilename`
(github.com/m4rtin195/CarCharge, storage/FirestoreDb.java, models/Vehicle.java). To the app an empty text and 0 mean
that nothing was said. The app's rules let each user write the own document, so what stands there is as a request from
outside: bounded, and checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from evd.errors import BadRequest
from evd.model.operations.firestore import Said
from evd.model.profile import parse_profile
from evd.model.status import vehicle_id
from evd.model.user_id import checked_uid

USERS = "users"
VEHICLES = "vehicles"
STATUSES = "statuses"
"""The collection below a user's document in which evd keeps the last status of each vehicle; the app's rules let its
user read it."""

MEMBERS = ("name", "regNumber", "maxVoltage")
"""What the app keeps of a vehicle and evd's profile has, too."""

VEHICLES_MAX = 1000
"""Vehicles of one user's document that evd reads; Firestore's bound of a document, 1 MiB, is some 10,000."""

PAGE_MAX = 100
"""Users that are read at once."""

FILENAME_MAX = 200


class UserDocument(NamedTuple):
    """A document `users/{uid}`, as it was at `version`."""

    uid: str
    vehicles: Any
    """Its field of this name; None: it has none."""
    version: Any = None
    """Firestore's time of its last change."""


class UserWrites(NamedTuple):
    """What evd writes of a user's vehicles, in one commit; not empty."""

    user: UserDocument
    """As it was read; if it has changed since, nothing is written that depends on it."""
    profiles: Mapping[str, Mapping[str, Any]] = {}
    """Key of the user's `vehicles` → member → value."""
    statuses: Mapping[str, Mapping[str, Any]] = {}
    """Vehicle → its last status."""
    gone: Iterable[str] = ()
    """Vehicles whose last status is deleted."""


class ListedVehicle(NamedTuple):
    """A vehicle of a user's document."""

    key: str
    """As the document spells its id."""
    vehicle: str
    profile: dict[str, Said]
    """Each of MEMBERS whose value evd can take."""
    image: str | None
    """A file's name in the user's folder of Cloud Storage."""


class Unread(NamedTuple):
    """What could not be taken, and why."""

    reason: str
    place: str
    detail: str


NO_VEHICLE = (
    *("invalid user id", "vehicles is no map", "too many vehicles"),
    *("vehicle is no map", "invalid vehicle id"),
)
"""Reasons for which a vehicle, or all of them, may be there and is not read."""


class ReadUser(NamedTuple):
    vehicles: dict[str, ListedVehicle]
    """By their ids in the normal form."""
    unread: list[Unread]

    @property
    def whole(self) -> bool:
        """Whether all vehicles that the document names are known; what it says of one may still be unread."""
        return not any(one.reason in NO_VEHICLE for one in self.unread)


def read_user(document: UserDocument) -> ReadUser:
    """The vehicles of a user's document. Nothing raises: what cannot be taken is in `unread`."""
    place = f"{USERS}/{document.uid}"
    read = ReadUser({}, [])
    try:
        checked_uid(document.uid)
    except BadRequest as error:
        read.unread.append(Unread("invalid user id", place, error.detail))
        return read
    if document.vehicles is None:
        return read
    if not isinstance(document.vehicles, Mapping):
        read.unread.append(Unread("vehicles is no map", place, "its field `vehicles` is no map"))
        return read
    for number, (key, members) in enumerate(document.vehicles.items()):
        if number == VEHICLES_MAX:
            said = f"it has {len(document.vehicles)} vehicles: evd reads {VEHICLES_MAX}"
            read.unread.append(Unread("too many vehicles", place, said))
            break
        _read_vehicle(read, f"{place}: {VEHICLES}.{key}", key, members)
    return read


def _read_vehicle(read: ReadUser, place: str, key: Any, members: Any) -> None:
    if not isinstance(members, Mapping):
        read.unread.append(Unread("vehicle is no map", place, "what it says of the vehicle is no map"))
        return
    try:
        vehicle = vehicle_id(str(key))
        inner = members.get("id")
        if inner is not None and vehicle_id(str(inner)) != vehicle:
            raise BadRequest(f"the document has it as {str(key)[:64]!r} and its id says {str(inner)[:64]!r}")
    except BadRequest as error:
        read.unread.append(Unread("invalid vehicle id", place, error.detail))
        return
    if vehicle in read.vehicles:
        said = f"it has this vehicle as {read.vehicles[vehicle].key!r}, too"
        read.unread.append(Unread("vehicle named twice", place, said))
        return
    profile: dict[str, Said] = {}
    for member in MEMBERS:
        try:
            profile[member] = said_of(member, members.get(member))
        except BadRequest as error:
            read.unread.append(Unread(f"invalid {member}", place, error.detail))
    image = members.get("imageFilename")
    if image and not _is_filename(image):
        read.unread.append(Unread("invalid imageFilename", place, "it is no name of a file"))
        image = None
    read.vehicles[vehicle] = ListedVehicle(str(key), vehicle, profile, image or None)


def said_of(member: str, value: Any) -> Said:
    """A member's value in evd's profile. Raises BadRequest."""
    if value is None or (isinstance(value, str) and not value.strip()) or (value == 0 and not isinstance(value, str)):
        return None
    said: Said = getattr(parse_profile({member: value}), member)
    return said


def _is_filename(text: Any) -> bool:
    return (
        isinstance(text, str)
        and text.isprintable()
        and len(text) <= FILENAME_MAX
        and "/" not in text
        and text not in (".", "..")
    )


def written_as(member: str, said: Said) -> Any:
    """A member of evd's profile as the app reads it: its voltage is an int."""
    if member == "maxVoltage":
        number = float(said or 0)
        return int(number) if number.is_integer() else number
    return said or ""


def document_id(text: str) -> str:
    """A text as the id of a document: Firestore has no `/` in it, no `.` and `..`, and nothing like `__this__`."""
    if text in (".", ".."):
        return text.replace(".", "%2E")
    encoded = quote(text, safe=" !\"#$&'()*+,-.:;<=>?@[\\]^_`{|}~") if text.isascii() else text.replace("/", "%2F")
    return f"%5F{encoded[1:]}" if encoded.startswith("__") and encoded.endswith("__") else encoded
