"""The Cython extensions; everything else stands in pyproject.toml."""

from Cython.Build import cythonize
from setuptools import Extension, setup

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

OPEN_PART = Extension(
    "evd.derived._open_part",
    ["evd/derived/_open_part.pyx"],
    # As for the codec: the Python twin rounds after each operation.
    extra_compile_args=["-O3", REPRODUCIBLE, "-ffp-contract=off"],
)

setup(ext_modules=cythonize([CODEC, FAST_PATH, COMMIT_THREAD, OPEN_PART]))
