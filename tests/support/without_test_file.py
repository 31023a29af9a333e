"""The modules that still have no test file of their name; `tests/test_architecture.py` says which ones need one.

A table that only shrinks: whoever writes the file deletes the name here. Each folder of evd has its line, and a blank
line after it, so that two who shorten it at once do not meet.
"""

from __future__ import annotations

_BY_FOLDER = """
cli:

derived: energy samples tariff

net/client: control_socket push_connection

net/server: asgi guarded_protocol handover http1_body http1_guard http1_head read_deadline

net: socket sse

push: composer delivery device_limits outcomes presence service stopped_phones trace

push/providers/fcm: answers credentials

store/sqlite: _packed_heads_py bulk database integrity ring_ahead ring_buckets ring_layout ring_leaving ring_order
    ring_overflow ring_repair ring_search ring_upkeep

store/sqlite/read: connections due_pushes event_state fleet

store/sqlite/tables: imports profiles radio
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
