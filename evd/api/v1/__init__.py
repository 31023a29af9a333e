"""The routes of `/api/v1`, a file a subject: its `routes`, or what its `blueprints()` gives. A new route is a file.

Each route asks `evd.api.context` who calls (`require_admin`, `require_user`, ...), or serves everybody;
`tests/test_architecture.py` finds one that does not ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from quart import Blueprint


def blueprints() -> Iterator[Blueprint]:
    """Of all files here, in the order of their names."""
    for found in iter_modules(__path__):
        module = import_module(f"{__name__}.{found.name}")
        yield from module.blueprints() if hasattr(module, "blueprints") else [module.routes]
