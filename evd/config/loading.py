"""Settings, read once: what each source says, which one counts, and every mistake in a sentence with its line.

Precedence: built-in < `DIR/evd.toml` < systemd's credentials < `EVD_SECTION__KEY` < command-line flags. What is unknown
is an error that names the nearest known one, in the environment, too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec

from evd.config.contradictions import contradictions
from evd.config.described import SECTIONS, SETTINGS, expected
from evd.config.names import ENV_PREFIX, RENAMED, is_variable, nearest, nearest_variable
from evd.config.settings import Config, FormatSettings
from evd.config.toml_lines import as_toml, line_of
from evd.errors import ConfigError

_LINE = re.compile(r"(.*) \(at line ([0-9]+), column ([0-9]+)\)", re.DOTALL)
_PATH = re.compile(r"[a-z]+\.[a-z_0-9]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting's value comes from."""

    kind: str
    """`built-in`, `file`, `credential` (of systemd), `environment` or `flag`."""
    name: str = ""
    """The file's path, the variable, or the setting that the flag is for."""
    text: str = field(default="", repr=False, compare=False)
    """The file's."""
    path: tuple[str, ...] = ()
    """In the file."""

    @property
    def line(self) -> int:
        """Of the file; 0 if it is not known."""
        return line_of(self.text, self.path) if self.path else 0

    def __str__(self) -> str:
        if self.kind == "file":
            return f"{self.name}, line {self.line}" if self.line else self.name
        return {"environment": f"environment variable {self.name}", "flag": f"flag for {self.name}"}.get(
            self.kind, self.kind
        )


BUILT_IN = Origin("built-in")


NO_ORIGINS: Mapping[str, Origin] = {}
"""Every setting has its built-in value."""


class Loaded(NamedTuple):
    """What the sources say."""

    config: Config
    """The built-in values stand in for wrong ones."""
    origins: Mapping[str, Origin]
    """By the setting's path; those with their built-in value are missing."""
    mistakes: tuple[str, ...]
    """A sentence for each."""
    old: tuple[tuple[Origin, str, str], ...]
    """Old spellings, which still count: where, the old path, the new one."""

    def origin(self, path: str) -> Origin:
        return self.origins.get(path, BUILT_IN)


def load(file: Path | None, env: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Config:
    """The settings of one run.

    `file` is `DIR/evd.toml` (absent is fine), `flags` maps "section.key" to a value. Raises ConfigError.
    """
    return without_mistake(file, env, flags).config


def without_mistake(file: Path | None, env: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Loaded:
    """As `load`, with where each setting comes from. Raises ConfigError."""
    loaded = read(file, env, flags)
    if loaded.mistakes:
        more = len(loaded.mistakes) - 1
        also = f" ({more} more: `evd config check` lists them)" if more else ""
        raise ConfigError(f"{loaded.mistakes[0]}{also}")
    return loaded


def read(file: Path | None, env: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Loaded:
    """As `load`, with all mistakes. Raises ConfigError if the file cannot be read."""
    sources = _Sources()
    if file is not None and file.exists():
        sources.take_file(file)
    for path in sorted(path for path, row in SETTINGS.items() if row.secret and "CREDENTIALS_DIRECTORY" in env):
        credential = Path(env["CREDENTIALS_DIRECTORY"]) / path  # LoadCredential=sigfox.api_password:FILE in the unit
        if credential.is_file():
            sources.take(path, credential.read_text("utf-8").strip(), Origin("credential", str(credential)))
    for name, text in sorted(env.items()):
        if name.startswith(ENV_PREFIX) and not is_variable(name):
            sources.take_variable(name, text)
    for path, value in (flags or {}).items():
        sources.take(path, value, Origin("flag", path))
    return sources.loaded()


class _Sources:
    def __init__(self) -> None:
        self._values: dict[str, dict[str, Any]] = {}
        self._formats: Mapping[str, Any] = {}
        self._origins: dict[str, Origin] = {}
        self._mistakes: list[str] = []
        self._old: list[tuple[Origin, str, str]] = []
        self._file: Path | None = None
        self._text = ""

    def take_file(self, file: Path) -> None:
        self._file = file
        try:
            self._text = file.read_text("utf-8-sig")
            tree = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            self._mistakes.append(_not_toml(file, str(error)))
            return
        except UnicodeDecodeError as error:
            self._mistakes.append(f"{file} is not valid TOML: it is no UTF-8 text ({error.reason}): save it as UTF-8")
            return
        except OSError as error:
            raise ConfigError(f"{file} cannot be read ({error.strerror}): check its permissions") from None
        for section, keys in tree.items():
            if section == "formats":
                self._take_formats(keys)
            elif section not in SECTIONS:
                known = nearest(section, [*SECTIONS, "formats"])
                self._mistakes.append(f"{self._at(section)}: there is no section {section!r}{known}")
            elif not isinstance(keys, dict):
                self._mistakes.append(
                    f"{self._at(section)}: {section!r} is a section: write [{section}] and its keys below it"
                )
            else:
                for key, value in keys.items():
                    self.take(f"{section}.{key}", value, self._at(section, key))

    def take_variable(self, name: str, text: str) -> None:
        origin = Origin("environment", name)
        section, _, key = name[len(ENV_PREFIX) :].lower().partition("__")
        path = RENAMED.get(f"{section}.{key}", f"{section}.{key}")
        if "__" not in name:
            self._mistakes.append(f"{origin}: evd knows no such variable{nearest_variable(name)}")
            return
        row = SETTINGS.get(path)
        try:
            value = row.from_text(text) if row else text
        except tomllib.TOMLDecodeError:
            self._mistakes.append(f"{origin}: {path} must be {expected(row)}" if row else "")
            return
        self.take(f"{section}.{key}", value, origin)

    def take(self, path: str, value: Any, origin: Origin) -> None:
        """A setting's value, in place of an earlier source's."""
        if path in RENAMED:
            self._old.append((origin, path, RENAMED[path]))
            path = RENAMED[path]
        if self._origins.get(path, BUILT_IN).kind == origin.kind:
            self._mistakes.append(f"{origin}: {path} is set under its old name, too: remove one")
            return
        section, _, key = path.partition(".")
        row = SETTINGS.get(path)
        if row is None:
            self._mistakes.append(f"{origin}: there is no setting {path}{nearest(path, SETTINGS)}")
            return
        try:
            converted = msgspec.convert(value, row.type, strict=False)
        except msgspec.ValidationError:
            given = "this value" if row.secret else as_toml(value)[:60]
            self._mistakes.append(f"{origin}: {path} is {given}: it must be {expected(row)}")
            return
        self._values.setdefault(section, {})[key] = converted
        self._origins[path] = origin

    def _take_formats(self, formats: Any) -> None:
        if not isinstance(formats, dict):
            self._mistakes.append(f"{self._at('formats')}: write [formats.NAME] and a grammar below it")
            return
        wrong = [sentence for name, table in formats.items() for sentence in self._wrong_format(name, table)]
        self._mistakes += wrong
        if not wrong:
            self._formats = msgspec.convert(formats, dict[str, FormatSettings])

    def _wrong_format(self, name: str, table: Any) -> Iterator[str]:
        at = self._at("formats", name)
        if not isinstance(table, dict):
            yield f"{at}: a format is a table: write [formats.{name}] and a grammar below it"
            return
        known = [one.name for one in msgspec.structs.fields(FormatSettings)]
        for key in table.keys() - known:
            yield f"{self._at('formats', name, key)}: formats.{name} has no key {key!r}{nearest(key, known)}"
        if not isinstance(table.get("grammar"), str):
            yield f'{at}: format {name} has no grammar: write grammar = "load::uint:8" below [formats.{name}]'
        for key in ("fields", "tests"):
            rows = table.get(key, {})
            if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
                yield f"{self._at('formats', name, key)}: formats.{name}.{key} must be a table of tables"

    def _at(self, *path: str) -> Origin:
        return Origin("file", str(self._file), self._text, path)

    def loaded(self) -> Loaded:
        sections: dict[str, Any] = {name: kind(**self._values.get(name, {})) for name, kind in SECTIONS.items()}
        for sentence in contradictions(SimpleNamespace(**sections)):
            self._mistakes.append(f"{self._origin_of(sentence)}{sentence}")
        right = Config() if self._mistakes else Config(**sections, formats=dict(self._formats))
        return Loaded(right, self._origins, tuple(self._mistakes), tuple(self._old))

    def _origin_of(self, sentence: str) -> str:
        """The place of the first setting in the sentence that some source has."""
        found = [self._origins[path] for path in _PATH.findall(sentence) if path in self._origins]
        return f"{found[0]}: " if found else ""


def _not_toml(file: Path, said: str) -> str:
    found = _LINE.fullmatch(said)
    hint = "; text stands in quotes" if said.startswith("Invalid value") else ""
    if found is None:
        return f"{file} is not valid TOML ({said}{hint}): correct its end"
    return f"{file}, line {found[2]}: not valid TOML ({found[1]} in column {found[3]}{hint}): correct this line"
