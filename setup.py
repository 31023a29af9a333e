"""The Cython extensions, and the console's files compressed; everything else stands in pyproject.toml."""

from __future__ import annotations

import gzip
import os
import tarfile
from io import BytesIO
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

# What debuggers want to know holds the folder of the build, and no two builds were the same.
REPRODUCIBLE = "-g0"

CODEC = Extension(
    "evd._codec",
    ["evd/_codec.pyx"],
    depends=["evd/_codec_json.pxi"],
    # A fused multiply-add would round value * scale + offset differently from the Python twin.
    extra_compile_args=["-O3", REPRODUCIBLE, "-ffp-contract=off"],
)

FAST_PATH = Extension(
    "evd.ingest._fast_path",
    ["evd/ingest/_fast_path.pyx"],
    depends=["evd/ingest/_fast_path_json.pxi"],
    extra_compile_args=["-O3", REPRODUCIBLE],
)

COMMIT_THREAD = Extension(
    "evd.store.sqlite._commit_thread",
    ["evd/store/sqlite/_commit_thread.pyx"],
    depends=["evd/store/sqlite/_commit_thread_desk.pxi", "evd/store/sqlite/sqlite_table.h"],
    extra_compile_args=["-O2", REPRODUCIBLE, "-pthread"],
    extra_link_args=["-pthread"],
)

PACKED_HEADS = Extension(
    "evd.store.sqlite._packed_heads",
    ["evd/store/sqlite/_packed_heads.pyx"],
    extra_compile_args=["-O2", REPRODUCIBLE],
)

OPEN_PART = Extension(
    "evd.derived._open_part",
    ["evd/derived/_open_part.pyx"],
    depends=["evd/derived/_open_part_fields.pxi", "evd/derived/_open_part_spreads.pxi"],
    # As for the codec: the Python twin rounds after each operation.
    extra_compile_args=["-O3", REPRODUCIBLE, "-ffp-contract=off"],
)

SMALLER = {".js", ".css", ".svg", ".txt"}
"""Endings of the console's files that are compressed; as evd.web.assets.COMPRESSED."""


class BuildWithCompressedFiles(build_py):
    """A wheel has `.gz` and `.br` beside each of the console's files; an editable install has the files as they are."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        import brotli  # only wheels need it

        for path in sorted((Path(self.build_lib) / "evd/web/static").rglob("*")):
            if path.suffix in SMALLER:
                body = path.read_bytes()
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(body, 9, mtime=0))
                path.with_name(f"{path.name}.br").write_bytes(brotli.compress(body, quality=11))


class SourceArchive(sdist):
    """The archive of the same files is the same bytes: no time but SOURCE_DATE_EPOCH, no user, no order of a disk's."""

    def make_archive(self, *args: str, **options: str) -> str:
        path: str = super().make_archive(*args, **options)
        with tarfile.open(path) as archive:
            members = sorted(archive.getmembers(), key=lambda member: member.name)
            files = [(member, archive.extractfile(member)) for member in members]
            plain = BytesIO()
            with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as again:
                for member, file in files:
                    member.mtime = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
                    member.uid = member.gid = 0
                    member.uname = member.gname = ""
                    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
                    member.pax_headers = {}
                    again.addfile(member, file)
        Path(path).write_bytes(gzip.compress(plain.getvalue(), 9, mtime=0))
        return path


# With EVD_PURE=1 a wheel for every machine: the Python twins do what these do, more slowly.
COMPILED = [] if os.environ.get("EVD_PURE") == "1" else [CODEC, FAST_PATH, COMMIT_THREAD, PACKED_HEADS, OPEN_PART]

setup(
    cmdclass={"build_py": BuildWithCompressedFiles, "sdist": SourceArchive},
    ext_modules=cythonize(COMPILED) if COMPILED else [],
)
