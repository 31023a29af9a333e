"""evd key: made and shown once, or imported from stdin; listed without their texts; revoked at once."""

from __future__ import annotations

import pytest
from command_line import Evd

from evd.auth.api_keys import KEY_MAX_CHARACTERS


def listed(evd: Evd) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in evd("key", "list", "--json").json}


def test_a_key_is_shown_once_and_revoked_at_once(evd: Evd) -> None:
    made = evd("key", "create", "--role", "device", "--name", "a gateway", "--vehicle", "2A1", "--json").json
    row = listed(evd)[made["id"]]
    assert (row["role"], row["name"], row["vehicle"], row["revoked"]) == ("device", "a gateway", "2A1", None)
    assert made["key"] not in evd("key", "list").out
    assert evd("key", "revoke", made["id"], "--yes").out.startswith(f"{made['id']} is revoked")
    (line,) = [line for line in evd("key", "list").out.splitlines() if line.startswith(made["id"])]
    assert line.split()[-1] == "revoked"


def test_a_key_alone_is_on_stdout(evd: Evd) -> None:
    assert len(evd("key", "create", "--role", "sigfox").out.split()) == 1


def test_a_key_that_a_client_has_is_read_from_stdin_and_gains_roles(evd: Evd) -> None:
    text = "a-key-that-a-client-has-0123456789abcdef"
    first = evd("key", "import", "--role", "sigfox", stdin=f"  {text} \n")
    assert (first.code, text in first.out + first.err) == (0, False), first
    again = evd("key", "import", "--role", "sigfox", "--role", "device", stdin=text)
    identity = first.out.split()[2].rstrip(",")
    assert again.out.startswith(f"imported as {identity}, for ")
    assert set(listed(evd)[identity]["role"].split(",")) == {"sigfox", "device"}


@pytest.mark.parametrize("stdin", ["", "\n", "   \n\n"])
def test_without_a_key_on_stdin_nothing_is_imported(stdin: str, evd: Evd) -> None:
    before = listed(evd)
    done = evd("key", "import", "--role", "sigfox", stdin=stdin)
    assert (done.code, "stdin has no key" in done.err) == (2, True), done
    assert listed(evd) == before


def test_what_is_too_long_or_of_no_role_is_refused(evd: Evd) -> None:
    before = listed(evd)
    assert evd("key", "import", "--role", "sigfox", stdin="x" * (KEY_MAX_CHARACTERS + 1)).code != 0
    assert evd("key", "import", "--role", "king", stdin="x" * 40).code != 0
    assert evd("key", "create", "--role", "king").code == 2
    assert listed(evd) == before
