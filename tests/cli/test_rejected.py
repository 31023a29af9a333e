"""evd rejected: refused callbacks are listed, shown with their reason, taken after a fix, and forgotten."""

from __future__ import annotations

import httpx
import pytest
from command_line import Evd
from daemon_process import RunningDaemon

from evd.cli.exits import PARTLY


def refuse(shared: RunningDaemon, vehicle: str) -> None:
    """A callback whose payload is no hex."""
    body = {"device": vehicle, "time": 1_700_000_000, "data": "xyz"}
    answer = httpx.post(f"{shared.url}/sigfox/uplink", json=body, headers={"x-api-key": shared.keys["sigfox"]})
    assert answer.status_code == 400, answer.text


@pytest.fixture
def number(shared: RunningDaemon, evd: Evd) -> str:
    """Of a callback that was refused just now."""
    refuse(shared, "8A1")
    return str(evd("rejected", "list", "--limit", "1", "--json").json[0]["number"])


def test_one_is_shown_with_its_reason_its_body_and_what_to_do(shared: RunningDaemon, number: str, evd: Evd) -> None:
    shown = evd("rejected", "show", number).out
    row = evd("rejected", "show", number, "--json").json
    assert shown.startswith(f"{row['route']}\n{row['error']}: {row['detail']}\n")
    assert f"Then: evd rejected replay {number}" in shown
    assert "xyz" in shown
    assert shared.keys["sigfox"] not in shown, "no key is kept"
    assert "x-api-key: ***" in shown


def test_what_is_still_refused_is_said_with_the_code_of_a_partial_success(number: str, evd: Evd) -> None:
    done = evd("rejected", "replay", number)
    assert (done.code, done.out.splitlines()[-1]) == (PARTLY.code, "0 of 1 were taken")
    assert f"{number} is still refused: " in done.out
    assert evd("rejected", "replay", number, "--json").code == PARTLY.code


def test_one_that_is_forgotten_is_gone(number: str, evd: Evd) -> None:
    assert evd("rejected", "forget", number, "--yes").out.startswith("1 removed")
    assert evd("rejected", "show", number).code == 1
    assert number not in [str(row["number"]) for row in evd("rejected", "list", "--json").json]


def test_a_list_is_of_those_that_are_asked_for(shared: RunningDaemon, number: str, evd: Evd) -> None:
    refuse(shared, "8A2")
    older = evd("rejected", "list", "--before", str(int(number) + 1), "--json").json
    assert max(row["number"] for row in older) == int(number)
    assert evd("rejected", "list", "--error", "no such reason", "--json").json == []
    assert evd("rejected", "list", "--error", "no such reason").out == "Nothing was refused.\n"
    cut = evd("rejected", "list", "--limit", "1")
    assert len(cut.out.splitlines()) == 2, "a heading and a row"
    assert "there are more" in cut.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "give the numbers that `evd rejected list` shows, or --all"),
        (("1", "--all"), "give the numbers that `evd rejected list` shows, or --all"),
        (tuple(map(str, range(1, 1002))), "1001 numbers are too many for one command: use --all"),
    ],
)
def test_what_is_to_be_replayed_is_named_or_all(arguments: tuple[str, ...], says: str, evd: Evd) -> None:
    done = evd("rejected", "replay", *arguments)
    assert (done.code, says in done.err) == (2, True), done
