"""DATA_ADVANCED: what is written of a message's radio."""

from __future__ import annotations

from callback_reports import NOW, TIME, reported

from evd.model.operations import Annotate


def test_data_advanced_annotates_its_message() -> None:
    (operation,) = reported("advanced", seqNumber=40, data="0102", lqi="GOOD").operations
    radio_json = b'{"lqi":"GOOD","linkQuality":2}'
    assert operation == Annotate(
        "386625", TIME, 40, b"\x01\x02", "advanced", radio_json, None, NOW, document=b"as received"
    )
