"""The modules that still have no test file of their name; `tests/test_architecture.py` says which ones need one.

A table that only shrinks: whoever writes the file deletes the name here. Each folder of evd has its line, and a blank
line after it, so that two who shorten it at once do not meet.
"""

from __future__ import annotations

_BY_FOLDER = """
alarms: mail phone_alarms readings silence state webhook

api: attribute_docs authentication callbacks conditional console context cors documentation named_vehicles ranges
    rates replies shown_places status_rows status_stream times vehicle_documents vehicle_rows

api/v1: admin downlinks events formats imports profiles pushes redecode registrations_import sequence statuses tokens
    users

auth: access access_tokens certificates csrf guess_limit identities invitations password_guesses secret_texts

backup: archive manifest restoring settings_text taking

cli: backup doctor event export fake_fcm images import_dynamodb import_sending interruption keys life manual owners
    push redecode registrations rejected reload serve setup sharing sigfox stats tariff tokens usage vehicles watch

concurrency: fair_queue single_flight

config: contradictions names settings

daemon: background clock_watch file_identity listening maintenance parts previous_exit process servers
    startup_progress state_reporter wiring

derived: energy samples tariff

dev/fake_fcm: behaviours

dev: load traffic

doctor: data finding machine outside place trust

events: confirmation known_vehicles memory recorder shown_by_app texts

firebase: access emulators pictures sync

images: files kinds

ingest: status_list treatment

log: sink

model: daemon_state event_settings geo plain_text profile tags

net/client: control_socket push_connection

net/server: asgi guarded_protocol handover http1_body http1_guard http1_head read_deadline

net: socket sse

payload: field_options types

push: composer delivery device_limits outcomes presence service stopped_phones trace

push/providers/fcm: answers credentials

redaction: names shapes text

request: gzip_body line_pattern redacted

setup: apply plan steps texts

sigfox: json_faults line_variables near_names routes

sigfox_api/diagnose: verdicts

sigfox_api: pages

store: group_commit receipt stall upkeep vehicle_records writer_health

store/sqlite: _packed_heads_py bulk database integrity ring_ahead ring_buckets ring_layout ring_leaving ring_order
    ring_overflow ring_repair ring_search ring_upkeep

store/sqlite/read: connections due_pushes event_state fleet

store/sqlite/tables: imports profiles radio

transfer: pages summary writers
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
