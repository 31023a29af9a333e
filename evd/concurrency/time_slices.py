"""Long work in short slices, so that the loop serves others between them: a job is a generator that yields often."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, TypeVar

import trio

from evd.errors import Unavailable

T = TypeVar("T")

SLICE_S = 0.005
"""Of work without a pause; while it lasts, the loop answers no one."""


class Slices:
    """Runs jobs one after the other, each slice in a step of the task `run`.

    `jobs_max` bounds the jobs that wait; `timer` returns seconds.
    """

    def __init__(self, *, jobs_max: int, timer: Callable[[], float] = time.perf_counter) -> None:
        self._jobs_max = jobs_max
        self._timer = timer
        self._jobs: deque[tuple[Generator[None, None, Any], Callable[[Callable[[], Any]], None]]] = deque()
        self._wake = trio.Event()

    def start(self, job: Generator[None, None, T], then: Callable[[Callable[[], T]], None]) -> None:
        """Begin a job, or queue it; at its end `then` gets a callable that returns its result or raises its error.

        A job without a pause ends before this returns. Raises Unavailable if too many wait.
        """
        if len(self._jobs) >= self._jobs_max:
            raise Unavailable("evd receives more than it can process: send it again later")
        if self._jobs or not _step(job, then):
            self._jobs.append((job, then))
            self._wake.set()

    async def run(self) -> None:
        """Work on the queued jobs until cancelled."""
        while True:
            self._wake = trio.Event()
            while self._jobs:
                end = self._timer() + SLICE_S
                while not (over := _step(*self._jobs[0])) and self._timer() < end:
                    pass
                if over:
                    self._jobs.popleft()
                await trio.lowlevel.checkpoint()
            await self._wake.wait()

    async def finished(self, job: Generator[None, None, T]) -> T:
        """The result of a job that the caller runs by itself, in slices. Raises what the job raises."""
        while True:
            end = self._timer() + SLICE_S
            try:
                next(job)
                while self._timer() < end:
                    next(job)
            except StopIteration as last:
                result: T = last.value
                return result
            await trio.lowlevel.checkpoint()


def _step(job: Generator[None, None, Any], then: Callable[[Callable[[], Any]], None]) -> bool:
    """Run to the next pause; whether the job has ended."""
    try:
        next(job)
    except StopIteration as last:
        then(partial(_given, last.value))
    except Exception as error:
        then(partial(_raised, error))
    else:
        return False
    return True


def _given(value: T) -> T:
    return value


def _raised(error: Exception) -> Any:
    raise error
