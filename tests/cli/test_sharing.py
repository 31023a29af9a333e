"""evd vehicle claim-code, claim-codes and tag: codes are shown once and can be revoked; tags are added and removed."""

from __future__ import annotations

import pytest
from command_line import Evd


@pytest.mark.parametrize(("options", "what"), [((), "owns"), (("--viewer",), "may look at")])
def test_a_code_alone_is_on_stdout_and_what_it_is_good_for_beside_it(
    options: tuple[str, ...], what: str, evd: Evd
) -> None:
    evd("vehicle", "set", "4A1")
    done = evd("vehicle", "claim-code", "4A1", *options)
    assert len(done.out.split()) == 1
    assert done.err.startswith(f"who accepts it {what} 4A1; good once, until ")


def test_a_code_is_listed_without_its_text_until_it_is_revoked(evd: Evd) -> None:
    evd("vehicle", "set", "4A2")
    assert evd("vehicle", "claim-codes", "4A2").out.startswith("There is none: ")
    code = evd("vehicle", "claim-code", "4A2", "--expires", "1h", "--json").json["code"]
    listed = evd("vehicle", "claim-codes", "4A2", "--json")
    (row,) = listed.json
    assert code not in listed.out
    assert evd("vehicle", "claim-codes", "4A2").out.splitlines()[1].split()[0] == row["id"]
    assert evd("vehicle", "claim-codes", "4A2", "--revoke", row["id"], "--yes").out == f"{row['id']} is revoked\n"
    assert evd("vehicle", "claim-codes", "4A2", "--json").json == []
    assert evd("vehicle", "claim-codes", "4A2", "--revoke", row["id"], "--yes").code == 1


def test_tags_are_added_and_removed_at_once(evd: Evd) -> None:
    evd("vehicle", "set", "4A3")
    assert evd("vehicle", "tag", "4A3").out == "no tags\n"
    assert evd("vehicle", "tag", "4A3", "+b", "+a", "+old").out == "a b old\n"
    assert evd("vehicle", "tag", "4A3", "-old", "+c", "-none").out == "a b c\n"
    assert evd("vehicle", "tag", "4A3", "--json").json == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("changes", "says"), [(("a",), "'a' neither adds nor removes a tag: write +a or -a"), (("+a b",), "a b")]
)
def test_what_is_no_change_of_tags_is_refused(changes: tuple[str, ...], says: str, evd: Evd) -> None:
    evd("vehicle", "set", "4A4")
    done = evd("vehicle", "tag", "4A4", *changes)
    assert (done.code != 0, says in done.err) == (True, True), done
    assert evd("vehicle", "tag", "4A4", "--json").json == []
