"""STATUS: what is written of a modem's state."""

from __future__ import annotations

from callback_reports import NOW, TIME, reported

from evd.model.operations import Frame, Modem, Note


def test_a_status_is_a_note_the_modems_state_and_a_frame() -> None:
    found = reported("status", batt=3.34, temp="21.4", seqNumber="119")
    assert found.vehicle == "386625"
    assert found.operations == (
        Note(
            found.report_id,
            "386625",
            "status",
            "info",
            TIME,
            "The modem reports a battery of 3.34 V at 21.4 °C.",
            b"as received",
            NOW,
        ),
        Modem("386625", TIME, 3.34, 21.4, NOW),
        Frame("386625", TIME, 119, NOW),
    )
