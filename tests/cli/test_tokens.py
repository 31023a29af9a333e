"""evd token: personal access tokens, shown once, listed by what they are good for, revoked at once."""

from __future__ import annotations

from command_line import Evd

from evd.model.units import DAY_MS


def test_a_token_is_shown_once_and_listed_with_its_limits(evd: Evd) -> None:
    evd("vehicle", "set", "3A1")
    evd("owner", "add", "token-ann", "3A1")
    text = evd("token", "create", "--user", "token-ann", "--scope", "read", "--name", "first").out.strip()
    made = evd(
        *("token", "create", "--user", "token-ann", "--scope", "read", "--scope", "write"),
        *("--vehicle", "3A1", "--tag", "home", "--expires", "36h", "--json"),
    ).json
    listed = evd("token", "list", "--user", "token-ann", "--json")
    assert text not in listed.out and made["token"] not in listed.out
    by_name = {row["name"]: row for row in listed.json}
    assert (by_name["first"]["vehicles"], by_name["first"]["expires"]) == (None, None)
    limited = by_name[""]
    assert (limited["scopes"], limited["vehicles"], limited["tags"]) == (["read", "write"], ["3A1"], ["home"])
    assert 1.4 * DAY_MS < limited["expires"] - limited["created"] < 1.6 * DAY_MS
    rows = [line.split() for line in evd("token", "list", "--user", "token-ann").out.splitlines()[1:]]
    assert any(row[2:5] == ["first", "read", "all"] for row in rows), rows


def test_a_token_is_revoked_once(evd: Evd) -> None:
    evd("token", "create", "--user", "token-ben", "--scope", "read")
    (row,) = evd("token", "list", "--user", "token-ben", "--json").json
    assert evd("token", "revoke", row["id"], "--yes").out == f"{row['id']} is revoked\n"
    assert evd("token", "list", "--user", "token-ben").out.startswith("There are no tokens: ")
    assert evd("token", "revoke", row["id"], "--yes").code == 1


def test_a_scope_or_an_end_that_is_none_is_refused(evd: Evd) -> None:
    for options in (("--scope", "everything"), ("--scope", "read", "--expires", "soon")):
        assert evd("token", "create", "--user", "token-eve", *options).code in (1, 2)
    assert evd("token", "list", "--user", "token-eve", "--json").json == []
