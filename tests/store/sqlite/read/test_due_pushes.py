"""What waits for one provider, out of SQLite: registrations of its kinds and of no other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from builders import NOW, arrival

from evd.model.operations import NewEvent, RecordEvents, Register
from evd.model.target_kinds import TargetKind
from evd.store.sqlite.engine import SqliteStore

KINDS = [TargetKind(name, personal=False, goes_stale=False, makes_room=False) for name in ("id", "fid", "fid2", "x")]


@pytest.mark.parametrize("kinds", [["fid"], ["id", "x"], ["fid2", "fid"], []])
def test_a_provider_is_given_its_own_kinds_also_where_one_name_is_part_of_another(
    open_store: Callable[..., SqliteStore], kinds: list[str]
) -> None:
    store = open_store(target_kinds=KINDS)
    store.write([Register("386625", "386625", kind.name, "anna", NOW, kind.name) for kind in KINDS])
    store.write([arrival(), RecordEvents("386625", b"{}", (NewEvent("left", NOW, "", b"{}"),), NOW)])
    pending, expected = store.due_pushes(kinds), sorted(kinds)
    assert sorted(one.kind for one in pending.registrations_of("386625")) == expected
    assert sorted(one.kind for one in pending.registrations_after(0, 10)) == expected
    assert sorted(one.registration.kind for one in pending.events_due(NOW, 10)) == expected
