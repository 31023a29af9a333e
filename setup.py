"""The Cython extension; everything else stands in pyproject.toml."""

from Cython.Build import cythonize
from setuptools import Extension, setup

CODEC = Extension(
    "evd._codec",
    ["evd/_codec.pyx"],
    depends=["evd/_codec_json.pxi"],
    # A fused multiply-add would round value * scale + offset differently from the Python twin.
    extra_compile_args=["-O3", "-ffp-contract=off"],
)

setup(ext_modules=cythonize([CODEC]))
