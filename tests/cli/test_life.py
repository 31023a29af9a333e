"""evd vehicle delete, merge and ignore, and evd forget: what is named goes, and only what is agreed to."""

from __future__ import annotations

import pytest
from command_line import Evd


def known(evd: Evd) -> set[str]:
    return {row["vehicle"] for row in evd("vehicle", "list", "--json").json}


@pytest.fixture
def vehicle(evd: Evd) -> str:
    evd("vehicle", "set", "6A1", "--name", "one")
    return "6A1"


@pytest.mark.parametrize(
    "arguments", [("vehicle", "delete", "6A1"), ("forget", "--vehicle", "6A1"), ("vehicle", "merge", "6A1", "6A2")]
)
def test_without_an_answer_nothing_is_deleted(arguments: tuple[str, ...], vehicle: str, evd: Evd) -> None:
    evd(*arguments, stdin="n\n")
    assert vehicle in known(evd)


def test_what_is_deleted_is_counted(vehicle: str, evd: Evd) -> None:
    done = evd("vehicle", "delete", vehicle, "--yes")
    assert (done.code, done.out.startswith("deleted: ")) == (0, True), done
    assert vehicle not in known(evd)
    assert evd("vehicle", "delete", vehicle, "--yes").code == 1, "there is none any more"


@pytest.mark.parametrize("arguments", [(), ("--user", "ann", "--vehicle", "6A1")])
def test_either_a_user_or_a_vehicle_is_forgotten(arguments: tuple[str, ...], evd: Evd) -> None:
    done = evd("forget", "--yes", *arguments)
    assert (done.code, "either --user UID or --vehicle ID" in done.err) == (2, True), done


def test_a_user_is_forgotten_with_what_was_the_users_own(vehicle: str, evd: Evd) -> None:
    evd("owner", "add", "gone-ann", vehicle)
    assert evd("forget", "--user", "gone-ann", "--json").json["deleted"]["owners"] == 1
    assert "gone-ann" not in {row["uid"] for row in evd("owner", "list", "--json").json}
    assert vehicle in known(evd), "the vehicle stays"


def test_a_vehicle_is_ignored_until_it_is_no_longer(evd: Evd) -> None:
    assert evd("vehicle", "ignore").out == "No vehicle is ignored.\n"
    assert evd("vehicle", "ignore", "6A9").out == "6A9 is ignored\n"
    (row,) = evd("vehicle", "ignore", "--json").json
    assert (row["vehicle"], row["callbacks"]) == ("6A9", 0)
    assert evd("vehicle", "ignore").out.splitlines()[1].split()[0] == "6A9"
    assert evd("vehicle", "ignore", "6A9", "--off").out == "6A9 is no longer ignored\n"
    assert evd("vehicle", "ignore", "--json").json == []


def test_a_mistyped_vehicle_becomes_another_one(evd: Evd) -> None:
    evd("vehicle", "set", "6B1")
    evd("vehicle", "set", "6B2")
    assert evd("vehicle", "merge", "6B1", "6B2", "--yes").out.startswith("6B1 is 6B2 from now on; ")
    assert "6B1" not in known(evd)
    assert evd("vehicle", "merge", "6B2", "6B2", "--yes").code == 1
