"""What a commit changed, in one summary that is made once and read by all who observe commits.

Only this module unfolds `Several`. A new observer is anything with a method `committed`; what it must know of a commit
and does not find in the summary is a new field there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from evd.model.coarse import CoarseFor
from evd.model.operations import (
    NEWEST,
    AddFormat,
    AddKey,
    AddOwner,
    AddToken,
    Arrive,
    DeleteVehicle,
    EndSessions,
    IgnoreVehicle,
    Implied,
    ImportOwner,
    ImportProfile,
    ImportRegistration,
    MergeVehicle,
    OpenSession,
    Operation,
    RecordEvents,
    Register,
    RemoveFormat,
    RemoveOwner,
    RemoveUser,
    Renew,
    RevokeKey,
    RevokeToken,
    SetDeviceType,
    SetEventSettings,
    SetPassword,
    SetPreferences,
    SetProfile,
    SetVehicle,
    Several,
    Unregister,
    UnregisterUser,
)
from evd.model.profile import Profile


class CommitSummary(NamedTuple):
    """The changes of a commit; every sequence is in the order of the operations, without those that failed."""

    newest: Sequence[Arrive] = ()
    """Statuses that became their vehicles' last ones."""
    keys: Sequence[AddKey | RevokeKey] = ()
    """An AddKey has the roles that the key has now."""
    formats: Sequence[AddFormat | RemoveFormat | SetDeviceType | SetVehicle] = ()
    """Formats that were added or removed, and vehicles and device types whose format changed."""
    treatments: Sequence[IgnoreVehicle | DeleteVehicle | MergeVehicle] = ()
    """Vehicles whose callbacks are treated otherwise from now on."""
    identities: Sequence[tuple[Operation, Any]] = ()
    """What changed of users, sessions, access tokens and owners: operations, each with its result."""
    owners_removed: Sequence[RemoveOwner] = ()
    registered: Sequence[str] = ()
    """Vehicles with a new registration."""
    registrations_changed: bool = False
    """A registration was added or removed, or a user's preferences changed."""
    renewed: Sequence[str] = ()
    """Vehicles whose registrations were renewed."""
    displaced: int = 0
    """Phones that were removed for new registrations although a provider took a push for them lately."""
    event_settings_set: Sequence[str] = ()
    """Vehicles whose event settings were changed."""
    attended: Sequence[str] = ()
    """Vehicles whose events are newly wanted, or differently: a registration, an owner, event settings."""
    events_recorded: bool = False
    coarse_set: Sequence[tuple[str, CoarseFor | None]] = ()
    """Vehicles, and for whom their places are coarse from now on; None: as the setting says."""
    profiles_set: Sequence[str] = ()
    """Vehicles whose profiles were changed."""


class CommitObserver(Protocol):
    def committed(self, summary: CommitSummary) -> None:
        """Called after each commit, before the receipts are completed: slow work must be done later."""


_Done = tuple[Any, Any]
"""An operation that did not fail, and its result."""

_FORMATS = (AddFormat, RemoveFormat, SetDeviceType, SetVehicle)

_OWNERS = (AddOwner, ImportOwner, RemoveOwner)
_TREATMENTS = (IgnoreVehicle, DeleteVehicle, MergeVehicle)

_IDENTITIES = (
    *(MergeVehicle, DeleteVehicle, SetPassword, RemoveUser),
    *(OpenSession, EndSessions, AddToken, RevokeToken, *_OWNERS),
)

_OBSERVED = {
    *(AddKey, RevokeKey, *_FORMATS, *_IDENTITIES, *_TREATMENTS),
    *(Register, ImportRegistration, Unregister, UnregisterUser, Renew, SetPreferences),
    *(SetEventSettings, RecordEvents, SetProfile, ImportProfile),
}
"""Besides Arrive and Several; all other operations change nothing that an observer keeps."""


def summarize(operations: Sequence[Operation], results: Sequence[Any]) -> CommitSummary:
    """`results` has one entry for each operation, as returned by a store: an exception for a failed one."""
    if results.count(NEWEST) == len(results):  # nearly every commit, so it avoids a loop in Python
        return CommitSummary(tuple(operations))  # type: ignore[arg-type]  # only an Arrive has this result
    newest: list[Arrive] = []
    done: list[_Done] = []
    _unfold(operations, results, newest, done)
    return _with_others(newest, done) if done else CommitSummary(tuple(newest))


def _unfold(operations: Any, results: Sequence[Any], newest: list[Arrive], done: list[_Done]) -> None:
    for operation, result in zip(operations, results, strict=True):
        if result is NEWEST:
            newest.append(operation)
        elif type(operation) is Several:
            if type(result) is list:
                _unfold(operation.operations, result, newest, done)
        elif isinstance(result, Implied):
            _unfold(result.operations, [None] * len(result.operations), newest, done)
        elif type(operation) in _OBSERVED and not isinstance(result, Exception):
            done.append((operation, result))


def _with_others(newest: Sequence[Arrive], done: Sequence[_Done]) -> CommitSummary:
    # A RemoveOwner may find no owner, and still remove the user's registrations.
    owners_removed = _of(done, RemoveOwner)
    changed = [one for one in done if one[1] is not False]
    registered = _of(changed, Register, ImportRegistration)
    return CommitSummary(
        newest=tuple(newest),
        keys=tuple([_key(*one) for one in changed if isinstance(one[0], AddKey | RevokeKey)]),
        formats=tuple([one for one in _of(changed, *_FORMATS) if getattr(one, "format", None) is not msgspec.UNSET]),
        treatments=_of(changed, *_TREATMENTS),
        identities=tuple([one for one in changed if type(one[0]) in _IDENTITIES]),
        owners_removed=owners_removed,
        registered=_vehicles(registered),
        registrations_changed=bool(
            registered or owners_removed or _of(changed, Unregister, UnregisterUser, SetPreferences)
        ),
        renewed=tuple([vehicle for one, result in changed if type(one) is Renew for vehicle in result]),
        displaced=sum([result or 0 for one, result in changed if type(one) is Register]),
        event_settings_set=_vehicles(_of(changed, SetEventSettings)),
        attended=_vehicles(_of(changed, Register, AddOwner, ImportRegistration, ImportOwner, SetEventSettings)),
        events_recorded=bool(_of(changed, RecordEvents)),
        coarse_set=tuple(
            [
                (one.vehicle, one.profile.coarseLocation)
                for one in _of(changed, SetProfile)
                if one.profile.coarseLocation is not msgspec.UNSET
            ]
        ),
        profiles_set=_vehicles([one for one in _of(changed, SetProfile, ImportProfile) if not _only_coarse(one)]),
    )


def _only_coarse(one: SetProfile | ImportProfile) -> bool:
    """Whether it says nothing but for whom places are coarse."""
    return msgspec.structs.replace(one.profile, coarseLocation=msgspec.UNSET) == Profile()


def _of(done: Sequence[_Done], *types: type[Operation]) -> tuple[Any, ...]:
    return tuple([operation for operation, _ in done if type(operation) in types])


def _vehicles(operations: Sequence[Any]) -> tuple[str, ...]:
    return tuple([operation.vehicle for operation in operations])


def _key(operation: AddKey | RevokeKey, result: Any) -> AddKey | RevokeKey:
    if isinstance(operation, AddKey) and isinstance(result, str):
        return msgspec.structs.replace(operation, role=result)
    return operation
