from typing import Any

from evd.store.sqlite import _scribe_py

class Scribe(_scribe_py.Scribe):
    def __init__(self, connection: Any, *, rows_max: int, close_timeout_s: float) -> None: ...
