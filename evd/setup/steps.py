"""The kinds of steps. Each is a value; what it does to a machine is in `evd.setup.apply`."""

from __future__ import annotations

import msgspec


class Step(msgspec.Struct, frozen=True, tag=True):
    """`why` is for people."""

    why: str


class Directory(Step, frozen=True):
    path: str
    mode: int = 0o755
    group: str = "root"


class File(Step, frozen=True):
    """`content` stands at `path`; undone, what was there before stands there again."""

    path: str
    content: bytes
    mode: int = 0o644
    group: str = "root"


class Link(Step, frozen=True):
    path: str
    target: str


class Run(Step, frozen=True):
    """A command of the machine. `below_root` runs it for a root that is no running machine, None: it cannot.

    `{root}` in it is that root.
    """

    command: tuple[str, ...]
    below_root: tuple[str, ...] | None = None
    undo: tuple[str, ...] | None = None
    undo_below_root: tuple[str, ...] | None = None
    unless: str = ""
    """Not if this path exists."""
    if_changed: bool = False
    """Only if an earlier step of this run changed something."""
    env: dict[str, str] = {}


def shown(step: Step) -> str:
    """In a line, for the plan."""
    match step:
        case Directory():
            return f"directory {step.path} ({step.mode:o}, root:{step.group}): {step.why}"
        case File():
            return f"file {step.path} ({step.mode:o}, root:{step.group}): {step.why}"
        case Link():
            return f"link {step.path} → {step.target}: {step.why}"
        case Run():
            when = " (if something changed)" if step.if_changed else f" (unless {step.unless})" if step.unless else ""
            return f"run {' '.join(step.command)}{when}: {step.why}"
    raise TypeError(step)
