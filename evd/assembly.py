"""From settings to parts: what the daemon is put together from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from evd.api.context import NoTokens, TokenVerifier
from evd.api.door import DoorLimits
from evd.auth import Key
from evd.config import Config, FormatSettings
from evd.connection import EdgeLimits
from evd.directory import Directory
from evd.dispatcher import Dispatcher
from evd.errors import FormatError
from evd.formats import Formats
from evd.log import log
from evd.place import Place
from evd.push import Pusher
from evd.status import for_app
from evd.store import Arrive
from evd.store.registry import Limits, Registered
from evd.store.sqlite import SqliteStore
from evd.writer import Writer


def open_store(place: Place, config: Config, *, pushes: bool) -> SqliteStore:
    def render(arrival: Arrive, phone: Registered) -> str:
        document = for_app(
            status_id=arrival.status_id,
            vehicle=phone.spelling,
            time=arrival.time,
            connectivity=arrival.connectivity,
            seq=arrival.seq,
            payload=arrival.payload,
            fields=orjson.loads(arrival.fields),
            whole_numbers=config.app.whole_numbers,
        )
        return orjson.dumps(document).decode()

    return SqliteStore(
        place.database,
        capacity=config.retention.statuses_per_vehicle,
        limits=Limits(
            rejected=config.ingest.rejected_rows_max,
            owners=config.app.owners_max,
            registrations=config.app.registrations_max,
            registrations_per_vehicle=config.app.registrations_per_vehicle,
            outbox=config.push.outbox_rows_max,
            notes_per_vehicle=config.sigfox.notes_per_vehicle,
            downlinks_per_vehicle=config.sigfox.downlinks_per_vehicle,
            downlinks=config.sigfox.downlinks_max,
        ),
        render=render if pushes else None,
        give_up_after_s=config.push.give_up_after_s,
        create_unknown=config.ingest.unknown_vehicle == "create",
        vehicles_max=config.ingest.vehicles_max,
    )


def directory(store: SqliteStore, formats: Formats) -> Directory:
    """What the loop is to know from the start; the database's formats join `formats`."""
    for name, grammar, fields in store.named_formats():
        try:
            formats.put(name, FormatSettings(grammar, orjson.loads(fields)))
        except FormatError as error:
            # Another evd took it. Its vehicles are decoded by the default format, as where a name is gone.
            log.error("a format of the database is refused: add it anew", format=name, reason=str(error))
    keys = [Key(*row) for row in store.living_keys()]
    return Directory(keys, store.own_formats(), store.type_formats(), formats)


def token_verifier(config: Config, env: Mapping[str, str]) -> TokenVerifier:
    """What checks ID tokens. firebase-admin is imported only where it is needed: that takes most of a second."""
    project = config.app.firebase_project
    credentials = _credentials(config, env)
    if not project and credentials is None:
        return NoTokens()
    from evd.push.credentials import load_service_account
    from evd.tokens import FirebaseTokens

    if not project and credentials is not None:
        project = load_service_account(credentials).project_id
    return FirebaseTokens(
        project,
        certs_url=config.app.id_token_certs,
        timeout_s=config.app.id_token_timeout_s,
        env_emulator=env.get("FIREBASE_AUTH_EMULATOR_HOST"),
    )


def _credentials(config: Config, env: Mapping[str, str]) -> Path | None:
    if config.push.credentials:
        return Path(config.push.credentials)
    folder = env.get("CREDENTIALS_DIRECTORY")
    passed = Path(folder) / "fcm.json" if folder else None
    return passed if passed and passed.exists() else None


def pusher(config: Config, env: Mapping[str, str]) -> Pusher | None:
    credentials = _credentials(config, env)
    if credentials is None:
        return None
    from evd.push.fcm import FcmPusher

    push = config.push
    return FcmPusher.from_file(
        credentials, push.endpoint, connections_max=push.connections_max, timeout_s=push.timeout_s
    )


def dispatcher(pusher: Pusher, store: SqliteStore, writer: Writer, config: Config) -> Dispatcher:
    push = config.push
    return Dispatcher(
        pusher,
        store,
        writer,
        in_flight_max=push.in_flight_max,
        rate_max=push.rate_max,
        ttl_s=push.ttl_s,
        priority="high" if push.priority == "high" else "normal",
        package=push.package or None,
    )


def edge_limits(config: Config) -> EdgeLimits:
    server = config.server
    return EdgeLimits(
        head_max=server.head_max_bytes,
        fields_max=server.fields_max,
        body_max=config.ingest.body_max_bytes,
        large_body_max=max(config.ingest.body_max_bytes, config.ingest.batch_body_max_bytes),
        connections_max=server.connections_max,
        head_s=server.head_timeout_s,
        body_s=server.body_timeout_s,
        answer_s=config.ingest.answer_timeout_s + 1.5,
        idle_s=server.idle_timeout_s,
        write_s=server.write_timeout_s,
        tls_hello_s=server.tls_hello_timeout_s,
        drain_s=server.drain_timeout_s,
    )


def door_limits(config: Config) -> DoorLimits:
    server = config.server
    return DoorLimits(
        head_max=server.head_max_bytes,
        fields_max=server.fields_max,
        body_max=config.ingest.body_max_bytes,
        large_body_max=max(config.ingest.body_max_bytes, config.ingest.batch_body_max_bytes),
        head_s=server.head_timeout_s,
        body_s=server.body_timeout_s,
        idle_s=server.idle_timeout_s,
        write_s=server.write_timeout_s,
        drain_s=server.drain_timeout_s,
    )
