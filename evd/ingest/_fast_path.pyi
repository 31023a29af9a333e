from collections.abc import Container

from evd.model.operations import Arrive
from evd.payload.formats import Format

class FastPath:
    def __init__(self, default: Format, assigned: Container[str]) -> None: ...
    def read(self, body: bytes, connectivity: int, now: int) -> Arrive | None: ...
