"""The modules that still have no test file of their name; `tests/test_architecture.py` says which ones need one.

A table that only shrinks: whoever writes the file deletes the name here. Each folder of evd has its line, and a blank
line after it, so that two who shorten it at once do not meet.
"""

from __future__ import annotations

_BY_FOLDER = """
derived: energy samples tariff

push: composer delivery device_limits outcomes presence service
"""


def _modules(text: str) -> frozenset[str]:
    """`evd.room.module` of each name."""
    found, folder = set(), ""
    for word in text.split():
        if word.endswith(":"):
            folder = word.removesuffix(":").replace("/", ".")
        else:
            found.add(f"evd.{folder}.{word}")
    return frozenset(found)


WITHOUT_TEST_FILE = _modules(_BY_FOLDER)
