"""A watchdog of trio's loop: which task held it for longer than it may.

Run as a program it is `evd` with the watchdog, which writes a line of JSON to stderr for each step that was too long.
What counts is the processor's time of the loop's own thread: a busy machine makes nobody guilty. With LOOP_STACKS in
the environment it writes where such a step is, too.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import trio

HELD_MAX_S = 0.05
"""Nothing of evd may hold the loop for longer."""

HELD = "the loop was held"


class LoopWatchdog(trio.abc.Instrument):
    """Calls `bark` with the task's name and the seconds that one step of it took, where these are too many."""

    def __init__(self, bark: Callable[[str, float], None], *, held_max_s: float = HELD_MAX_S) -> None:
        self._bark = bark
        self._held_max_s = held_max_s
        self._began = time.thread_time()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._began = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        held_s = time.thread_time() - self._began
        if held_s > self._held_max_s:
            self._bark(task.name, held_s)

    def watch_stacks(self) -> None:
        """Write the stack of a step that is too long while it lasts, for whoever looks for its cause."""

        def look(_: int, frame: Any) -> None:
            if time.thread_time() - self._began > self._held_max_s:
                sys.stderr.write("".join(traceback.format_stack(frame)[-8:]) + "\n")

        signal.signal(signal.SIGVTALRM, look)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.01, 0.01)
        atexit.register(signal.setitimer, signal.ITIMER_VIRTUAL, 0)


def _write(task: str, held_s: float) -> None:
    print(json.dumps({"event": HELD, "task": task, "cpu_ms": round(held_s * 1000, 1)}), file=sys.stderr, flush=True)


def _main() -> None:
    from evd.cli import STARTING_GC_THRESHOLD, main

    gc.set_threshold(STARTING_GC_THRESHOLD)
    from evd.daemon import garbage_collector as collector

    settle = collector.settle

    def settle_and_watch() -> None:
        """Once the daemon is ready: a start may take its time."""
        settle()
        watchdog = LoopWatchdog(_write)
        trio.lowlevel.add_instrument(watchdog)
        if "LOOP_STACKS" in os.environ:
            watchdog.watch_stacks()

    collector.settle = settle_and_watch
    main()


if __name__ == "__main__":
    _main()
