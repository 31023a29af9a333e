"""What is written: one class for each thing that can happen to the data, by subject.

The parser, the dispatcher and the API make operations; the writer hands a group of them to the store, which does them
in one transaction and gives one result each: the operation's docstring says which. Every one may come again (a
redelivery, a replay, a backfill) and changes nothing then.
"""

from evd.model.operations.access import AddKey, AddOwner, Relation, RemoveOwner, ReviveKey, RevokeKey
from evd.model.operations.base import ForeignPhone, LimitReached, Operation, Several, UnknownVehicle
from evd.model.operations.downlinks import CancelDownlink, CloseDownlink, OfferDownlink, QueueDownlink
from evd.model.operations.events import EventDue, NewEvent, RecordEvents, SetEventSettings, SetPreferences
from evd.model.operations.firestore import Mirrored, NoteMirrored, Synced, SyncUser
from evd.model.operations.formats import AddFormat, FormatInUse, RemoveFormat, SetDeviceType
from evd.model.operations.identity import (
    AddToken,
    AddUser,
    EndSessions,
    NotOwner,
    OpenSession,
    RemoveUser,
    RevokeToken,
    SeeSession,
    SetPassword,
    UseToken,
)
from evd.model.operations.images import RemoveImage, SetImage
from evd.model.operations.imports import ImportOwner, ImportProfile, ImportRegistration
from evd.model.operations.life import CountIgnored, DeleteVehicle, ForgetUser, IgnoreVehicle, MergeVehicle
from evd.model.operations.network import Annotate, Frame, Modem, Note, WaitNoLonger
from evd.model.operations.profiles import SetProfile
from evd.model.operations.pushes import ForgetExpired, Outcome, Outcomes, PausePushes, PushVerdict, PutOff
from evd.model.operations.registrations import (
    ORIGINAL,
    Client,
    ForgetUnseen,
    Register,
    Registration,
    Renew,
    Unregister,
)
from evd.model.operations.rejections import DropForgotten, ForgetRejected, Reject, RestoreRejected
from evd.model.operations.sharing import (
    Accepted,
    AcceptInvitation,
    Implied,
    Invite,
    RevokeInvitation,
    TagVehicle,
    UnregisterUser,
)
from evd.model.operations.statuses import NEWEST, NO_ROOM, STORED, Arrive, MendClock, Redecode, Stored
from evd.model.operations.vehicles import PriceCharging, SetVehicle

__all__ = [
    "NEWEST",
    "NO_ROOM",
    "ORIGINAL",
    "STORED",
    "AcceptInvitation",
    "Accepted",
    "AddFormat",
    "AddKey",
    "AddOwner",
    "AddToken",
    "AddUser",
    "Annotate",
    "Arrive",
    "CancelDownlink",
    "Client",
    "CloseDownlink",
    "CountIgnored",
    "DeleteVehicle",
    "DropForgotten",
    "EndSessions",
    "EventDue",
    "ForeignPhone",
    "ForgetExpired",
    "ForgetRejected",
    "ForgetUnseen",
    "ForgetUser",
    "FormatInUse",
    "Frame",
    "IgnoreVehicle",
    "Implied",
    "ImportOwner",
    "ImportProfile",
    "ImportRegistration",
    "Invite",
    "LimitReached",
    "MendClock",
    "MergeVehicle",
    "Mirrored",
    "Modem",
    "NewEvent",
    "NotOwner",
    "Note",
    "NoteMirrored",
    "OfferDownlink",
    "OpenSession",
    "Operation",
    "Outcome",
    "Outcomes",
    "PausePushes",
    "PriceCharging",
    "PushVerdict",
    "PutOff",
    "QueueDownlink",
    "RecordEvents",
    "Redecode",
    "Register",
    "Registration",
    "Reject",
    "Relation",
    "RemoveFormat",
    "RemoveImage",
    "RemoveOwner",
    "RemoveUser",
    "Renew",
    "RestoreRejected",
    "ReviveKey",
    "RevokeInvitation",
    "RevokeKey",
    "RevokeToken",
    "SeeSession",
    "SetDeviceType",
    "SetEventSettings",
    "SetImage",
    "SetPassword",
    "SetPreferences",
    "SetProfile",
    "SetVehicle",
    "Several",
    "Stored",
    "SyncUser",
    "Synced",
    "TagVehicle",
    "UnknownVehicle",
    "Unregister",
    "UnregisterUser",
    "UseToken",
    "WaitNoLonger",
]
