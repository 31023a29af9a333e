"""What documents, docstrings and comments cite is there: files, modules, links."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from folders import ROOT

from evd.cli import cli

DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCES = sorted(path for suffix in ("py", "pyx", "pyi") for path in (ROOT / "evd").rglob(f"*.{suffix}"))
ROOMS = {path.parent.name for path in (ROOT / "evd").glob("*/__init__.py")}

FILE = re.compile(r"\b(?:evd|tests|bench)/[\w/]+\.(?:pyx?|svg|md)\b|\bdocs/\w+\.\w+")
MODULE = re.compile(r"\bevd((?:\.[a-z_]\w*)+)")
LINK = re.compile(r"\]\((?!http)([^)#]+)[^)]*\)")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def is_module(parts: list[str]) -> bool:
    path = ROOT / "evd" / "/".join(parts)
    return (path / "__init__.py").exists() or any(path.with_suffix(f".{suffix}").exists() for suffix in ("py", "pyx"))


def is_cited_well(name: str) -> bool:
    """A module, or a name in one: `evd.model.status`, `evd.model.measures.MEASURES`; what is no room is a file."""
    parts = name.strip(".").split(".")
    return parts[0] not in ROOMS or is_module(parts) or (len(parts) > 2 and is_module(parts[:-1]))


def test_cited_files_and_modules_exist() -> None:
    missing = []
    for path in (*DOCUMENTS, *SOURCES):
        text = path.read_text("utf-8")
        names = [name for name in FILE.findall(text) if not (ROOT / name).exists()]
        names += [f"evd{name}" for name in MODULE.findall(text) if not is_cited_well(name)]
        missing += [f"{relative(path)} cites {name}" for name in names]
    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_links_of_documents_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_no_conflict_of_a_merge_is_left(path: Path) -> None:
    assert not re.findall(r"^(?:<{7}|={7}|>{7})(?: .*)?$", path.read_text("utf-8"), re.MULTILINE)


CODE = re.compile(r"^```[^\n]*\n(.*?)^```|`([^`]+)`", re.MULTILINE | re.DOTALL)
CITED = re.compile(r"(?:^|bin/|\b(?:sudo|exec|run) |[|&(] *)evd((?: +[^\s#|;&)]+)+)", re.MULTILINE)


def cited_commands(text: str) -> list[list[str]]:
    """The words behind `evd` in a text's code, up to a comment or a pipe."""
    code = "\n".join(block or span for block, span in CODE.findall(text))
    return [words.split() for words in CITED.findall(code)]


def unknown_word(words: list[str]) -> str | None:
    """The first word of a command line that names no command of its group, or no option of its command."""
    command: click.Command = cli
    context = click.Context(cli)
    options = []
    for word in words:
        if word.startswith("--"):
            options.append(word.rstrip("[].,:").partition("=")[0])
        elif isinstance(command, click.Group) and re.fullmatch(r"[a-z][a-z-]+", word):
            found = command.get_command(context, word)
            if found is None:
                return word
            command = found
    known = {"--help", "--version", *(name for one in command.params for name in (*one.opts, *one.secondary_opts))}
    return next((option for option in options if option not in known), None)


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_commands_that_are_cited_exist(path: Path) -> None:
    cited = cited_commands(path.read_text("utf-8"))
    assert [(unknown, words) for words in cited if (unknown := unknown_word(words))] == []


def test_cited_commands_are_found_and_examined() -> None:
    block = "```\nsudo .venv/bin/evd serve --bnid :80 | cat  # evd runs\n```"
    text = f"`evd key add --role x` and\n{block}\nor `evd stats --json`"
    assert [unknown_word(words) for words in cited_commands(text)] == ["add", "--bnid", None]
    assert sum(len(cited_commands(path.read_text("utf-8"))) for path in DOCUMENTS) > 100
