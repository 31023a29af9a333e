"""Several ES modules as one script, so that a browser needs no request for each of them.

The modules' files stay the source. Each becomes a function that runs once, behind those that it imports, and leaves
what it exports in `evdModules`, by its name. A module that is loaded later imports the same from SHARED, where an
import map sends it: so each module runs once, whoever imports it.

The modules may have named imports, and named exports of functions, classes and constants, as those of `static` have.
What else there is of import and export raises ValueError when the files are read, and so in each test.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

SHARED = "shared.js"
"""The file that exports what all modules of the bundle do."""

_IMPORT = re.compile(r'^import\s+(?:\{([^}]*)\}\s+from\s+)?"(\.[^"]+)";[^\S\n]*$', re.MULTILINE)
_PASSED_ON = re.compile(r'^export\s+\{([^}]*)\}\s+from\s+"(\.[^"]+)";[^\S\n]*$', re.MULTILINE)
_DECLARED = re.compile(r"^export\s+((?:async\s+)?function\*?|class|const)\s+(\w+)", re.MULTILINE)
_LATER = re.compile(r'\bimport\(\s*"(\.[^"]+)"\s*\)')
_OTHER = re.compile(r"^(?:import|export)\b(?!\().*$|\bimport\.meta\b", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*\*[\s\S]*?\*/)\n", re.MULTILINE)


class Bundle(NamedTuple):
    script: str
    """A module script; it stands in a page."""
    shared: str
    """The text of SHARED."""
    names: tuple[str, ...]
    """The modules, in the order in which they run."""


def bundle(modules: Mapping[str, str], first: Sequence[str], address: str) -> Bundle:
    """Those of `modules` (name → text) named `first`, with all that they import; `address` is where the files are.

    Raises ValueError for a module that cannot stand in a bundle, KeyError for one that is not there.
    """
    names = order(modules, first)
    bodies: list[str] = []
    exported: dict[str, str] = {}
    for name in names:
        body, own = _as_function(name, modules[name], names, address)
        bodies.append(body)
        if name not in first:  # nothing imports these
            for one in own:
                if exported.setdefault(one, name) != name:
                    raise ValueError(f"{name} and {exported[one]} both export {one}: give it two names")
    shared = "".join(f'export const {one} = evdModules["{name}"].{one};\n' for one, name in exported.items())
    script = "globalThis.evdModules = {};\n" + "".join(bodies)
    if "</script" in script or "<!--" in script:
        raise ValueError("a module has </script or <!-- in its text, which would end it in a page")
    return Bundle(script, shared, tuple(names))


def import_map(names: Sequence[str], address: str) -> str:
    """What sends imports of the bundle's modules to SHARED, as JSON."""
    return orjson.dumps({"imports": {f"{address}/{name}": f"{address}/{SHARED}" for name in names}}).decode()


def order(modules: Mapping[str, str], first: Sequence[str]) -> list[str]:
    """`first` and what they import, each behind its imports. Raises ValueError if modules import each other."""
    done: dict[str, None] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"modules import each other: {' → '.join([*above, name])}")
        if name not in done:
            for pattern in (_IMPORT, _PASSED_ON):
                for _, relative in pattern.findall(modules[name]):
                    visit(_resolved(name, relative), (*above, name))
            done[name] = None

    for name in first:
        visit(name, ())
    return list(done)


def _as_function(name: str, text: str, names: Sequence[str], address: str) -> tuple[str, list[str]]:
    """The module's call, and the names that it declares and exports."""
    declared = [match[1] for match in _DECLARED.findall(text)]
    returned = list(declared)

    def taken(match: re.Match[str]) -> str:
        wanted = ", ".join(_pair(one, ": ") for one in _listed(match[1]))
        return f'const {{ {wanted} }} = evdModules["{_resolved(name, match[2])}"];' if wanted else ""

    def passed_on(match: re.Match[str]) -> str:
        for one in _listed(match[1]):
            if " as " in one:
                raise ValueError(f"{name} passes on {one}: a bundle keeps names as they are")
            returned.append(f'{one}: evdModules["{_resolved(name, match[2])}"].{one}')
        return ""

    def later(match: re.Match[str]) -> str:
        other = _resolved(name, match[1])
        return f'Promise.resolve(evdModules["{other}"])' if other in names else f'import("{address}/{other}")'

    body = _COMMENT.sub("", text)
    for pattern, change in ((_IMPORT, taken), (_PASSED_ON, passed_on), (_LATER, later)):
        body = pattern.sub(change, body)
    body = _DECLARED.sub(r"\1 \2", body)
    if other := _OTHER.search(body):
        raise ValueError(f"{name} has {other[0]!r}, which cannot stand in a bundle")
    return f'evdModules["{name}"] = (() => {{\n{body}return {{ {", ".join(returned)} }};\n}})();\n', declared


def _listed(text: str | None) -> list[str]:
    return [one for one in (" ".join(part.split()) for part in (text or "").split(",")) if one]


def _pair(one: str, between: str) -> str:
    return between.join(one.split(" as "))


def _resolved(name: str, relative: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), relative))
