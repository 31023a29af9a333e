"""A small ext4 of its own in a file, mounted through a loop device: it fills up, and its power can be cut."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def can_mount() -> bool:
    return os.geteuid() == 0 and Path("/dev/loop-control").exists() and shutil.which("mkfs.ext4") is not None


needs_loop_device = pytest.mark.skipif(
    not can_mount(), reason="mounting an ext4 from a file needs root, a loop device and mkfs.ext4"
)


def make(image: Path, mib: int) -> None:
    with image.open("wb") as file:
        file.truncate(mib << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    """`place`, where the file system of `image` is; a journal that a power cut left is applied."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def copy_as_after_a_power_cut(image: Path, copy: Path) -> None:
    """What the disk had been given: what is in the file system's own memory only is not in the image's file."""
    subprocess.run(["cp", "--sparse=always", str(image), str(copy)], check=True)
