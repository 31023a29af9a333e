"""What a commit changed, in one summary: bundles unfolded, failures left out, each change in its field, in order."""

from __future__ import annotations

from typing import Any

import pytest
from builders import NOW, arrival

from evd.errors import Unavailable
from evd.model.commits import CommitSummary, summarize
from evd.model.operations import (
    NEWEST,
    NO_ROOM,
    STORED,
    AddFormat,
    AddKey,
    AddOwner,
    ForgetUnseen,
    LimitReached,
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
    SeeSession,
    SetDeviceType,
    SetEventSettings,
    SetPreferences,
    SetVehicle,
    Several,
    Unregister,
)
from evd.model.retention import Verdict

A, B, C = arrival("A"), arrival("B"), arrival("C")
KEY = AddKey("k1", "app", bytes(32), "", None, NOW)
REVOKED = RevokeKey("k2", NOW)
REGISTER = Register("A", "A", "phone", "martin", NOW)
UNREGISTER = Unregister("A", "phone")
OWNED = AddOwner("martin", "A", NOW)
SIGNED_IN = OpenSession("s", b"", "martin", False, "", "", NOW)
TOKEN_REVOKED = RevokeToken("t")
DISOWNED = RemoveOwner("martin", "A")
FORMAT = AddFormat("trailer", "load::uint:8", b"{}", NOW)
FORMAT_GONE = RemoveFormat("trailer")
TYPE = SetDeviceType("a type", "trailer", NOW)
VEHICLE_FORMAT = SetVehicle("A", NOW, format=None)
REGISTERED = CommitSummary(registered=("A",), registrations_changed=True, attended=("A",))
FULL = LimitReached("full")


@pytest.mark.parametrize(
    ("operation", "result", "expected"),
    [
        (KEY, True, CommitSummary(keys=(KEY,))),
        (KEY, "sigfox,app", CommitSummary(keys=(AddKey("k1", "sigfox,app", bytes(32), "", None, NOW),))),
        (KEY, False, CommitSummary()),
        (REVOKED, True, CommitSummary(keys=(REVOKED,))),
        (REVOKED, False, CommitSummary()),
        (FORMAT, None, CommitSummary(formats=(FORMAT,))),
        (FORMAT_GONE, True, CommitSummary(formats=(FORMAT_GONE,))),
        (FORMAT_GONE, False, CommitSummary()),
        (TYPE, None, CommitSummary(formats=(TYPE,))),
        (VEHICLE_FORMAT, None, CommitSummary(formats=(VEHICLE_FORMAT,))),
        (SetVehicle("A", NOW, keep=5), None, CommitSummary()),
        (REGISTER, None, REGISTERED),
        (REGISTER, 2, REGISTERED._replace(displaced=2)),
        (UNREGISTER, True, CommitSummary(registrations_changed=True)),
        (UNREGISTER, False, CommitSummary()),
        (SetPreferences("martin", b"{}", NOW), None, CommitSummary(registrations_changed=True)),
        (Renew("martin", NOW), ["A", "B"], CommitSummary(renewed=("A", "B"))),
        (OWNED, None, CommitSummary(identities=((OWNED, None),), attended=("A",))),
        (
            DISOWNED,
            True,
            CommitSummary(identities=((DISOWNED, True),), owners_removed=(DISOWNED,), registrations_changed=True),
        ),
        (SIGNED_IN, ("old",), CommitSummary(identities=((SIGNED_IN, ("old",)),))),
        (TOKEN_REVOKED, True, CommitSummary(identities=((TOKEN_REVOKED, True),))),
        (TOKEN_REVOKED, False, CommitSummary()),
        (RemoveUser("eve"), False, CommitSummary()),
        (SeeSession("s", NOW), None, CommitSummary()),
        (SetEventSettings("A", None), None, CommitSummary(event_settings_set=("A",), attended=("A",))),
        (RecordEvents("A", b"{}", (), NOW), 0, CommitSummary(events_recorded=True)),
        (ForgetUnseen(NOW, 10), 3, CommitSummary()),
    ],
)
def test_what_was_done_stands_in_its_field(operation: Operation, result: Any, expected: CommitSummary) -> None:
    assert summarize([operation], [result]) == expected
    assert summarize([A, operation], [NEWEST, result]) == expected._replace(newest=(A,))
    assert summarize([Several((operation, A))], [[result, NEWEST]]) == expected._replace(newest=(A,))
    assert summarize([operation], [FULL]) == CommitSummary()


def test_who_never_owned_a_vehicle_may_lose_registrations_for_it() -> None:
    assert summarize([DISOWNED], [False]) == CommitSummary(owners_removed=(DISOWNED,), registrations_changed=True)


@pytest.mark.parametrize(
    ("operations", "results", "newest"),
    [
        ([], [], []),
        ([A, B, A], [NEWEST, NEWEST, NEWEST], [A, B, A]),
        ([A, B, C], [NEWEST, NO_ROOM, NEWEST], [A, C]),
        ([A, B], [STORED[Verdict.LATE], FULL], []),
        ([A, Several((B, C))], [NEWEST, [NEWEST, STORED[Verdict.LATE]]], [A, B]),
        ([Several((A, Several((B,)))), C], [[NEWEST, [NEWEST]], NEWEST], [A, B, C]),
        ([Several((A, B)), C], [Unavailable("all of it failed"), NEWEST], [C]),
        ([Several((A, B))], [[FULL, NEWEST]], [B]),
    ],
)
def test_the_newest_statuses_are_in_the_order_of_the_commit(
    operations: list[Operation], results: list[Any], newest: list[Operation]
) -> None:
    assert summarize(operations, results) == CommitSummary(tuple(newest))


def test_changes_of_one_subject_keep_their_order() -> None:
    again = Register("B", "B", "phone", "eve", NOW)
    operations = [VEHICLE_FORMAT, Several((REVOKED, TYPE, KEY)), FORMAT_GONE, REGISTER, again, FORMAT]
    summary = summarize(operations, [None, [True, None, True], True, 1, 2, None])
    assert summary == CommitSummary(
        keys=(REVOKED, KEY),
        formats=(VEHICLE_FORMAT, TYPE, FORMAT_GONE, FORMAT),
        registered=("A", "B"),
        registrations_changed=True,
        displaced=3,
        attended=("A", "B"),
    )
