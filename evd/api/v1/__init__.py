"""The routes of `/api/v1`, a file a subject: its `routes`, or what its `blueprints()` gives. A new route is a file.

Each route has its row in `evd.auth.access.ACCESS`, which says who may use it: evd checks it before the route is called,
and does not start without it. A route whose vehicle is not in its path asks `evd.api.context.admitted`.
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
