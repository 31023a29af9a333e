"""The operations of an OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of each."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "servers":
                yield method, path, operation
