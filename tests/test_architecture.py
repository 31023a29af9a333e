"""The house, read from its source: which room may import which, what is pure, where trio and SQL stand, what is small.

What a room may import stands in its docstring (`May import: …`), which is the rule that is tested here.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from folders import ROOT as PROJECT_ROOT

import evd

ROOT = Path(evd.__file__).parent
MODULES = {
    ".".join(("evd", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
TOP = {"__init__", "__main__", "errors", "version", "clock"}
ROOMS = sorted(path.name for path in ROOT.iterdir() if (path / "__init__.py").exists())
PURE_ROOMS = {"model", "derived", "payload", "sigfox", "redaction", "request", "streaming"}
"""Bytes, values and `now` go in, what to do comes out. A module of another room may be pure, too."""

PURE_ELSEWHERE = re.compile(
    r"evd\.(config\.(section|settings|alarm_settings|mqtt_settings|limits|described|names|migration|contradictions|toml_lines)|events\.(?!engine|recorder)|alarms\.(?!monitor|mail|senders|webhook)|net\.(sse|addresses)"
    r"|net\.server\.(http1\w*|admission|phases)|push\.(providers\.mqtt\.(address|topics|ages)|skip_policy|trace|rate_limiter|presence|device_limits|health|clock_jumps|operator_pause)"
    r"|sigfox_api\.(pace|pages|backfill\.mapping)|dev\.(fleet|traffic)|transfer\.(descriptors|items|columns))"
)
IMPURE = re.compile(
    r"(trio|sqlite3|pysqlite3|aiosqlite|quart|quart_trio|hypercorn|firebase_admin|google|time|datetime|asyncio|random|socket)(\.|$)"
)
SEEDED = {
    "evd.dev.fleet": "random",
    "evd.dev.traffic": "random",
    "evd.model.preferences": "datetime",
    "evd.derived.calendar": "datetime",
    "evd.transfer.columns": "datetime",
}
"""A seed and a time are their arguments."""

WITHOUT_TRIO = {"config", "log", *PURE_ROOMS}
TRIO = re.compile(r"(trio|trio_asyncio|quart_trio|outcome)(\.|$)")

LINES_MAX = 450
ATTRIBUTES_MAX = 12


def room_of(module: str) -> str:
    """`""` for what stands at the top."""
    top, _, below = module.partition(".")
    name = below.partition(".")[0]
    return name if top == "evd" and name in ROOMS else ""


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text("utf-8"))


@cache
def nodes(module: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(module)))


@cache
def imports(module: str) -> frozenset[str]:
    """Every module that `module` names in an import: at the top, in a function, or for types only."""
    found: set[str] = set()
    for node in nodes(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: imports are written out"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & MODULES.keys() or {node.module or ""}
    return frozenset(found)


@cache
def may_import(room: str) -> frozenset[str]:
    """The rooms that the room's docstring allows."""
    text = re.search(r"May import: ([^.]*)\.", ast.get_docstring(tree(f"evd.{room}")) or "")
    assert text, f"evd/{room}/__init__.py does not say `May import: …`"
    words = set(re.split(r", | and |\s+", text[1]))
    allowed = set(ROOMS) - words if text[1].startswith("every room") else words - {"nothing"}
    assert allowed <= set(ROOMS), f"{room} may import {allowed - set(ROOMS)}, which are no rooms"
    return frozenset(allowed)


def test_only_what_every_room_needs_stands_at_the_top() -> None:
    assert {path.stem for path in ROOT.glob("*.py")} == TOP
    assert {path.name for path in ROOT.glob("*.p*") if path.suffix != ".py"} == {
        "_codec.pyx",
        "_codec.pyi",
        "_codec_json.pxi",
    }


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_and_where_to_begin(room: str) -> None:
    begin = re.search(r"Begin\s+with\s+`(evd\.[\w.]+)`", ast.get_docstring(tree(f"evd.{room}")) or "")
    assert begin, f"evd/{room}/__init__.py does not say `Begin with …`"
    assert begin[1] in MODULES and room_of(begin[1]) == room


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_it_says_and_nothing_else(room: str) -> None:
    used = {
        room_of(other) for module in MODULES if room_of(module) == room for other in imports(module) & MODULES.keys()
    }
    used -= {"", room}
    allowed = may_import(room)
    assert used <= allowed, f"{room} imports {used - allowed}"
    if len(allowed) < len(ROOMS) - 4:
        assert used == allowed, f"{room} does not import {allowed - used}: its docstring need not allow it"


def circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Each way that leads back to where it began, once for each end."""
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> Iterator[list[str]]:
        if node in way:
            yield [*way[way.index(node) :], node]
        elif node not in done:
            for other in sorted(graph[node]):
                yield from walk(other, [*way, node])
            done.add(node)

    for node in sorted(graph):
        yield from walk(node, [])


def test_no_circle_of_rooms() -> None:
    graph = {room: set() for room in ROOMS} | {
        room: {room_of(other) for module in MODULES if room_of(module) == room for other in imports(module)}
        - {"", room}
        for room in ROOMS
    }
    assert list(circles(graph)) == []


def test_no_circle_of_modules() -> None:
    assert list(circles({module: set(imports(module) & MODULES.keys()) - {module} for module in MODULES})) == []


def test_what_is_pure_knows_no_loop_no_database_no_network_and_no_clock() -> None:
    pure = [module for module in MODULES if room_of(module) in PURE_ROOMS or PURE_ELSEWHERE.match(module)]
    found = {module: {name for name in imports(module) if IMPURE.match(name)} - {SEEDED.get(module)} for module in pure}
    assert {module: impure for module, impure in found.items() if impure} == {}


@pytest.mark.parametrize("room", sorted(WITHOUT_TRIO))
def test_trio_is_unknown_where_nobody_waits(room: str) -> None:
    for module in MODULES:
        if room_of(module) == room:
            assert not {name for name in imports(module) if TRIO.match(name)}, module


def test_no_ladder_over_types() -> None:
    """What depends on a type is a row in a table, so that a new type is a new row; three branches may stand."""
    ladders = []
    for module in MODULES:
        for node in nodes(module):
            rungs, rung = 0, node
            while isinstance(rung, ast.If):
                rungs += _asks_for_a_type(rung.test)
                rung = rung.orelse[0] if len(rung.orelse) == 1 else ast.Pass()
            if rungs > 3:
                ladders.append(f"{MODULES[module]}:{getattr(node, 'lineno', 0)} branches by type {rungs} times")
    assert ladders == []


def _asks_for_a_type(test: ast.expr) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "type")
        for node in ast.walk(test)
    )


def test_every_transaction_takes_the_lock_at_once() -> None:
    """A deferred one that becomes a writer fails with SQLITE_BUSY_SNAPSHOT at any timeout (sqlite.org/rescode.html)."""
    found = [
        f"{path}: BEGIN at {begin.start()} is no BEGIN IMMEDIATE"
        for path in (*ROOT.rglob("*.py"), *ROOT.rglob("*.sql"))
        for begin in re.finditer(r"\bBEGIN\b(?! IMMEDIATE)", path.read_text("utf-8"))
    ]
    assert found == []


SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|REPLACE)\b\s")


def test_values_reach_sql_as_parameters_only() -> None:
    """An f-string of SQL may hold constants of its module (upper-case names), never anything else."""
    found = []
    for module in MODULES:
        for node in nodes(module):
            if isinstance(node, ast.JoinedStr) and SQL.search(ast.unparse(node)):
                for part in node.values:
                    if isinstance(part, ast.FormattedValue):
                        name = part.value.id if isinstance(part.value, ast.Name) else ""
                        if not name.isupper():
                            found.append(f"{module}:{node.lineno} puts {ast.unparse(part.value)} into SQL")
            if _formatted(node):
                found.append(f"{module}:{getattr(node, 'lineno', 0)} formats SQL")
    assert found == []


def _formatted(node: ast.AST) -> bool:
    """Is it `"SELECT …".format(…)`?"""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"):
        return False
    return SQL.search(ast.unparse(node.func.value)) is not None


def test_a_module_states_its_one_idea_and_stays_small() -> None:
    assert [module for module in MODULES if not ast.get_docstring(tree(module))] == [], "a module has a docstring"
    compiled = [path for ending in ("*.pyx", "*.pxi") for path in ROOT.rglob(ending)]
    lines = {path: path.read_text("utf-8").count("\n") for path in (*MODULES.values(), *compiled)}
    long = {path.name: count for path, count in lines.items() if count > LINES_MAX}
    assert long == {}, f"a file of {LINES_MAX} lines has more than one idea"


SPEAK_OF_WEBHOOKS = {
    "evd.push.providers": "its table has a row for each provider",
    "evd.config.settings": "all settings are typed there: the operator's names `push.webhook_*`",
    "evd.config.alarm_settings": "the operator's names `alerts.webhook*`",
    "evd.config.limits": "the bounds of these settings",
    "evd.alarms.webhook": "alarms to the operator, which are no pushes",
    "evd.alarms.senders": "whether these alarms are set up",
    "evd.net.client.signature": "Standard Webhooks is the name of the standard, for pushes and for alarms",
    "evd.redaction.shapes": "the standard's secrets are masked",
}
"""Outside of the provider's folder, and why."""


def test_no_other_module_speaks_of_webhooks() -> None:
    """What holds for a push provider is a trait that the others ask for: a new one changes no other module."""
    found = {module for module, path in MODULES.items() if "webhook" in path.read_text("utf-8").lower()}
    outside = {module for module in found if not module.startswith("evd.push.providers.webhook")}
    assert outside == SPEAK_OF_WEBHOOKS.keys()
    assert [path.name for path in ROOT.rglob("*.sql") if "webhook" in path.read_text("utf-8").lower()] == []


def attributes(node: ast.ClassDef) -> set[str]:
    """Those that its methods set."""
    return {
        inner.attr
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute)
        and isinstance(inner.ctx, ast.Store)
        and isinstance(inner.value, ast.Name)
        and inner.value.id == "self"
    }


def test_a_class_that_is_no_record_has_few_attributes() -> None:
    counts = {
        f"{module}.{node.name}": len(attributes(node))
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, ast.ClassDef)
    }
    large = {name: count for name, count in counts.items() if count > ATTRIBUTES_MAX}
    assert large == {}, "a class has one idea"


def test_a_class_name_stands_once() -> None:
    places: dict[str, list[str]] = {}
    for module in MODULES:
        for node in tree(module).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(module)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


PROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DECLARED = {re.split(r"[<>=; \[]", line)[0] for line in PROJECT["dependencies"]}
OPTIONAL = {re.split(r"[<>=; \[]", line)[0] for line in PROJECT["optional-dependencies"]["parquet"]}
"""What only one command needs, which says how to install it."""

OF_ANOTHER_NAME = {
    "PIL": "pillow",
    "argon2": "argon2-cffi",
    "google.oauth2": "google-auth",
    "paho.mqtt": "paho-mqtt",
    "google.cloud.storage": "google-cloud-storage",
    "google.cloud": "google-cloud-firestore",
}


def distribution(name: str) -> str:
    """The package of a module; google is a namespace."""
    known = next((package for prefix, package in OF_ANOTHER_NAME.items() if f"{name}.".startswith(f"{prefix}.")), None)
    return known or "-".join(name.split(".")[: 2 if name.startswith("google.") else 1]).replace("_", "-")


THIRD_PARTY = {
    distribution(name)
    for module in MODULES
    for name in imports(module)
    if name.split(".")[0] not in {*sys.stdlib_module_names, "evd"}
}


def test_every_package_that_is_imported_is_declared_and_no_other_one() -> None:
    """What only comes with another package goes without warning when that one changes its mind."""
    assert DECLARED - {"tzdata"} == THIRD_PARTY - OPTIONAL, "tzdata holds no code"


def test_every_declared_package_is_pinned() -> None:
    pinned = set(re.findall(r"^([\w.-]+)==", (PROJECT_ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    assert pinned >= DECLARED


STATEMENT = re.compile(
    r"\bSELECT\b[^;]*\bFROM\b|\b(INSERT|REPLACE)\s+INTO\b|\bUPDATE\s+\w+\s+SET\b|\bDELETE\s+FROM\b"
    r"|\b(CREATE|DROP|ALTER)\s+(TABLE|VIEW|INDEX)\b|\bPRAGMA\s|\bBEGIN\s+IMMEDIATE\b",
    re.DOTALL,
)
SLOTS = {1 << 20, (1 << 20) - 1, 1 << 19}
"""Slots of a ring, the mask of a slot, and the bit of what was set aside."""


def test_what_an_engine_is_made_of_stays_in_the_store() -> None:
    """No engine by its name, no SQL, no arithmetic of slots: another engine has none of it."""
    found = []
    for module in MODULES:
        if room_of(module) == "store":
            continue
        found += [f"{module} imports {name}" for name in imports(module) if name.startswith("evd.store.sqlite")]
        for node in nodes(module):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.search(node.value):
                found.append(f"{module}:{node.lineno} has SQL")
            if _counts_in_slots(node):
                found.append(f"{module}:{getattr(node, 'lineno', 0)} counts in slots")
    assert found == []


def _counts_in_slots(node: ast.AST) -> bool:
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.FloorDiv | ast.Mod | ast.BitAnd)):
        return False
    return not SLOTS.isdisjoint({_number(node.left), _number(node.right)})


def _number(node: ast.expr) -> int | None:
    """Of a literal, or of one that is shifted by another."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.LShift):
        value, places = _number(node.left), _number(node.right)
        return None if value is None or places is None else value << places
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


def test_only_its_table_of_engines_names_one() -> None:
    engines = {module for module in MODULES if module.startswith("evd.store.sqlite")}
    outside = {module for module in MODULES.keys() - engines if imports(module) & engines}
    assert outside == {"evd.store.engines"}


def test_only_the_store_opens_databases() -> None:
    openers = {m for m in MODULES if {"pysqlite3", "sqlite3", "evd.store.sqlite.sqlite_library"} & imports(m)}
    assert {room_of(module) for module in openers} == {"store"}


def test_the_picture_of_the_rooms_is_as_the_source_is() -> None:
    drawn = subprocess.run(
        [sys.executable, "docs/architecture_picture.py", "--check"], cwd=PROJECT_ROOT, capture_output=True, text=True
    )
    assert drawn.returncode == 0, drawn.stderr


BRANCHES_TESTED = 3
"""A module with as many branches has logic of its own."""

BRANCH = (*(ast.If, ast.IfExp, ast.BoolOp, ast.Match, ast.For, ast.AsyncFor, ast.While, ast.comprehension, ast.Try),)


def has_test_file(module: str) -> bool:
    """Whether the folder of its room in tests/ has, at any depth, `test_` and its name (`_heads_py`: `test_heads`)."""
    name = MODULES[module].stem.strip("_").removesuffix("_py")
    return any((PROJECT_ROOT / "tests" / room_of(module)).rglob(f"test_{name}.py"))


def test_each_module_with_logic_has_a_test_file_of_its_name() -> None:
    with_logic = {
        module
        for module, path in MODULES.items()
        if room_of(module) and not path.name.startswith("__")
        if sum(isinstance(node, BRANCH) for node in nodes(module)) >= BRANCHES_TESTED
    }
    assert {module for module in with_logic if not has_test_file(module)} == set(), (
        "write tests/<room>/test_<module>.py"
    )
