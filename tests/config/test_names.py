"""Names of settings and variables: today's, of old ones and of variables, and what a wrong one may mean."""

from __future__ import annotations

import pytest

from evd.config import names
from evd.config.described import SETTINGS
from evd.config.names import RENAMED, VARIABLES, nearest, nearest_variable, today, variable_of
from evd.errors import ConfigError


def test_a_path_an_old_path_and_a_variable_lead_to_the_setting() -> None:
    for path in SETTINGS:
        assert today(path) == path
        assert today(variable_of(path)) == path
    for old, new in RENAMED.items():
        assert today(old) == new
        assert today(variable_of(old)) == new


def test_a_variable_is_the_path_in_capitals_with_two_underscores() -> None:
    assert variable_of("server.tls_cert") == "EVD_SERVER__TLS_CERT"


@pytest.mark.parametrize(
    ("path", "meant"), [("server.bnid", "server.bind"), ("EVD_LOG__LEVLE", "log.level"), ("log", "log.level")]
)
def test_a_name_that_is_none_is_refused_with_the_one_that_is_most_like_it(path: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"there is no setting .*; did you mean '{meant}'\?"):
        today(path)


def test_no_variable_of_evds_own_could_be_a_setting() -> None:
    assert not [name for name in VARIABLES if name in map(variable_of, SETTINGS)]
    assert names.is_variable("EVD_DIR")
    assert not names.is_variable("EVD_LOG__LEVEL")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("EVD_SERVER_BIND", "EVD_SERVER__BIND"),  # differs in its underscores only, though others are as like
        ("EVD_SERVER__TLSCERT", "EVD_SERVER__TLS_CERT"),
        ("EVD_CODECS", "EVD_CODEC"),
        ("EVD_LOG__LEVELS", "EVD_LOG__LEVEL"),
    ],
)
def test_a_variable_that_is_none_may_mean_one(name: str, meant: str) -> None:
    assert nearest_variable(name) == f"; did you mean '{meant}'?"


def test_where_there_is_nothing_to_choose_from_nothing_is_meant() -> None:
    assert nearest("word", []) == ""
    assert nearest("word", iter(["sword", "x"])) == "; did you mean 'sword'?"
