"""Choose who rolls up the part that goes on: the Cython twin, if it is built, else the Python twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evd.derived._open_part_py import OpenPart
else:
    try:
        from evd.derived._open_part import OpenPart
    except ImportError:
        from evd.derived._open_part_py import OpenPart

__all__ = ["OpenPart"]
