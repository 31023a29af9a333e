"""evd owner: who owns a vehicle or may look at it, said and taken back."""

from __future__ import annotations

from command_line import Evd


def relations(evd: Evd, vehicle: str) -> dict[str, str]:
    return {row["uid"]: row["relation"] for row in evd("owner", "list", "--json").json if row["vehicle"] == vehicle}


def test_owners_and_viewers_are_added_listed_and_removed(evd: Evd) -> None:
    evd("vehicle", "set", "1A1")
    assert evd("owner", "add", "ann", "01a1").out == "ann owns 1A1\n"
    assert evd("owner", "add", "ben", "1A1", "--viewer").out == "ben may look at 1A1\n"
    assert relations(evd, "1A1") == {"ann": "owner", "ben": "viewer"}
    rows = [line.split() for line in evd("owner", "list").out.splitlines()]
    assert ["ben", "1A1", "viewer"] in rows
    assert evd("owner", "remove", "ann", "1A1", "--yes").out == "ann no longer owns 1A1\n"
    assert relations(evd, "1A1") == {"ben": "viewer"}


def test_a_viewer_becomes_an_owner(evd: Evd) -> None:
    evd("vehicle", "set", "1A2")
    evd("owner", "add", "ann", "1A2", "--viewer")
    evd("owner", "add", "ann", "1A2")
    assert relations(evd, "1A2") == {"ann": "owner"}


def test_an_owner_that_is_none_is_not_removed(evd: Evd) -> None:
    evd("vehicle", "set", "1A3")
    done = evd("owner", "remove", "nobody", "1A3", "--yes")
    assert (done.code, "nobody" in done.err) == (1, True), done
