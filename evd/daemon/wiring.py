"""From settings to parts: builds the parts of the daemon."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

import orjson

from evd.alarms.monitor import AlarmMonitor
from evd.alarms.readings import Readings, readings_of
from evd.alarms.senders import senders
from evd.api.authentication import NoTokens, TokenVerifier
from evd.auth.identities import Identities
from evd.auth.sessions import SessionLife
from evd.clock import Clock
from evd.concurrency.fair_queue import FairQueue
from evd.config.data_dir import DataDirectory
from evd.config.heartbeat import Heartbeat
from evd.config.settings import Config, FormatSettings
from evd.daemon.server_clock import ServerClock
from evd.errors import ConfigError, FormatError
from evd.events.engine import EventEngine
from evd.events.listening import listening_since
from evd.events.samples import Event
from evd.events.shown_by_app import SHOWS, clients
from evd.firebase.access import firebase_access
from evd.firebase.emulators import FIRESTORE, refuse_emulators
from evd.ingest.cache import IngestCache
from evd.ingest.request_policy import RequestPolicy
from evd.ingest.service import Ingest
from evd.ingest.unaccompanied_metadata import UnaccompaniedMetadata
from evd.log.logger import log
from evd.model.coarse import CoarseFor
from evd.model.daemon_state import DaemonState
from evd.model.operations import ORIGINAL, Client
from evd.model.place_privacy import PlacePrivacy
from evd.model.units import DAY_MS, DAY_S
from evd.net.addresses import Proxies
from evd.net.server.admission import Admission, AdmissionLimits
from evd.net.server.asgi import AsgiLimits
from evd.net.server.connection import EdgeLimits
from evd.net.server.http1_body import Allowance
from evd.payload.formats import Formats
from evd.push import providers
from evd.push.composer import Composer
from evd.push.dispatcher import Dispatcher, DispatchRules
from evd.push.fleet_targets import FleetTargets
from evd.push.protocols import FleetPusher, Pusher
from evd.push.providers.fcm.traits import service_account_file
from evd.push.service import PushService
from evd.push.stopped_phones import StoppedPhonesSearch
from evd.push.traits import ProviderTraits
from evd.store.engines import Engine
from evd.store.protocols import Database
from evd.store.settings import store_settings
from evd.store.writer import Writer
from evd.streaming.hub import StreamHub, StreamLimits

if TYPE_CHECKING:
    from evd.firebase.service import FirebaseService


def open_store(engine: Engine, data_dir: DataDirectory, config: Config, report: Callable[[str], None]) -> Database:
    """`report` is called with what takes long."""
    return engine.open(data_dir.database, store_settings(config, providers.target_kinds()), report)


def writer(store: Database, config: Config) -> Writer:
    ingest = config.ingest
    return Writer(
        store,
        queue_rows_max=ingest.queue_rows_max,
        queue_bytes_max=ingest.queue_bytes_max,
        batch_rows_max=ingest.batch_rows_max,
        answer_timeout_s=ingest.answer_timeout_s,
    )


def ingest(writer: Writer, directory: IngestCache, formats: Formats, config: Config, clock: Clock) -> Ingest:
    unzipped_max = config.ingest.body_max_bytes
    return Ingest(writer, directory, formats, settings=config.sigfox, clock=clock, unzipped_max=unzipped_max)


def directory(store: Database, formats: Formats) -> IngestCache:
    """What the loop caches from the start; the formats in the database are added to `formats`."""
    for name, grammar, fields in store.named_formats():
        try:
            formats.put(name, FormatSettings(grammar, orjson.loads(fields)))
        except FormatError as error:
            # Another version of evd accepted it. Its vehicles are decoded by the default format, as if it were removed.
            log.error("a format in the database is invalid: add it again", format=name, reason=str(error))
    known = store.living_keys(), store.own_formats(), store.type_formats()
    return IngestCache(*known, formats, ignored=store.ignored_vehicles(), aliases=store.aliases())


def token_verifier(config: Config, env: Mapping[str, str], *, dev: bool) -> TokenVerifier:
    """The checker of ID tokens. firebase-admin is imported only if needed: that takes most of a second.

    Raises ConfigError, also for an emulator's environment variable without `dev`.
    """
    found = env.get("FIREBASE_AUTH_EMULATOR_HOST")
    if found and not dev:  # also without a project, which may be set later
        raise ConfigError(
            "FIREBASE_AUTH_EMULATOR_HOST is set, so unsigned ID tokens would be accepted: remove it from the "
            "environment, or for development start `evd serve --dev`"
        )
    project = config.app.firebase_project
    service_account = service_account_file(config, env)
    if not project and service_account is None:
        return NoTokens()
    from evd.auth.firebase import FirebaseProject, FirebaseTokens
    from evd.push.providers.fcm.credentials import load_service_account

    if not project and service_account is not None:
        project = load_service_account(service_account).project_id
    return FirebaseTokens(
        FirebaseProject(
            project,
            config.app.id_token_certs,
            config.auth.firebase_endpoint,
            service_account if config.auth.check_revoked else None,
            config.app.id_token_timeout_s,
            found,
        )
    )


def firebase(
    config: Config,
    env: Mapping[str, str],
    writer: Writer,
    directory: IngestCache,
    places: PlacePrivacy,
    clock: Clock,
    *,
    dev: bool,
) -> FirebaseService | None:
    """None where neither the sync nor the mirror is set. Google's client is imported only if needed.

    Raises ConfigError, also for an emulator's environment variable without `dev`.
    """
    refuse_emulators(env, "evd serve --dev", dev=dev)
    if not (config.firebase.sync_seconds or config.firebase.mirror):
        return None
    access = firebase_access(config, env)
    from evd.firebase.service import FirebaseService

    def resolve(vehicle: str) -> str:
        return directory.aliases.get(vehicle, vehicle)

    return FirebaseService(access, config, writer, resolve, places, clock=clock)


def insecurities(config: Config, env: Mapping[str, str]) -> tuple[str, ...]:
    """What makes this evd insecure on purpose, as sentences for the log, statistics and the console."""
    found = []
    if config.app.trust_user_header:
        found.append("app.trust_user_header: whoever has the app's key may name any user, without a proof")
    if env.get(FIRESTORE):
        found.append(f"{FIRESTORE} and --dev: Firestore is an emulator, which asks for no proof")
    if env.get("FIREBASE_AUTH_EMULATOR_HOST"):
        found.append("FIREBASE_AUTH_EMULATOR_HOST and --dev: unsigned ID tokens are accepted")
    return tuple(found)


def identities(store: Database, writer: Writer, directory: IngestCache, config: Config, clock: Clock) -> Identities:
    """Sessions and access tokens; `directory` takes tokens for keys, too."""
    auth = config.auth
    life = SessionLife(idle_ms=auth.session_days * DAY_MS, longest_ms=auth.session_max_days * DAY_MS)
    found = Identities(store.living_sessions(), store.living_tokens(), life, clock=clock, submit=writer.submit)
    directory.keys.accept_tokens(found.token_of)
    return found


def unaccompanied_metadata(
    store: Database, writer: Writer, ingest: Ingest, config: Config, clock: Clock
) -> UnaccompaniedMetadata:
    return UnaccompaniedMetadata(
        *(store.waiting_metadata(), writer, ingest.reading, config.sigfox, ingest.outcomes),
        waiting_rows=lambda: store.waiting_rows,
        clock=clock,
    )


def place_privacy(store: Database, config: Config) -> PlacePrivacy:
    level = cast("CoarseFor", config.privacy.coarse_location)
    return PlacePrivacy(level, store.coarse_locations())


def pushing(
    opened: Sequence[tuple[ProviderTraits, Pusher]],
    store: Database,
    writer: Writer,
    places: PlacePrivacy,
    config: Config,
) -> PushService:
    push = config.push
    compose = Composer(config, places).compose
    dispatchers, fleet = [], []
    for traits, pusher in opened:
        rules = DispatchRules(
            in_flight_max=traits.in_flight_max(push),
            rate_max=push.rate_max,
            ramp_s=push.ramp_s,
            give_up_after_s=push.give_up_after_s,
            stale_after_s=push.stale_after_days * DAY_S,
        )
        pending = store.due_pushes(traits.serves)
        dispatchers.append(Dispatcher(pusher, traits, pending, writer, rules=rules, compose=compose))
        if traits.every_vehicle and isinstance(pusher, FleetPusher):
            fleet.append(FleetTargets(pusher, traits, pending, writer, compose))
    everything = store.due_pushes(kind.name for kind in providers.target_kinds())
    return PushService(dispatchers, everything, compose, fleet=fleet)


def stopped_phones_search(pushing: PushService | None, config: Config) -> StoppedPhonesSearch:
    return StoppedPhonesSearch(
        stale_ms=config.push.stale_after_days * DAY_MS,
        give_up_ms=config.push.give_up_after_s * 1000,
        hindered_until=pushing.hindered_until if pushing else None,
    )


def alarm_watch(data_dir: DataDirectory, config: Config, state: Callable[[], DaemonState]) -> AlarmMonitor:
    """Raises ConfigError if the alarm messages are configured only in part."""
    settings = config.alerts

    def read(now: int) -> Readings:
        return readings_of(state(), now, rejected_max=config.ingest.rejected_rows_max)

    ways = senders(settings, socket.gethostname())
    return AlarmMonitor(settings, read, data_dir.directory / "alarms.json", ways)


def live(config: Config) -> StreamHub:
    app = config.app
    bounds = StreamLimits(app.streams_max, app.streams_per_user, app.stream_queue_max, app.stream_queue_bytes_max)
    return StreamHub(bounds)


def ranges(config: Config) -> FairQueue[int]:
    app = config.app
    return FairQueue(range(app.ranges_max), each=app.ranges_per_user, waiting_max=app.ranges_max)


def lists(config: Config) -> FairQueue[int]:
    app = config.app
    return FairQueue(range(app.lists_max), each=app.lists_per_user, waiting_max=10 * app.lists_max)


def server_clock(data_dir: DataDirectory, config: Config) -> ServerClock:
    return ServerClock(Heartbeat(data_dir.directory / "alive").last(), trusted=config.server.trust_clock)


def shown_by_app(config: Config) -> Callable[[Event], tuple[Client, ...]]:
    """Raises ConfigError if a setting names a kind that no app shows by itself."""
    kinds: dict[Client, list[str]] = {ORIGINAL: config.events.shown_by_original, "v1": config.events.shown_by_v1}
    if unknown := sorted({kind for named in kinds.values() for kind in named} - set(SHOWS)):
        raise ConfigError(
            f"events.shown_by_original and events.shown_by_v1: no app shows {unknown[0][:40]!r} by itself: "
            f"use one of {', '.join(SHOWS)}, or none"
        )
    return partial(clients, possible=kinds, whole_numbers=config.app.whole_numbers)


def event_engine(data_dir: DataDirectory, store: Database, writer: Writer, config: Config, clock: Clock) -> EventEngine:
    listening = Heartbeat(data_dir.directory / "listening")
    before = listening.last()
    since = listening_since(Heartbeat(data_dir.directory / "alive").last(), before, clock())
    if since != (before or 0):
        try:
            listening.note(since)
        except OSError as error:
            log.warning("silences will count from the next start on: a file cannot be written", reason=str(error))
    return EventEngine(
        store.event_state(),
        writer,
        clock=clock,
        queue_max=config.events.queue_max,
        memories_max=config.events.memories_max,
        listening_since=since,
        shown_by_app=shown_by_app(config),
    )


def edge_limits(config: Config) -> EdgeLimits:
    server = config.server
    return EdgeLimits(
        head_max=server.head_max_bytes,
        fields_max=server.fields_max,
        body_max=config.ingest.body_max_bytes,
        head_s=server.head_timeout_s,
        body_s=server.body_timeout_s,
        answer_s=config.ingest.answer_timeout_s + 1.5,
        idle_s=server.idle_timeout_s,
        write_s=server.write_timeout_s,
        tls_hello_s=server.tls_hello_timeout_s,
        drain_s=server.drain_timeout_s,
    )


def asgi_limits(config: Config) -> AsgiLimits:
    server = config.server
    return AsgiLimits(
        head_max=server.head_max_bytes,
        fields_max=server.fields_max,
        body_max=config.ingest.body_max_bytes,
        head_s=server.head_timeout_s,
        body_s=server.body_timeout_s,
        idle_s=server.idle_timeout_s,
        write_s=server.write_timeout_s,
        drain_s=server.drain_timeout_s,
        answer_s=config.ingest.answer_timeout_s + 1.5,
    )


def request_policy(directory: IngestCache, identities: Identities, config: Config) -> RequestPolicy:
    """Who may send how much of a body, for both servers."""
    usual, batch = config.ingest.body_max_bytes, config.ingest.batch_body_max_bytes
    has_session = identities.has_session
    image = Allowance(max(usual, config.images.body_max_bytes), seconds=config.images.body_timeout_s)
    return RequestPolicy(directory.keys, has_session, body_max=usual, large_body_max=max(usual, batch), image=image)


def admission_limits(config: Config) -> AdmissionLimits:
    server = config.server
    return AdmissionLimits(
        server.connections_max, server.strangers_per_address, server.strangers_bytes_max, server.unfinished_bytes_max
    )


def admission(config: Config) -> Admission:
    """The admission of all connections, whichever address they arrive at. Raises ConfigError."""
    return Admission(admission_limits(config), Proxies(config.server.trusted_proxies))
