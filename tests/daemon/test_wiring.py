"""From settings to parts: what is refused, what makes an evd insecure, and which setting becomes which limit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest
from daemon_parts import BuildParts
from structlog.testing import capture_logs

from evd.api.authentication import NoTokens
from evd.config.settings import Config
from evd.daemon import wiring
from evd.errors import ConfigError
from evd.model.operations import AddFormat
from evd.model.units import DAY_MS

EMULATOR = {"FIREBASE_AUTH_EMULATOR_HOST": "localhost:9099"}


def config(**sections: Any) -> Config:
    return msgspec.convert(sections, Config)


@pytest.mark.parametrize("project", ["", "evd-demo"])
def test_unsigned_id_tokens_are_for_development_only(project: str) -> None:
    settings = config(app={"firebase_project": project})
    with pytest.raises(ConfigError, match="unsigned ID tokens would be accepted"):
        wiring.token_verifier(settings, EMULATOR, dev=False)
    taken = wiring.token_verifier(settings, EMULATOR, dev=True)
    assert isinstance(taken, NoTokens) == (project == "")


@pytest.mark.parametrize(
    ("settings", "env", "says"),
    [
        ({}, {}, []),
        ({}, {"FIREBASE_AUTH_EMULATOR_HOST": "", "FIRESTORE_EMULATOR_HOST": ""}, []),
        ({"app": {"trust_user_header": True}}, {}, ["app.trust_user_header"]),
        ({}, EMULATOR, ["FIREBASE_AUTH_EMULATOR_HOST and --dev"]),
        (
            {"app": {"trust_user_header": True}},
            {**EMULATOR, "FIRESTORE_EMULATOR_HOST": "x:1"},
            ["app.trust_user_header", "FIRESTORE_EMULATOR_HOST and --dev", "FIREBASE_AUTH_EMULATOR_HOST and --dev"],
        ),
    ],
)
def test_what_makes_evd_insecure_on_purpose_is_a_sentence_each(
    settings: dict[str, Any], env: dict[str, str], says: list[str]
) -> None:
    found = wiring.insecurities(config(**settings), env)
    assert [sentence.split(":")[0] for sentence in found] == says


def test_firebase_is_asked_only_where_its_sync_or_its_mirror_is_set(parts_of: BuildParts) -> None:
    parts = parts_of(outward=False)
    given = parts.writer, parts.directory, parts.places, parts.clock
    assert wiring.firebase(config(), {}, *given, dev=False) is None
    with pytest.raises(ConfigError, match="FIRESTORE_EMULATOR_HOST is set"):
        wiring.firebase(config(), {"FIRESTORE_EMULATOR_HOST": "x:1"}, *given, dev=False)
    for settings in ({"mirror": True}, {"sync_seconds": 60}):
        with pytest.raises(ConfigError):  # no service account is named
            wiring.firebase(config(firebase=settings), {}, *given, dev=False)


def test_a_format_that_this_evd_cannot_read_costs_nothing_but_itself(parts_of: BuildParts) -> None:
    parts = parts_of(outward=False)
    parts.store.write([AddFormat("good", "a:0:uint:8", b"{}", 0), AddFormat("bad", "a:0:uint:65", b"{}", 0)])
    with capture_logs() as logs:
        again = parts_of(outward=False)
    assert [(line["event"], line["format"]) for line in logs if line["log_level"] == "error"] == [
        ("a format in the database is invalid: add it again", "bad")
    ]
    assert again.formats.is_stored("good") and not again.formats.is_stored("bad")


def test_silences_count_though_the_time_of_listening_cannot_be_kept(tmp_path: Path, parts_of: BuildParts) -> None:
    (tmp_path / "listening").mkdir()
    with capture_logs() as logs:
        parts = parts_of()
    assert parts.events is not None
    assert [line["log_level"] for line in logs if "silences" in line["event"]] == ["warning"]


def test_each_limit_of_the_servers_is_a_setting() -> None:
    """Each setting has another value, so that no two can be taken for each other."""
    names = {
        "head_max": "head_max_bytes", "fields_max": "fields_max",
        "head_s": "head_timeout_s", "body_s": "body_timeout_s",
        "idle_s": "idle_timeout_s", "write_s": "write_timeout_s", "tls_hello_s": "tls_hello_timeout_s",
        "drain_s": "drain_timeout_s",
    }  # fmt: skip
    usual = Config().server
    values = {setting: getattr(usual, setting) + place + 1 for place, setting in enumerate(names.values())}
    settings = config(server=values, ingest={"body_max_bytes": 4000, "answer_timeout_s": 3})
    for limits in (wiring.edge_limits(settings), wiring.asgi_limits(settings)):
        found = dataclasses.asdict(limits)
        assert found.pop("body_max") == 4000
        assert found.pop("answer_s") == 4.5, "the writer's answer first"
        set_here = names.keys() & found.keys()
        assert set_here >= names.keys() - {"tls_hello_s"}
        assert {name: found[name] for name in set_here} == {name: values[names[name]] for name in set_here}


def test_connections_of_strangers_are_bounded_by_the_settings() -> None:
    server = {
        "connections_max": 1000, "strangers_per_address": 2,
        "strangers_bytes_max": 65_537, "unfinished_bytes_max": 1_048_577,
    }  # fmt: skip
    assert tuple(wiring.admission_limits(config(server=server)))[:4] == (1000, 2, 65_537, 1_048_577)
    with pytest.raises(ConfigError, match=r"10\.0\.0\.0/99"):
        wiring.admission(config(server={"trusted_proxies": ["10.0.0.0/99"]}))


def test_without_pushes_stopped_phones_are_not_hindered() -> None:
    settings = config(push={"stale_after_days": 7, "give_up_after_s": 60})
    search = wiring.stopped_phones_search(None, settings)
    assert (search._stale_ms, search._give_up_ms, search._hindered_until) == (7 * DAY_MS, 60_000, None)
