"""A wall clock that a test sets, for a real daemon: a library that stands before libc's, over a number in a file."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static volatile int64_t *offset_s;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("WALL_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at = file < 0 ? MAP_FAILED : mmap(0, sizeof *offset_s, PROT_READ, MAP_SHARED, file, 0);
    if (at != MAP_FAILED)
        offset_s = at;
}

int clock_gettime(clockid_t id, struct timespec *found)
{
    static int (*libc)(clockid_t, struct timespec *);
    if (!libc)
        libc = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = libc(id, found);
    if (!result && id == CLOCK_REALTIME && offset_s)
        found->tv_sec += *offset_s;
    return result;
}

int gettimeofday(struct timeval *restrict found, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    found->tv_sec = now.tv_sec;
    found->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *found)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (found)
        *found = now.tv_sec;
    return now.tv_sec;
}
"""


class WallClock:
    """`env` gives a process this clock; `set_behind` sets it, also while the process runs."""

    def __init__(self, directory: Path, *, behind_s: int = 0) -> None:
        source, library, self._offset = (directory / name for name in ("clock.c", "clock.so", "offset"))
        source.write_text(_SOURCE, "utf-8")
        subprocess.run(
            [os.environ.get("CC", "gcc"), "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True
        )
        self._offset.write_bytes(bytes(8))
        self.set_behind(behind_s)
        self.env = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(self._offset)}

    def set_behind(self, seconds: int) -> None:
        with self._offset.open("r+b") as file:
            file.write(struct.pack("=q", -seconds))
