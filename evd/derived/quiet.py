"""Choose who rolls up statuses that show nothing but numbers: the Cython twin, if it is built, else the Python twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evd.derived._quiet_py import Figures, rolled_up

if TYPE_CHECKING:
    from evd.derived._quiet_py import QuietStatuses
else:
    try:
        from evd.derived._quiet import QuietStatuses
    except ImportError:
        from evd.derived._quiet_py import QuietStatuses

__all__ = ["Figures", "QuietStatuses", "rolled_up"]
