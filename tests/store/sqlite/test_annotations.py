"""Annotations in SQLite: what is merged into a row's texts, and the views. All else is in the contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
from builders import NOW, arrival, rows

from evd.model.operations import Annotate
from evd.store.sqlite.annotations import Said, located, merged
from evd.store.sqlite.database import SqliteDatabase

Opener = Callable[..., SqliteDatabase]

HERE, THERE = "48.1,11.5", "47.9,11.2"
OWN = b'{"location":"1,2"}'


def test_the_views_show_link_quality_and_operator(open_store: Opener, database: Path) -> None:
    radio = b'{"lqi":"GOOD","operatorName":"Ostsee","duplicates":[{"bsId":"1"},{"bsId":"2"}]}'
    said = Annotate("386625", NOW, 0, None, "advanced", radio, HERE, NOW)
    open_store().write([arrival(), arrival(time=NOW + 1000, seq=1), said])
    assert rows(database, "SELECT seq, lqi, operator, location FROM history") == [
        (0, "GOOD", "Ostsee", HERE),
        (1, None, None, None),
    ]
    assert rows(database, "SELECT seq, lqi, operator, stations FROM radio") == [(0, "GOOD", "Ostsee", 2)]
    assert rows(database, "SELECT radio FROM last") == [(None,)]


def test_new_fields_keep_the_networks_location_unless_they_have_their_own() -> None:
    fields, radio = merged("{}", None, Said("advanced", None, b"{}", HERE))
    assert located(b'{"state":2}', radio.decode()) == f'{{"state":2,"location":"{HERE}"}}'.encode()
    assert located(OWN, radio.decode()) == OWN
    assert located(b"{}", None) == b"{}"
    again, _ = merged(OWN.decode(), radio.decode(), Said("advanced", None, b"{}", THERE))
    assert orjson.loads(again) == {"location": "1,2"}, "the vehicle's own one stands, though the network was first"
    assert orjson.loads(fields) == {"location": HERE}
