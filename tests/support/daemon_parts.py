"""The parts of a daemon, built for real in a directory of the test and not started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from evd.config.data_dir import DataDirectory
from evd.config.settings import Config
from evd.daemon.parts import Parts, build
from evd.store.engines import DEFAULT

BuildParts = Callable[..., Parts]


@contextmanager
def parts_in(directory: Path) -> Iterator[BuildParts]:
    """A function `parts_of(outward=…, env=…, dev=…, push={…}, …)`: the parts with these settings; closed at the end."""
    built: list[Parts] = []

    def make(*, outward: bool = True, env: Any = None, dev: bool = False, **sections: Any) -> Parts:
        config = msgspec.convert(sections, Config)
        data_dir = DataDirectory(directory)
        made = build(
            data_dir, config, env=env or {}, outward=outward, engine=DEFAULT, report=lambda doing: None, dev=dev
        )
        built.append(made)
        return made

    try:
        yield make
    finally:
        for parts in built:
            if parts.events:
                parts.events.close()
            parts.store.close()
