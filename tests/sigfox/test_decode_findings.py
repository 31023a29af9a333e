"""What the operator is told of senders: within bounds, each name once."""

from __future__ import annotations

from evd.model.daemon_state import UnexplainedState
from evd.sigfox.decode_findings import FIELDS_SHOWN, NAMES_MAX, VEHICLES_MAX, DecodeFindings, remarks, shown


def test_the_last_vehicle_and_its_fields_are_reported_and_all_statuses_counted() -> None:
    findings = DecodeFindings()
    assert findings.state() == UnexplainedState()
    for vehicle, fields in (("A", ("state",)), ("B", ("range",)), ("A", ("state", "current"))):
        findings.unexplained_by(vehicle, fields)
    assert findings.state() == UnexplainedState(statuses=3, vehicles=2, vehicle="A", fields=("state", "current"))


def test_the_vehicle_that_was_heard_longest_ago_makes_room() -> None:
    findings = DecodeFindings()
    for number in range(VEHICLES_MAX + 5):
        findings.unexplained_by(str(number), ("state",))
    state = findings.state()
    assert (state.statuses, state.vehicles, state.vehicle) == (
        VEHICLES_MAX + 5,
        VEHICLES_MAX,
        str(VEHICLES_MAX + 4),
    )


def test_a_name_is_reported_once_and_no_more_than_so_many() -> None:
    findings = DecodeFindings()
    assert findings.pending(["Lat", "Lng"]) == ["Lat", "Lng"]
    assert findings.pending(["Lng", "Speed"]) == ["Speed"]
    assert findings.pending(["Lat"]) == []
    assert len(findings.pending([str(number) for number in range(2 * NAMES_MAX)])) == NAMES_MAX - 3
    assert findings.pending(["one more"]) == []


def test_many_fields_are_shortened() -> None:
    assert shown(["a", "b"]) == "a, b"
    assert shown([str(number) for number in range(FIELDS_SHOWN + 1)]).endswith("9 …")


def test_each_flag_has_its_sentence_with_its_count() -> None:
    flagged = {"disagrees": 3, "undecoded": 1, "implausible": 2, "alone": 5, "unread": 4, "ahead": 9}
    first, *others = remarks("A1", flagged, 10, ["state"])
    assert first.startswith("vehicle A1 sends values that its format does not explain (state), in 3 of its 10 kept st")
    assert [other[:26] for other in others] == [f"{n} of its 10 kept statuses "[:26] for n in (1, 2, 5, 4)]
    (sent,) = remarks("A1", {"disagrees": 3}, 10, [])
    assert "sent values that its format of then did not explain, in 3 of its 10" in sent, "a new format explains them"
    assert remarks("A1", {}, 10, []) == []
