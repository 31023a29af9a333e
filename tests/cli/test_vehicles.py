"""evd vehicle list, show, set, days and log: settings are set one by one, and a default comes back."""

from __future__ import annotations

import pytest
from command_line import Evd, send
from daemon_process import RunningDaemon


def test_what_is_not_named_stays_and_an_empty_value_is_the_default(evd: Evd) -> None:
    evd("vehicle", "set", "5A1", "--keep", "7", "--name", "Peter's", "--format", "load::uint:8")
    assert evd("vehicle", "set", "5A1", "--keep", "0", "--json").json["profile"].get("keep") is None
    shown = evd("vehicle", "show", "5A1", "--json").json
    assert (shown["name"], shown["format"]) == ("Peter's", "load::uint:8")
    again = evd("vehicle", "set", "5A1", "--name", "", "--format", "", "--json").json
    assert (again["name"], again["format"]) == (None, None)


def test_a_number_below_nothing_is_refused(evd: Evd) -> None:
    done = evd("vehicle", "set", "5A2", "--keep", "-1")
    assert (done.code, "--keep is -1: give a number of statuses, or 0" in done.err) == (2, True), done
    assert evd("vehicle", "show", "5A2").code == 1, "and nothing is made"


def test_people_are_shown_what_is_known_and_not_what_is_not(evd: Evd) -> None:
    evd("vehicle", "set", "5A3", "--name", "mine")
    shown = dict(line.split(None, 1) for line in evd("vehicle", "show", "5A3").out.splitlines() if line.strip())
    assert (shown["vehicle"], shown["name"]) == ("5A3", "mine")
    assert "last_time_ms" not in shown
    assert "None" not in shown.values()


def test_a_list_is_of_one_tag_and_shows_when_each_was_heard(shared: RunningDaemon, evd: Evd) -> None:
    send(shared, "5B1", "130a4c0f", seqNumber=1)
    evd("vehicle", "set", "5B2")
    evd("vehicle", "tag", "5B1", "+vehicles-test")
    (row,) = evd("vehicle", "list", "--tag", "vehicles-test", "--json").json
    assert row["vehicle"] == "5B1"
    lines = evd("vehicle", "list", "--tag", "vehicles-test").out.splitlines()
    assert lines[0].startswith("VEHICLE")
    assert [line.split()[0] for line in lines[1:]] == ["5B1"]
    none = evd("vehicle", "list", "--tag", "no-such-tag")
    assert (none.code, none.out) == (0, "No such vehicle.\n"), none


def test_days_and_log_say_that_there_is_nothing_yet(evd: Evd) -> None:
    evd("vehicle", "set", "5C1")
    assert evd("vehicle", "log", "5FFFF").out == "Sigfox reported nothing.\n"
    assert evd("vehicle", "days", "5C1").out == "No frame with a seqNumber was received yet.\n"
    assert evd("vehicle", "log", "5C1").out == "Sigfox reported nothing.\n"


@pytest.mark.parametrize("command", ["show", "days"])
def test_an_unknown_vehicle_is_a_sentence(command: str, evd: Evd) -> None:
    done = evd("vehicle", command, "5FFFF")
    assert (done.code, "5FFFF" in done.err, done.err.count("\n")) == (1, True, 1), done
