"""What is built for a daemon that serves, and what for one command only."""

from __future__ import annotations

import pytest
from daemon_parts import BuildParts

from evd.api.authentication import NoTokens
from evd.errors import ConfigError


def test_for_one_command_no_part_connects_to_other_systems(parts_of: BuildParts) -> None:
    env = {"FIREBASE_AUTH_EMULATOR_HOST": "x:1"}  # which a serving evd refuses
    parts = parts_of(outward=False, env=env, push={"credentials": "/no/such.json"}, firebase={"mirror": True})
    assert (parts.pushing, parts.events, parts.firebase, parts.insecure) == (None, None, None, ())
    assert isinstance(parts.tokens, NoTokens)


def test_a_commit_is_seen_by_each_part_that_remembers_rows(parts_of: BuildParts) -> None:
    """The cache comes first: what others answer after a commit is asked of it."""
    parts = parts_of()
    assert parts.writer.observers == [parts.directory, parts.identities, parts.places, parts.live, parts.events]


def test_the_database_is_one_that_can_be_used(parts_of: BuildParts) -> None:
    parts = parts_of()
    assert parts.files["database"] == parts.data_dir.database
    assert parts.store.find_damage() == []


def test_a_setting_that_names_nothing_is_refused_before_the_database_is_made(parts_of: BuildParts) -> None:
    with pytest.raises(ConfigError, match=r"/no/such\.json"):
        parts_of(push={"credentials": "/no/such.json"})
