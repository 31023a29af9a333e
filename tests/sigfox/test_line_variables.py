"""What is wrong with the variables of a line pattern."""

from __future__ import annotations

import pytest

from evd.sigfox.line_variables import mistakes


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (["device", "time", "data"], []),
        (["device", "speed", "my_note"], []),
        (["device", "tim"], ["time"]),
        (["device", "TIME"], ["time"]),
        (["device", "seqnumber", "dta"], ["seqNumber", "data"]),
        (["vehicleId", "devices"], ["device"]),
    ],
)
def test_a_name_that_is_nearly_a_variable_is_taken_for_a_misspelled_one(names: list[str], meant: list[str]) -> None:
    said = mistakes(names)
    assert len(said) == len(meant)
    assert all(sentence.endswith(f"did you mean {{{name}}}?") for sentence, name in zip(said, meant, strict=True))


def test_a_line_without_a_device_belongs_to_nobody() -> None:
    assert mistakes(["time", "data"]) == ["no variable names the device: add {device}"]
    assert [said.split()[0] for said in mistakes(["devic"])] == ["{devic}", "no"]
