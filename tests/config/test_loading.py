"""Settings: built-in < evd.toml < environment < flags; a wrong one is named in one sentence, with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evd.config.loading import load, read
from evd.config.settings import Config
from evd.errors import ConfigError


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "evd.toml"


def test_what_holds_without_any_setting(toml: Path) -> None:
    config = load(toml, {})
    assert config == Config() == load(None, {})
    assert config.server.binds == ["127.0.0.1:8080"]
    assert config.retention.statuses_per_vehicle == 1000
    assert config.ingest.default_format == "ev"
    assert config.ingest.unknown_vehicle == "create"
    assert config.app.trust_user_header is False
    assert config.push.credentials == ""
    assert config.log.level == "info"


def test_each_layer_comes_before_the_one_below(toml: Path) -> None:
    assert load(toml, {}).retention.statuses_per_vehicle == 1000
    toml.write_text("[retention]\nstatuses_per_vehicle = 11\n")
    assert load(toml, {}).retention.statuses_per_vehicle == 11
    env = {"EVD_RETENTION__STATUSES_PER_VEHICLE": "12"}
    assert load(toml, env).retention.statuses_per_vehicle == 12
    flags = {"retention.statuses_per_vehicle": 13}
    assert load(toml, env, flags).retention.statuses_per_vehicle == 13


@pytest.mark.parametrize(
    ("name", "text", "section", "key", "value"),
    [
        ("EVD_APP__TRUST_USER_HEADER", "true", "app", "trust_user_header", True),
        ("EVD_APP__TRUST_USER_HEADER", "false", "app", "trust_user_header", False),
        ("EVD_PUSH__RATE_MAX", "0.5", "push", "rate_max", 0.5),
        ("EVD_SERVER__BIND", "0.0.0.0:80, [::]:80", "server", "bind", ["0.0.0.0:80", "[::]:80"]),
        (
            "EVD_SERVER__TRUSTED_PROXIES",
            "10.0.0.0/8,127.0.0.1",
            "server",
            "trusted_proxies",
            ["10.0.0.0/8", "127.0.0.1"],
        ),
        ("EVD_INGEST__DEFAULT_FORMAT", "a::uint:8", "ingest", "default_format", "a::uint:8"),
    ],
)
def test_the_environments_texts_become_values(name: str, text: str, section: str, key: str, value: Any) -> None:
    assert getattr(getattr(load(None, {name: text}), section), key) == value


def test_other_variables_are_left_alone() -> None:
    assert load(None, {"EVD_DIR": "/x", "EVD_CODEC": "python", "PATH": "/bin", "OTHER__THING": "1"}) == Config()


def test_binds_may_be_one_or_several(toml: Path) -> None:
    toml.write_text('[server]\nbind = ["127.0.0.1:1", "[::1]:2"]\n')
    assert load(toml, {}).server.binds == ["127.0.0.1:1", "[::1]:2"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[retention]\nstatus_per_vehicle = 1", "did you mean 'retention.statuses_per_vehicle'"),
        ("[retenion]\nx = 1", "did you mean 'retention'"),
        ("retention = 5", r"write \[retention\]"),
        ("[retention]\nstatuses_per_vehicle = 0", "between 1 and"),
        ("[retention]\nstatuses_per_vehicle = 'many'", "retention.statuses_per_vehicle"),
        ("[push]\nrate_max = nan", "push.rate_max"),
        ("[push]\nttl_s = -1", "push.ttl_s"),
        ("[push]\npriority = 'urgent'", "one of normal, high"),
        ("[ingest]\nunknown_vehicle = 'ask'", "one of create, reject"),
        ("[log]\nlevel = 'loud'", "one of debug, info, warning, error"),
        ("[server]\ntls_cert = 'x'", "belong together"),
        ("[formats.t]\nfields = {}", "grammar"),
        ("[formats.t]\ngrammar = 'a::uint:8'\ncolour = 1", "colour"),
        ("[retention\n", r"evd.toml, line 1: not valid TOML"),
        ("[log]\n\nlevel = debug\n", r"evd.toml, line 3: not valid TOML .*text stands in quotes"),
        (
            "[server]\n# here\nbind = 8080",
            r"evd.toml, line 3: server.bind is 8080: it must be text in quotes, or a list",
        ),
        ("[push]\nttl_s = -1", r"evd.toml, line 2: push.ttl_s is -1: it must be between 0 and 2419200"),
        ("[app]\ntrust_user_header = 'yes, please'", "it must be true or false"),
        ("[formats.t]\ngrammer = 'a::uint:8'", r"line 2: formats.t has no key 'grammer'; did you mean 'grammar'"),
        ("formats = 1", r"write \[formats.NAME\]"),
        ("[formats.t]\ngrammar = 'a::uint:8'\nfields = 1", "formats.t.fields must be a table of tables"),
        ("[events]\nself_told_v1 = []\nshown_by_v1 = []", "old name, too: remove one"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(toml: Path, text: str, says: str) -> None:
    toml.write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        load(toml, {})
    assert str(toml) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_named(toml: Path) -> None:
    toml.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(toml, {})


def test_a_wrong_variable_or_flag_is_named() -> None:
    with pytest.raises(ConfigError, match=r"EVD_SERVER__BINDS: there is no setting server.binds; .*'server.bind'"):
        load(None, {"EVD_SERVER__BINDS": "x"})
    with pytest.raises(ConfigError, match=r"EVD_SERVER_BIND: evd knows no such variable; .*'EVD_SERVER__BIND'"):
        load(None, {"EVD_SERVER_BIND": "x"})
    with pytest.raises(ConfigError, match=r"EVD_SIGFOX__NAMES: sigfox.names must be a table, such as \{uplink"):
        load(None, {"EVD_SIGFOX__NAMES": "{"})
    with pytest.raises(ConfigError, match=r"flag for log.loud: .*did you mean"):
        load(None, {}, {"log.loud": 1})


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(AttributeError):
        Config().retention.statuses_per_vehicle = 5  # type: ignore[misc]


def test_every_mistake_is_found_and_no_secret_is_shown(toml: Path) -> None:
    toml.write_text("[push]\nttl_s = -1\nwebhook_secret = ['hunter2']\n[log]\nloud = 1\n")
    found = read(toml, {"EVD_LOG__LEVEL": "all"}).mistakes
    assert [sentence.removeprefix(f"{toml}, ").split(" is ")[0] for sentence in found] == [
        "line 3: push.webhook_secret",
        "line 5: there",
        "line 2: push.ttl_s",
        "environment variable EVD_LOG__LEVEL: log.level",
    ]
    assert "hunter2" not in "".join(found)
    with pytest.raises(ConfigError, match=r"webhook_secret .* \(3 more: `evd config check` lists them\)"):
        load(toml, {"EVD_LOG__LEVEL": "all"})


def test_each_value_knows_where_it_comes_from(toml: Path) -> None:
    toml.write_text(
        '[server]\n\nbind = [\n  "127.0.0.1:1",\n]\n# of the log\n[log]\nlevel = "debug"\nformat = "text"\n'
    )
    loaded = read(toml, {"EVD_LOG__FORMAT": "json"}, {"log.level": "error"})
    said = {path: str(loaded.origin(path)) for path in ("server.bind", "log.format", "log.level", "push.ttl_s")}
    assert said == {
        "server.bind": f"{toml}, line 3",
        "log.format": "environment variable EVD_LOG__FORMAT",
        "log.level": "flag for log.level",
        "push.ttl_s": "built-in",
    }


def test_an_old_name_still_counts(toml: Path) -> None:
    toml.write_text("[events]\nself_told_original = []\n")
    loaded = read(toml, {})
    assert loaded.config.events.shown_by_original == []
    assert [(str(where), new) for where, _, new in loaded.old] == [(f"{toml}, line 2", "events.shown_by_original")]
    assert load(None, {"EVD_EVENTS__SELF_TOLD_V1": "target_reached"}).events.shown_by_v1 == ["target_reached"]
