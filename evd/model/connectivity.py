"""By which channel a status came."""

from __future__ import annotations

SIGFOX, WLAN = 1, 2
"""The original's app knows these two, and 0 for none."""
