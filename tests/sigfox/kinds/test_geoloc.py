"""GEOLOC: what is written of the place of a message."""

from __future__ import annotations

from callback_reports import reported

from evd.model.operations import Annotate


def test_geoloc_annotates_its_message_with_its_place() -> None:
    (operation,) = reported("geoloc", lat="48.1486", lng=17.1077, radius=1250).operations
    assert isinstance(operation, Annotate)
    assert (operation.source, operation.location) == ("geoloc", "48.1486,17.1077")


def test_the_position_of_a_geoloc_is_what_it_says() -> None:
    assert reported("geoloc", lat=48, lng=17).report_id != reported("geoloc", lat=48, lng=18).report_id
