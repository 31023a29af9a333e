"""What stands below the attributes of structs and typed dicts in the source, for the OpenAPI document."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec


def attribute_docs(types: Iterable[Any]) -> dict[str, dict[str, str]]:
    """Class name → attribute → its text, of all classes that the types reach."""
    found: dict[str, dict[str, str]] = {}
    for cls in _classes(msgspec.inspect.multi_type_info(types)):
        found[cls.__name__] = _docs(cls.__module__).get(cls.__name__, {})
    return found


def _classes(nodes: Iterable[Any]) -> Iterator[Any]:
    """Each once; msgspec describes types by structs, of which those of classes have `cls` and `fields`."""
    waiting, seen = list(nodes), set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting += node
        elif isinstance(node, msgspec.Struct) and id(node) not in seen:
            seen.add(id(node))
            if hasattr(node, "cls") and hasattr(node, "fields"):
                yield node.cls
            waiting += [getattr(node, name) for name in node.__struct_fields__]


@cache
def _docs(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: dict(_of_class(node)) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _of_class(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for attribute, text in pairwise(node.body):
        if (
            isinstance(attribute, ast.AnnAssign)
            and isinstance(attribute.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            yield attribute.target.id, " ".join(text.value.value.split())
