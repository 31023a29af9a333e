"""Which settings a reload takes, and how a difference is shown."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from folders import ROOT

from evd.config.live import LIVE, differences, taken
from evd.config.settings import Config


def config(**sections: dict[str, Any]) -> Config:
    return msgspec.convert(sections, Config)


def test_each_row_is_a_setting() -> None:
    sections = {one.name: one.type for one in msgspec.structs.fields(Config)}
    for row in LIVE:
        section, _, key = row.partition(".")
        assert key == "*" or key in sections[section].__struct_fields__, row


def test_the_manual_names_each_row() -> None:
    manual = (ROOT / "docs" / "operating.md").read_text("utf-8").partition("## Reload")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([a-z]+\.[a-z_*]+)`", manual)) == set(LIVE)


BEFORE = config(
    server={"tls_cert": "a.pem", "tls_key": "a.key"}, alerts={"webhook": "https://hooks.example.org/old-secret"}
)


@pytest.mark.parametrize(
    ("after", "setting", "part", "shown"),
    [
        ({"log": {"level": "debug"}}, "log.level", "log", "log.level: info → debug"),
        ({"ingest": {"queue_rows_max": 7}}, "ingest.queue_rows_max", None, "ingest.queue_rows_max: 16384 → 7"),
        ({"app": {"whole_numbers": False}}, "app.whole_numbers", None, "app.whole_numbers: true → false"),
        ({"alerts": {"webhook": "https://x.example/secret"}}, "alerts.webhook", "alarms", "alerts.webhook"),
        ({"push": {"webhook_secret": "whsec_c2VjcmV0"}}, "push.webhook_secret", None, "push.webhook_secret"),
        ({"formats": {"own": {"grammar": "a::uint:8"}}}, "formats", None, "formats"),
    ],
)
def test_a_difference(after: dict[str, Any], setting: str, part: str | None, shown: str) -> None:
    found = differences(Config(), config(**after))
    assert [(one.setting, one.part, one.shown) for one in found] == [(setting, part, shown)]


def test_a_certificate_is_live_but_tls_itself_is_not() -> None:
    other = config(server={"tls_cert": "b.pem", "tls_key": "b.key"}, alerts={"webhook": BEFORE.alerts.webhook})
    assert {one.part for one in differences(BEFORE, other)} == {"certificate"}
    assert {one.part for one in differences(BEFORE, config(alerts={"webhook": BEFORE.alerts.webhook}))} == {None}


def test_only_what_is_live_is_taken_and_the_rest_differs_until_a_restart() -> None:
    wanted = config(log={"level": "error"}, ingest={"queue_rows_max": 7})
    found = differences(Config(), wanted)
    now = taken(Config(), found)
    assert (now.log.level, now.ingest.queue_rows_max) == ("error", Config().ingest.queue_rows_max)
    assert [one.setting for one in differences(now, wanted)] == ["ingest.queue_rows_max"]
