"""The table of settings is whole, and what is made of it is current."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import resources

import msgspec
import pytest
from folders import ROOT

from evd.config.described import SETTINGS
from evd.config.loading import read
from evd.config.names import RENAMED
from evd.config.settings import Config

SECRET = re.compile(r"secret|(password|token)$")


def test_every_setting_says_what_it_is() -> None:
    assert [path for path, row in SETTINGS.items() if not row.meaning.endswith((".", ":"))] == []
    assert [path for path, row in SETTINGS.items() if row.kind in ("int", "float") and not row.unit] == []
    assert [path for path, row in SETTINGS.items() if row.kind in ("int", "float") and not row.range] == []


def test_what_is_a_secret_by_its_name_is_one() -> None:
    assert [path for path, row in SETTINGS.items() if SECRET.search(path) and not row.secret] == []


def test_an_example_can_be_set() -> None:
    for path, row in SETTINGS.items():
        if row.example:
            value = tomllib.loads(f"x = {row.example}")["x"]
            assert msgspec.convert(value, row.type, strict=False) == value, path


def test_an_old_name_leads_to_a_setting_of_the_same_section() -> None:
    for old, today in RENAMED.items():
        assert old not in SETTINGS
        assert today in SETTINGS
        assert old.split(".")[0] == today.split(".")[0]


def test_the_page_and_the_example_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "docs/settings_table.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def example() -> str:
    return resources.files("evd").joinpath("evd.toml.example").read_text("utf-8")


def test_the_example_changes_nothing(example: str) -> None:
    assert msgspec.convert(tomllib.loads(example), Config) == Config()


def test_the_example_has_every_setting_as_it_can_be_written(
    example: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("example") / "evd.toml"
    file.write_text(re.sub(r"(?m)^# (?=[\w.]+ = |\[)", "", example))
    loaded = read(file, {})
    assert loaded.mistakes == ()
    assert loaded.origins.keys() == SETTINGS.keys()
    for path, row in SETTINGS.items():
        value = getattr(getattr(loaded.config, path.partition(".")[0]), path.partition(".")[2])
        assert value == row.default or not row.default, path
    assert loaded.config.formats["trailer"].fields["temp"] == {"scale": 0.1, "unit": "°C"}
