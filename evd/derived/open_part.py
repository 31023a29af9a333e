"""Choose who rolls up the part that goes on: the Cython twin, if it is built, else the Python twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evd.derived._open_part_py import Counts, SavedPart

if TYPE_CHECKING:
    from evd.derived._open_part_py import OpenPart, RollupSum
else:
    try:
        from evd.derived._open_part import OpenPart, RollupSum
    except ImportError:
        from evd.derived._open_part_py import OpenPart, RollupSum

__all__ = ["Counts", "OpenPart", "RollupSum", "SavedPart"]
