"""A process that may open only what its files' rights allow, also where tests run as root."""

from __future__ import annotations

import ctypes


def without_rights() -> None:
    """For `preexec_fn`: root may no more open what is not its own to open, as no other user may (capabilities(7))."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
