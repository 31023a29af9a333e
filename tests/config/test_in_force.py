"""The settings that hold: where each comes from, what a reload changes of that, and that no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from evd.config.in_force import HIDDEN, SettingsInForce, ShownSetting
from evd.config.live import differences, taken
from evd.config.loading import without_mistake

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    file = tmp_path / "evd.toml"
    file.write_text(f'[log]\nlevel = "debug"\n[alerts]\nwebhook_secret = "{SECRET}"\n', "utf-8")
    return file


def shown(in_force: SettingsInForce) -> dict[str, ShownSetting]:
    return {row["path"]: row for row in in_force.shown()}


def test_each_setting_says_where_it_comes_from(toml: Path) -> None:
    loaded = without_mistake(toml, {"EVD_INGEST__QUEUE_ROWS_MAX": "77"}, {"server.bind": ["127.0.0.1:1"]})
    rows = shown(SettingsInForce(loaded.config, loaded.origins))
    assert (rows["log.level"]["value"], rows["log.level"]["at"]) == ("debug", f"{toml}, line 2")
    assert (rows["ingest.queue_rows_max"]["value"], rows["ingest.queue_rows_max"]["origin"]) == (77, "environment")
    assert rows["server.bind"]["origin"] == "flag"
    assert (rows["log.format"]["origin"], rows["log.format"]["live"], rows["log.level"]["live"]) == (
        "built-in",
        False,
        True,
    )
    assert rows["alerts.webhook_secret"]["value"] == HIDDEN
    assert SECRET not in str(rows)


def test_a_reload_changes_what_it_takes_and_no_more(toml: Path) -> None:
    first = without_mistake(toml, {})
    in_force = SettingsInForce(first.config, first.origins)
    toml.write_text('\n[log]\nlevel = "error"\nformat = "json"\n', "utf-8")
    second = without_mistake(toml, {})
    in_force.reloaded(taken(first.config, differences(first.config, second.config)), second)
    rows = shown(in_force)
    assert (rows["log.level"]["value"], rows["log.level"]["at"]) == ("error", f"{toml}, line 3")
    assert (rows["log.format"]["value"], rows["log.format"]["origin"]) == ("auto", "built-in"), "it needs a restart"
    assert rows["alerts.webhook_secret"]["value"] == "" and rows["alerts.webhook_secret"]["origin"] == "built-in"
