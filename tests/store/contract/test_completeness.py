"""What the contract does not specify yet: each method, operation, limit and setting of a store occurs in a test here.

A scan of the tests' source: `queries.last(...)` counts as a call of `Queries.last`, for the names of `RECEIVERS`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import any_engine
import pytest
import ring_model

from evd.model import operations
from evd.model.operations import Operation
from evd.store.protocols import Database, DuePushes, EventState, WaitingMetadata
from evd.store.queries import Queries
from evd.store.settings import Limits, StoreSettings

HERE = Path(__file__)
SOURCES = [
    *(path for path in sorted(HERE.parent.glob("test_*.py")) if path != HERE),
    *(Path(module.__file__ or "") for module in (any_engine, ring_model)),
]

RECEIVERS: dict[type[Any], set[str]] = {
    Database: {"store", "open", "limit", "_opened", "_database"},
    DuePushes: {"due", "due_pushes"},
    EventState: {"state", "event_state"},
    WaitingMetadata: {"waiting", "waiting_metadata"},
    Queries: {"queries", "q"},
}
"""Protocol → the names by which the tests know one: a variable, an attribute, or a call that returns it."""

METHODS = [
    (protocol, name)
    for protocol in RECEIVERS
    for base in protocol.__mro__
    if base.__module__.startswith("evd.")
    for name in vars(base)
    if not name.startswith("_")
]


def all_of(kind: type[Any]) -> set[type[Any]]:
    return {sub for child in kind.__subclasses__() for sub in (child, *all_of(child))}


EXPORTED = {one for one in vars(operations).values() if isinstance(one, type)}
OPERATIONS = sorted(one.__name__ for one in all_of(Operation) & EXPORTED)

MAKERS = {"Arrive": "arrival"}
"""Operation → the helper by which the tests make it."""

UNSPECIFIED_SETTINGS = {"give_up_after_s", "stale_after_days"}
"""Only SQLite's views for people show what follows from them; the queries are given times."""


def nodes() -> Iterator[ast.AST]:
    for path in SOURCES:
        yield from ast.walk(ast.parse(path.read_text("utf-8")))


def name_of(node: ast.expr) -> str:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.Call():
            return name_of(node.func)
    return ""


@pytest.fixture(scope="module")
def attributes() -> set[tuple[str, str]]:
    """(receiver, attribute) of each use."""
    return {(name_of(node.value), node.attr) for node in nodes() if isinstance(node, ast.Attribute)}


@pytest.fixture(scope="module")
def keywords() -> set[str]:
    return {node.arg or "" for node in nodes() if isinstance(node, ast.keyword)}


@pytest.mark.parametrize(("protocol", "name"), METHODS, ids=lambda one: getattr(one, "__name__", one))
def test_each_method_is_called(protocol: type[Any], name: str, attributes: set[tuple[str, str]]) -> None:
    called = {receiver for receiver, attribute in attributes if attribute == name}
    assert called & RECEIVERS[protocol], f"no test of the contract calls {protocol.__name__}.{name}"


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_written(name: str) -> None:
    made = {name_of(node.func) for node in nodes() if isinstance(node, ast.Call)}
    assert (MAKERS.get(name, name)) in made, f"no test of the contract writes a {name}"


@pytest.mark.parametrize("name", Limits._fields)
def test_each_limit_is_reached(name: str, keywords: set[str]) -> None:
    by_name = {node.value for node in nodes() if isinstance(node, ast.Constant)}
    assert name in keywords | by_name, f"no test of the contract bounds {name}"


@pytest.mark.parametrize("name", sorted({*StoreSettings._fields} - {"limits"} - UNSPECIFIED_SETTINGS))
def test_each_setting_is_changed(name: str, keywords: set[str]) -> None:
    assert name in keywords, f"no test of the contract opens a database with another {name}"


def test_a_contract_test_knows_no_engine() -> None:
    """No SQL, no engine's module, no private name."""
    known = [
        f"{path.name}: {word}"
        for path in SOURCES
        for word in ("evd.store.sqlite", "SELECT ", "rows(database", "store._", "SqliteStore", "SqliteDatabase")
        if word in path.read_text("utf-8")
    ]
    assert known == []
