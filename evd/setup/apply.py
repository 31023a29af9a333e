"""Do the steps, and undo them: below a root, which is `/` on a running machine. A file there says what was made."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from evd.errors import SetupError
from evd.setup.answers import MADE
from evd.setup.steps import Directory, File, Link, Run, Step

RUNS_S = 300.0
"""A command of the machine: certbot waits for Let's Encrypt, systemd for a start."""

Outcome = Literal["done", "already", "left out"]
Environment = Mapping[str, str]


class MadeStep(msgspec.Struct):
    """A step that changed something; `digest` is of the content that was written, `before` what stood there."""

    step: Directory | File | Link | Run
    digest: str = ""
    before: bytes | None = None


Machine = Callable[[tuple[str, ...], Mapping[str, str]], None]
"""Runs a command. Raises SetupError."""


def run(command: tuple[str, ...], env: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command, env={**os.environ, **env}, capture_output=True, text=True, timeout=RUNS_S, check=False
        )
    except FileNotFoundError:
        raise SetupError(f"{command[0]} is not here: install it, and run `evd setup` again") from None
    except subprocess.TimeoutExpired:
        raise SetupError(f"`{' '.join(command)}` did not end within {RUNS_S:.0f} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise SetupError(f"`{' '.join(command)}` failed: {said[-1] if said else f'exit {done.returncode}'}")


class Site:
    """The machine below `root`; `running` says whether it is the one that runs, with systemd."""

    def __init__(self, root: Path, *, running: bool, machine: Machine = run) -> None:
        self._root = root
        self._running = running
        self._machine = machine
        self._made = _read(self._at(MADE))
        self._changed = False

    def _at(self, path: str) -> Path:
        return self._root / path.lstrip("/")

    def apply(self, step: Step) -> Outcome:
        """Raises SetupError. Whatever was made up to then can be undone."""
        try:
            outcome = self._apply(step)
        except OSError as error:
            raise SetupError(f"{error.filename or step}: {error.strerror}: run it as root") from None
        if outcome == "done" and not isinstance(step, Run):
            self._changed = True
        return outcome

    def _apply(self, step: Step) -> Outcome:
        match step:
            case Directory():
                return self._directory(step)
            case File():
                return self._file(step)
            case Link():
                return self._link(step)
            case Run():
                return self._run(step)
        raise TypeError(step)

    def _directory(self, step: Directory) -> Outcome:
        path = self._at(step.path)
        new = not path.is_dir()
        path.mkdir(parents=True, exist_ok=True)
        if not self._fit(path, step.mode, step.group) and not new:
            return "already"
        if new:
            self._note(MadeStep(step))
        return "done"

    def _file(self, step: File) -> Outcome:
        path = self._at(step.path)
        before = path.read_bytes() if path.is_file() else None
        if before == step.content:
            return "done" if self._fit(path, step.mode, step.group) else "already"
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(step.content)
        self._fit(fresh, step.mode, step.group)
        known = next((one for one in self._made if _path(one.step) == step.path), None)
        kept = msgspec.structs.replace(step, content=b"")
        if known is None:
            self._note(MadeStep(kept, _digest(step.content), before))
        else:  # what stood there before the first setup is what comes back
            known.digest = _digest(step.content)
            self._keep()
        fresh.replace(path)
        return "done"

    def _fit(self, path: Path, mode: int, group: str) -> bool:
        """Give the path its mode and group; whether that changed anything."""
        found, gid = path.stat(), self._gid(group)
        fits = (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (mode, os.geteuid(), gid)
        if not fits:
            os.chown(path, os.geteuid(), gid)
            path.chmod(mode)
        return not fits

    def _gid(self, group: str) -> int:
        if group == "root":
            return os.getegid()
        for line in self._at("/etc/group").read_text("utf-8").splitlines():
            name, _, number, *_ = line.split(":")
            if name == group:
                return int(number)
        raise SetupError(f"there is no group {group} in {self._at('/etc/group')}: run `evd setup` as root")

    def _link(self, step: Link) -> Outcome:
        path = self._at(step.path)
        if path.is_symlink() and path.readlink() == Path(step.target):
            return "already"
        if path.exists() or path.is_symlink():
            raise SetupError(f"{path} is there already and is no link of evd's: move it away")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(step.target)
        self._note(MadeStep(step))
        return "done"

    def _run(self, step: Run) -> Outcome:
        command = self._command(step.command, step.below_root)
        if (
            command is None
            or (step.unless and self._at(step.unless).exists())
            or (step.if_changed and not self._changed)
        ):
            return "left out"
        self._machine(command, step.env)
        if (step.undo or step.undo_below_root) and not any(one.step == step for one in self._made):
            self._note(MadeStep(step))
        return "done"

    def _command(self, live: tuple[str, ...] | None, below: tuple[str, ...] | None) -> tuple[str, ...] | None:
        found = live if self._running else below
        return None if found is None else tuple(part.replace("{root}", str(self._root)) for part in found)

    # ---- what was made ----

    def _note(self, made: MadeStep) -> None:
        self._made.append(made)
        self._keep()

    def _keep(self) -> None:
        path = self._at(MADE)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(self._made))
        fresh.replace(path)

    @property
    def made(self) -> list[Step]:
        return [one.step for one in self._made]

    def undo(self) -> list[str]:
        """Undo all that setups made, the last first; returns a sentence for each thing that stays.

        Data, users' homes and files that somebody changed meanwhile stay. Raises SetupError.
        """
        kept: list[str] = []
        try:
            while self._made:
                kept += self._undo(self._made[-1])
                self._made.pop()
                self._keep()
            self._at(MADE).unlink(missing_ok=True)
            parent = self._at(MADE).parent
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()
        except OSError as error:
            raise SetupError(f"{error.filename}: {error.strerror}: run it as root") from None
        return kept

    def _undo(self, made: MadeStep) -> Iterable[str]:
        match made.step:
            case File():
                return self._undo_file(made, self._at(made.step.path))
            case Link():
                self._at(made.step.path).unlink(missing_ok=True)
            case Directory():
                path = self._at(made.step.path)
                left = [one for one in path.iterdir() if one != self._at(MADE)] if path.is_dir() else []
                if left:
                    return [f"{path} stays: there is more in it"]
                if path.is_dir() and path != self._at(MADE).parent:
                    path.rmdir()
            case Run():
                return self._undo_run(made.step)
        return ()

    def _undo_file(self, made: MadeStep, path: Path) -> Iterable[str]:
        if path.is_file() and _digest(path.read_bytes()) != made.digest:
            return [f"{path} stays: somebody has changed it"]
        if made.before is not None:
            path.write_bytes(made.before)
            return [f"{path} is as it was before"]
        path.unlink(missing_ok=True)
        return ()

    def _undo_run(self, step: Run) -> Iterable[str]:
        command = self._command(step.undo, step.undo_below_root)
        if command is None:
            return ()
        if command[0] == "userdel" and self._at("/var/lib/evd").exists():
            return [f"the user evd stays, for the data in {self._at('/var/lib/evd')} are its own"]
        try:
            self._machine(command, {})
            if command[0] == "userdel" and "\nevd:" in self._at("/etc/group").read_text("utf-8"):
                self._machine(("groupdel", *command[1:]), {})  # userdel leaves a group that has a number of its own
        except SetupError as error:
            return [str(error)]
        return ()


def _path(step: object) -> str | None:
    return step.path if isinstance(step, File) else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> list[MadeStep]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[MadeStep])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError) as error:
        raise SetupError(
            f"{path} cannot be read ({type(error).__name__}): run it as root, or move the file away"
        ) from None
