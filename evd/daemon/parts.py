"""The parts of a daemon, built from a directory and its configuration, and not yet started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evd.api.authentication import NoTokens, TokenVerifier
from evd.auth.guess_limit import GuessLimit
from evd.auth.identities import Identities
from evd.clock import steady_ms
from evd.config.data_dir import DataDirectory
from evd.config.settings import Config
from evd.daemon import wiring
from evd.daemon.loop_lag import LoopLag
from evd.daemon.server_clock import ServerClock
from evd.events.engine import EventEngine
from evd.images.library import ImageLibrary
from evd.ingest.cache import IngestCache
from evd.ingest.request_policy import RequestPolicy
from evd.ingest.service import Ingest
from evd.ingest.unaccompanied_metadata import UnaccompaniedMetadata
from evd.model.place_privacy import PlacePrivacy
from evd.net.server.admission import Admission
from evd.net.server.counters import ServerCounters
from evd.payload.formats import Formats
from evd.push import providers
from evd.push.service import PushService
from evd.push.stopped_phones import StoppedPhonesSearch
from evd.store.engines import ENGINES
from evd.store.protocols import Database
from evd.store.writer import Writer
from evd.streaming.hub import StreamHub

if TYPE_CHECKING:
    from evd.firebase.service import FirebaseService


class Parts(NamedTuple):
    """`pushing` is None where no provider is set up, `events` where no part connects to other systems."""

    data_dir: DataDirectory
    config: Config
    outward: bool
    """Whether parts connect to other systems; else evd runs for one command only."""
    formats: Formats
    tokens: TokenVerifier
    insecure: Sequence[str]
    """What makes this evd insecure on purpose, as sentences."""
    files: Mapping[str, Path]
    """The engine's (`evd.store.engines.Engine.files`)."""
    store: Database
    directory: IngestCache
    identities: Identities
    admission: Admission
    request_policy: RequestPolicy
    live: StreamHub
    writer: Writer
    clock: ServerClock
    ingest: Ingest
    unaccompanied_metadata: UnaccompaniedMetadata
    pushing: PushService | None
    places: PlacePrivacy
    images: ImageLibrary
    stopped_phones: StoppedPhonesSearch
    events: EventEngine | None
    firebase: FirebaseService | None
    """None where neither its sync nor its mirror is set."""
    lag: LoopLag
    counters: ServerCounters


def build(
    data_dir: DataDirectory,
    config: Config,
    *,
    env: Mapping[str, str],
    outward: bool,
    engine: str,
    report: Callable[[str], None],
    dev: bool = False,
) -> Parts:
    """`engine` is a name in `evd.store.engines.ENGINES`. With `dev`, what must not be in production is accepted.

    Raises EvdError for a refused setting or database.
    """
    formats = Formats(config.formats, config.ingest.default_format)
    tokens = wiring.token_verifier(config, env, dev=dev) if outward else NoTokens()
    opened = providers.opened(config, env) if outward else []
    store = wiring.open_store(ENGINES[engine], data_dir, config, report)
    if outward:
        store.preallocate()
    directory = wiring.directory(store, formats)
    directory.keys.limit(GuessLimit(steady_ms))
    writer = wiring.writer(store, config)
    clock = wiring.server_clock(data_dir, config)
    identities = wiring.identities(store, writer, directory, config, clock)
    ingest = wiring.ingest(writer, directory, formats, config, clock)
    live = wiring.live(config)
    places = wiring.place_privacy(store, config)
    pushing = wiring.pushing(opened, store, writer, places, config) if opened else None
    events = wiring.event_engine(data_dir, store, writer, config, clock) if outward else None
    firebase = wiring.firebase(config, env, writer, directory, places, clock, dev=dev) if outward else None
    writer.observers += [
        observer
        for observer in (directory, identities, places, live, pushing, events, firebase)
        if observer is not None
    ]
    return Parts(
        data_dir=data_dir,
        config=config,
        outward=outward,
        formats=formats,
        tokens=tokens,
        insecure=wiring.insecurities(config, env) if outward else (),
        files=ENGINES[engine].files(data_dir.database),
        store=store,
        directory=directory,
        identities=identities,
        admission=wiring.admission(config),
        request_policy=wiring.request_policy(directory, identities, config),
        live=live,
        writer=writer,
        clock=clock,
        ingest=ingest,
        unaccompanied_metadata=wiring.unaccompanied_metadata(store, writer, ingest, config, clock),
        pushing=pushing,
        places=places,
        images=ImageLibrary(data_dir.images, config.images),
        stopped_phones=wiring.stopped_phones_search(pushing, config),
        events=events,
        firebase=firebase,
        lag=LoopLag(),
        counters=ServerCounters(),
    )
