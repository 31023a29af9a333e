"""`[sigfox.names]`: where a body's variables stand, and what becomes of what stands beside them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from evd.config.settings import SigfoxSettings
from evd.errors import ConfigError
from evd.ingest.cache import IngestCache
from evd.ingest.parser import Parser
from evd.payload.formats import Formats
from evd.sigfox.name_paths import NamePaths


@pytest.mark.parametrize(
    ("paths", "document", "read"),
    [
        ({"device": "Device"}, {"Device": "1A", "time": 1}, {"device": "1A", "time": 1}),
        ({"device": "a.b.id"}, {"a": {"b": {"id": "1A", "x": 2}, "y": 3}}, {"device": "1A", "a.b.x": 2, "a.y": 3}),
        ({"data": "data.hex"}, {"data": {"hex": "00", "t": 1}, "t": 2}, {"data": "00", "data.t": 1, "t": 2}),
        ({"device": "a.id"}, {"device": "1A", "a": 5}, {"device": "1A", "a": 5}),
        ({"device": "a.id"}, {"device": "1A", "a": {"id": None}}, {"device": "1A", "a.id": None}),
        ({"device": "a.id"}, {"device": "old", "a": {"id": "1A"}}, {"device": "1A"}),
        ({"one": "a.x", "two": "a.x"}, {"a": {"x": 1}}, {"one": 1, "two": 1}),
        ({"place": "a"}, {"a": {"lat": 1}}, {"place": {"lat": 1}}),
        ({"lat": "a.lat"}, {"a": {"lat": 1, "b": [{"c": 1}], "d": {}}}, {"lat": 1, "a.b": [{"c": 1}]}),
    ],
)
def test_variables_are_found_by_their_paths_and_nothing_else_is_lost(
    paths: dict[str, str], document: dict[str, Any], read: dict[str, Any]
) -> None:
    assert NamePaths("sigfox.names.uplink", paths).read(document) == read


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b"])
def test_what_is_no_path_is_one_sentence(path: str) -> None:
    with pytest.raises(ConfigError, match=r"sigfox\.names\.uplink\.device is .*names with dots between are needed"):
        NamePaths("sigfox.names.uplink", {"device": path})


def test_a_route_that_is_none_is_one_sentence() -> None:
    settings = SigfoxSettings(names={"uplnk": {"device": "id"}})
    with pytest.raises(ConfigError, match=r"sigfox\.names\.uplnk is of no route: one of acknowledge, .*wlan is needed"):
        Parser(IngestCache([], []), Formats({}, "ev"), settings, Counter())
