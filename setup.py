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

ORDINARY = Extension("evd._ordinary", ["evd/_ordinary.pyx"], extra_compile_args=["-O3", REPRODUCIBLE])

SCRIBE = Extension(
    "evd.store._scribe",
    ["evd/store/_scribe.pyx"],
    depends=["evd/store/sqlite_table.h"],
    extra_compile_args=["-O2", REPRODUCIBLE, "-pthread"],
    extra_link_args=["-pthread"],
)

setup(ext_modules=cythonize([CODEC, ORDINARY, SCRIBE]))
