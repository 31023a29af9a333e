"""Callbacks of vehicles that are ignored or were merged: as which vehicle's they are kept, if at all."""

from __future__ import annotations

from typing import Any

import pytest
from builders import NOW, arrival

from evd.ingest.cache import IngestCache
from evd.ingest.transaction import Callback, data_callback
from evd.ingest.treatment import IGNORED, treated
from evd.model.operations import Arrive, CountIgnored, OfferDownlink, SetVehicle

OF_ANOTHER = SetVehicle("B", NOW)


def callback(*, asks: bool = True) -> Callback:
    return data_callback("uplink", arrival("A"), (OF_ANOTHER,), asks=asks)


def knowing(**known: Any) -> IngestCache:
    return IngestCache([], [], **known)


def test_a_vehicle_that_nobody_treats_keeps_its_callback() -> None:
    assert treated(callback(), knowing(ignored=["B"], aliases=[("B", "A")])) == callback()


def test_what_is_ignored_is_counted_alone_and_is_offered_nothing() -> None:
    kept = treated(callback(), knowing(ignored=["A"]))
    assert (kept.kind, kept.operations, kept.asks) == (IGNORED, (CountIgnored("A"),), False)


def test_all_that_a_merged_vehicle_says_is_the_other_ones_with_the_id_that_it_had() -> None:
    before, kept = callback(), treated(callback(), knowing(aliases=[("A", "C")]))
    status, note, offer = kept.operations
    assert isinstance(status, Arrive) and isinstance(offer, OfferDownlink)
    assert (kept.vehicle, status.vehicle, offer.vehicle) == ("C", "C", "C")
    assert (kept.status_id, status.status_id, kept.spelling) == (before.status_id, before.status_id, before.spelling)
    assert note is OF_ANOTHER, "what concerns another vehicle stays its own"


@pytest.mark.parametrize(("ignored", "counted"), [(["C"], True), (["A"], False)])
def test_whether_a_merged_vehicle_is_ignored_is_the_other_ones_say(ignored: list[str], counted: bool) -> None:
    kept = treated(callback(asks=False), knowing(ignored=ignored, aliases=[("A", "C")]))
    assert (kept.operations == (CountIgnored("C"),)) is counted
