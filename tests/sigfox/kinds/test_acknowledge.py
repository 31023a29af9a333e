"""ACKNOWLEDGE: what is written of a downlink's fate."""

from __future__ import annotations

import pytest
from callback_reports import NOW, TIME, reported

from evd.model.operations import CloseDownlink, Note
from evd.sigfox.downlinks import INFO_CODES


def test_an_acknowledge_closes_a_downlink_and_is_noted() -> None:
    found = reported("acknowledge", infoCode=4, infoMessage="No station")
    close, note = found.operations
    assert close == CloseDownlink("386625", TIME, 4, "No station", NOW)
    assert isinstance(note, Note)
    assert note.text == "Downlink NETWORK_ERROR: no station could send it, Sigfox says 'No station'."


@pytest.mark.parametrize("number", sorted(INFO_CODES))
def test_every_info_code_is_named_in_its_note(number: int) -> None:
    close, note = reported("acknowledge", infoCode=number).operations
    assert isinstance(close, CloseDownlink)
    assert isinstance(note, Note)
    assert (close.info_code, close.info) == (number, INFO_CODES[number].name)
    assert INFO_CODES[number].name in note.text
