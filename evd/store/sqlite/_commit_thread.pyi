from typing import Any

from evd.store.sqlite import _commit_thread_py

class CommitThread(_commit_thread_py.CommitThread):
    def __init__(self, connection: Any, *, rows_max: int, close_timeout_s: float) -> None: ...
