"""The Cython extension; everything else stands in pyproject.toml."""

from Cython.Build import cythonize
from setuptools import Extension, setup

# A fused multiply-add would round value * scale + offset differently from the Python twin.
FLAGS = ["-O3", "-ffp-contract=off"]

setup(ext_modules=cythonize([Extension("evd._codec", ["evd/_codec.pyx"], extra_compile_args=FLAGS)]))
