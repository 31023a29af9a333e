from collections.abc import Container

from evd.formats import Format
from evd.store import Arrive

class Shortcut:
    def __init__(self, default: Format, assigned: Container[str]) -> None: ...
    def read(self, body: bytes, connectivity: int, now: int) -> Arrive | None: ...
