"""The plan of DESIGN.md, read from the source: who may import whom, what is pure, what SQL may look like."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

import evd

ROOT = Path(evd.__file__).parent
MODULES = {
    ".".join(("evd", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}

#: Pure: bytes, values and the time go in, what to do comes out.
PURE = {
    "evd.backfill",
    *("evd.alerts", "evd.pool", "evd.positions", "evd.wishes", "evd.event_texts"),
    *("evd.addresses", "evd.admission"),
    *("evd.alarms", "evd.alarm_rules", "evd.alarm_phones", "evd.alarm_readings", "evd.rhythm"),
    *("evd.alert_settings", "evd.confirmation", "evd.self_told"),
    *("evd.sigfox_setup", "evd.sigfox_pages", "evd.sigfox_pace"),
    "evd.downlinks",
    *("evd.callbacks", "evd.linepattern", "evd.radio", "evd.routes", "evd.shapes"),
    *("evd.secrets", "evd.secret_names", "evd.secret_shapes", "evd.secret_text", "evd.kept", "evd.plain_text"),
    *("evd.sequence", "evd.trace", "evd.presence"),
    *("evd.json_faults", "evd.near_names", "evd.names", "evd.unzipped"),
    *("evd.sse", "evd.stall"),
    *("evd.documents", "evd.field_options", "evd.values", "evd.findings"),
    *("evd.grammar", "evd.codec", "evd._codec_py", "evd.encoder", "evd.sigfox", "evd.status", "evd.ring"),
    *(
        "evd.json_bytes",
        "evd.formats",
        "evd.decoding",
        "evd.redecoding",
        "evd.bounds",
        "evd.config",
        "evd.errors",
        "evd.http1",
        "evd.http1_head",
        "evd.http1_body",
        "evd.http1_guard",
        "evd.simulation",
        "evd.traffic",
    ),
}
IMPURE = re.compile(
    r"(trio|sqlite3|pysqlite3|aiosqlite|quart|quart_trio|hypercorn|firebase_admin|google|time|datetime|asyncio|random|socket)(\.|$)"
)

#: Whoever may know trio; everything else can be called from anywhere.
KNOWS_TRIO = {
    *(
        "evd.edge",
        "evd.ingest",
        "evd.writer",
        "evd.dispatcher",
        "evd.daemon",
        "evd.serving",
        "evd.listening",
        "evd.stream",
        "evd.control",
    ),
    *("evd.sigfox_api", "evd.alerter", "evd.backfiller", "evd.checkup", "evd.alarm_watch", "evd.clock_watch"),
    *("evd.slices", "evd.loop_lag", "evd.collector", "evd.housekeeping", "evd.landing", "evd.push_questions"),
    "evd.pushing",
    "evd.unaccompanied",
    *("evd.readers", "evd.turns", "evd.flights", "evd.stopped"),
    "evd.patience",
    *("evd.queries", "evd.tokens", "evd.httpclient", "evd.simulator", "evd.api", "evd.cli"),
    *("evd.push.credentials", "evd.push.threads", "evd.push.shares"),
    *("evd.push.fcm", "evd.push.transport", "evd.push.fake"),
}
TRIO = re.compile(r"(trio|trio_asyncio|quart_trio|outcome)(\.|$)")

#: Left to right: a layer imports itself and what stands below it.
LAYERS = (
    {"evd.cli", "evd.__main__"},
    {"evd.serving"},
    {"evd.daemon"},
    {"evd.assembly", "evd.listening", "evd.simulator", "evd.checkup", "evd.checkup_verdicts"},
    {"evd.edge", "evd.api", "evd.pushing", "evd.alerter", "evd.tokens", "evd.control"}
    | {"evd.queries", "evd.readers", "evd.event_questions", "evd.push_questions"}
    | {"evd.clock_watch", "evd.stopped"},
    {"evd.dispatcher", "evd.composing", "evd.landing"},
    {"evd.ingest", "evd.stream", "evd.connection", "evd.backfiller", "evd.housekeeping", "evd.alarm_watch"}
    | {"evd.backlog", "evd.commits", "evd.worth", "evd.unaccompanied"},
    {"evd.doorkeeper"},
    {"evd.writer", "evd.directory", "evd.live", "evd.reading"},
    {
        "evd.ordinary",
        "evd.reports",
        "evd.intake",
        "evd.status_list",
        "evd.slices",
        "evd.turns",
        "evd.flights",
        "evd.asker",
    },
    {"evd.sigfox_api", "evd.alive", "evd.wire", "evd.alarm_mail", "evd.alarm_webhook", "evd.surroundings"}
    | {
        "evd.store",
        "evd.push",
        "evd.httpclient",
        "evd.auth",
        "evd.guesses",
        "evd.log",
        "evd.log_sink",
        "evd.place",
        "evd.clock",
        "evd.server_clock",
        "evd.inherited",
        "evd.same_files",
        "evd.last_words",
        "evd.service_manager",
        "evd.starting",
        "evd.loop_lag",
        "evd.collector",
        "evd.patience",
    },
    PURE - {"evd.config", "evd.errors", "evd.bounds"},
    {"evd.config", "evd.errors", "evd.bounds", "evd.version"},
)


def is_one_of(module: str, names: set[str]) -> bool:
    """Whether it is one of these modules, or lies in one of these packages."""
    return any(module == name or module.startswith(f"{name}.") for name in names)


def layer_of(module: str) -> int | None:
    return next((depth for depth, names in enumerate(LAYERS) if is_one_of(module, names)), None)


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text("utf-8"))


@cache
def imports(module: str) -> set[str]:
    """Every module that `module` names in an import, whether at the top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: imports are written out"
            found.add(node.module or "")
            found |= {name for alias in node.names if (name := f"{node.module}.{alias.name}") in MODULES}
    return found


def test_the_modules_of_the_plan_are_there() -> None:
    assert MODULES.keys() >= PURE | KNOWS_TRIO


@pytest.mark.parametrize("module", sorted(PURE & MODULES.keys()))
def test_a_pure_module_knows_no_loop_no_database_no_network_and_no_clock(module: str) -> None:
    allowed = {  # a seed and a time are their arguments
        "evd.simulation": {"random"},
        "evd.traffic": {"random"},
        "evd.wishes": {"datetime"},
    }.get(module, set())
    assert {name for name in imports(module) if IMPURE.match(name)} <= allowed


@pytest.mark.parametrize("module", sorted(PURE & MODULES.keys()))
def test_what_a_pure_module_imports_is_pure(module: str) -> None:
    ours = {name for name in imports(module) if name.startswith("evd.") and name in MODULES}
    assert ours <= PURE


@pytest.mark.parametrize("module", sorted(module for module in MODULES if not is_one_of(module, KNOWS_TRIO)))
def test_trio_is_known_to_few(module: str) -> None:
    assert not {name for name in imports(module) if TRIO.match(name)}


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"evd"}))
def test_imports_run_down_the_plan(module: str) -> None:
    mine = layer_of(module)
    assert mine is not None, f"{module} has no place in LAYERS"
    for name in imports(module):
        other = layer_of(name) if name in MODULES and name != "evd" else None
        assert other is None or other >= mine, f"{module} imports {name}, which stands above it"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_ladder_over_types(module: str) -> None:
    """What depends on a type is a row in a table, so that a new type is a new row; three branches may stand."""
    for node in ast.walk(tree(module)):
        rungs, rung = 0, node
        while isinstance(rung, ast.If):
            rungs += _asks_for_a_type(rung.test)
            rung = rung.orelse[0] if len(rung.orelse) == 1 else ast.Pass()
        assert rungs <= 3, f"{MODULES[module]}:{getattr(node, 'lineno', 0)} branches by type {rungs} times"


def _asks_for_a_type(test: ast.expr) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "type")
        for node in ast.walk(test)
    )


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")) + sorted(ROOT.rglob("*.sql")), ids=lambda p: p.name)
def test_every_transaction_takes_the_lock_at_once(path: Path) -> None:
    """A deferred one that turns into a writer fails with SQLITE_BUSY_SNAPSHOT whatever the timeout (reliability R7)."""
    for begin in re.finditer(r"\bBEGIN\b(?! IMMEDIATE)", path.read_text("utf-8")):
        raise AssertionError(f"{path.name}: {begin.group()} at {begin.start()} is no BEGIN IMMEDIATE")


SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|REPLACE)\b\s")


@pytest.mark.parametrize("module", sorted(MODULES))
def test_values_reach_sql_as_parameters_only(module: str) -> None:
    """An f-string of SQL may hold constants of its module (upper-case names), never anything else."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.JoinedStr) and SQL.search(ast.unparse(node)):
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    name = part.value.id if isinstance(part.value, ast.Name) else ""
                    assert name.isupper(), f"{module}:{node.lineno} puts {ast.unparse(part.value)} into SQL"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            assert not SQL.search(ast.unparse(node.func.value)), f"{module}:{node.lineno} formats SQL"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_states_its_one_idea_and_stays_small(module: str) -> None:
    source = MODULES[module].read_text("utf-8")
    assert not source or ast.get_docstring(tree(module)), "a module has a docstring"
    assert source.count("\n") < 450, "a file of 450 lines has more than one idea"


PROJECT = tomllib.loads((ROOT.parent / "pyproject.toml").read_text("utf-8"))["project"]
DECLARED = {re.split(r"[<>=; \[]", line)[0] for line in PROJECT["dependencies"]}
THIRD_PARTY = {
    "-".join(name.split(".")[: 2 if name.startswith("google.") else 1]).replace("_", "-")  # google is a namespace
    for module in MODULES
    for name in imports(module)
    if name.split(".")[0] not in {*sys.stdlib_module_names, "evd"}
}


def test_every_package_that_is_imported_is_declared_and_no_other_one() -> None:
    """What only comes with another package goes without warning when that one changes its mind."""
    assert DECLARED - {"tzdata"} == THIRD_PARTY, "tzdata holds no code"


def test_every_declared_package_is_pinned() -> None:
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT.parent / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    assert pinned >= DECLARED


def test_only_the_store_opens_databases() -> None:
    openers = {m for m in MODULES if {"pysqlite3", "sqlite3", "evd.store.library"} & imports(m)}
    assert openers <= {
        "evd.store.library",
        "evd.store.database",
        "evd.store.sqlite",
        "evd.store.finding",
        "evd.readers",
    }
