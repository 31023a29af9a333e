"""Names of settings and variables: which are known, what they were before, and what a wrong one may mean."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from evd.config.described import SETTINGS
from evd.errors import ConfigError

ENV_PREFIX = "EVD_"

VARIABLES: Mapping[str, str] = {
    "EVD_DIR": "The data directory, unless `--dir` names one.",
    "EVD_CODEC": "`python`: decode payloads by the readable twin of the compiled codec.",
    "EVD_TRACEBACK": "Show where an unforeseen error happened.",
    "EVD_SIGFOX_KEY": "The key of role sigfox for `evd simulate`, `evd sigfox check` and `config`.",
    "EVD_DEVICE_KEY": "The key of role device for `evd simulate`.",
}
"""What evd reads from the environment besides settings."""

RENAMED: Mapping[str, str] = {
    "events.self_told_original": "events.shown_by_original",
    "events.self_told_v1": "events.shown_by_v1",
}
"""Old path of a setting → today's. The old one still counts, and `evd config migrate` rewrites it."""


def today(path: str) -> str:
    """The setting's path of today, of a path, an old path or a variable. Raises ConfigError if there is none."""
    if path.startswith(ENV_PREFIX):
        path = path[len(ENV_PREFIX) :].lower().replace("__", ".", 1)
    path = RENAMED.get(path, path)
    if path not in SETTINGS:
        raise ConfigError(f"there is no setting {path}{nearest(path, SETTINGS)}")
    return path


def is_variable(name: str) -> bool:
    """Whether it is no setting and evd reads it."""
    return name in VARIABLES


def variable_of(path: str) -> str:
    """The environment variable of the setting with this path: EVD_SECTION__KEY."""
    section, _, key = path.partition(".")
    return f"{ENV_PREFIX}{section}__{key}".upper()


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean …?` with the known word that is most like it, for the end of a sentence."""
    close = difflib.get_close_matches(word, list(words), n=1, cutoff=0.0)
    return f"; did you mean {close[0]!r}?" if close else ""


def nearest_variable(name: str) -> str:
    """As `nearest`, for a variable: first one that differs in its underscores only."""
    known = [*VARIABLES, *map(variable_of, SETTINGS)]
    bare = name.replace("_", "")
    same = [one for one in known if one.replace("_", "") == bare]
    return nearest(same[0] if same else name, same or known)
