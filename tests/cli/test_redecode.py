"""evd redecode: what it shows before it changes anything, and that it goes through many statuses in steps."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from builders import rows
from command_line import Evd, send
from daemon_process import RunningDaemon

from evd.cli.redecode import EXAMPLES, Redecodable


def step(**counts: Any) -> dict[str, Any]:
    return {"read": 1, "changed": 0, "passed": 1, "fields": {}, "vehicles": [], "examples": [], **counts}


def test_the_results_of_all_steps_are_added_up_and_the_first_examples_kept() -> None:
    found = Redecodable()
    for number in range(3):
        examples = [{"number": EXAMPLES * number + one} for one in range(EXAMPLES - 3)]
        found.add(step(changed=2, fields={"a": 1, "b": number}, vehicles=["A1", f"B{number}"], examples=examples))
    document = found.document()
    assert (document["read"], document["changed"], document["vehicles"]) == (3, 6, 4)
    assert list(document["fields"].items()) == [("a", 3), ("b", 3)]
    assert [one["number"] for one in document["examples"]] == [*range(EXAMPLES - 3), *range(EXAMPLES, EXAMPLES + 3)]


def test_what_changes_is_shown_and_nothing_is_changed_without_an_answer(shared: RunningDaemon, evd: Evd) -> None:
    send(shared, "D2A1", "0102", seqNumber=1)
    evd("vehicle", "set", "D2A1", "--format", "x::uint:16")
    asked = evd("redecode", "--since", "1h", "--vehicle", "D2A1")
    assert "1 of 1 statuses of 1 vehicles change:" in asked.out
    assert "--yes changes it" in asked.err
    assert evd("redecode", "--since", "1h", "--vehicle", "D2A1", "--json").json["written"] == 0
    done = evd("redecode", "--since", "1h", "--vehicle", "D2A1", "--yes")
    assert done.out.splitlines()[-1] == "1 statuses were decoded again."
    assert evd("redecode", "--since", "1h", "--vehicle", "D2A1").out == "1 statuses were read: nothing changes.\n"


def test_many_statuses_are_gone_through_in_steps(shared: RunningDaemon, evd: Evd) -> None:
    now = int(time.time())
    lines = "\n".join(f"D2B1;{now - number};0102;{number};" for number in range(620))
    headers = {"x-api-key": shared.keys["sigfox"], "content-type": "text/plain"}
    assert httpx.post(f"{shared.url}/sigfox/batch", content=lines, headers=headers).status_code == 201
    evd("vehicle", "set", "D2B1", "--format", "x::uint:16")
    told = evd("redecode", "--since", "1h", "--vehicle", "D2B1", "--yes", "--json").json
    assert (told["read"], told["changed"], told["written"]) == (620, 620, 620)
    found = rows(shared.database, "SELECT DISTINCT fields FROM ring WHERE vehicle = 'D2B1'")
    assert found == [('{"x":258}',)]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--since", "yesterday"), 2, "'yesterday' is not a time"),
        (("--since", "1h", "--vehicle", "NEVER"), 1, "vehicle NEVER is unknown"),
        ((), 2, "--since"),
    ],
)
def test_what_cannot_be_decoded_again_is_said(arguments: tuple[str, ...], code: int, says: str, evd: Evd) -> None:
    done = evd("redecode", *arguments)
    assert (done.code, says in done.err) == (code, True), done
