"""Parse a request into a transaction: by its shape, its kind, and its vehicle's format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any, NamedTuple

import msgspec

from evd.auth.api_keys import foreign_vehicle
from evd.config.settings import SigfoxSettings
from evd.errors import BadRequest, ConfigError, Forbidden
from evd.ingest.cache import IngestCache
from evd.ingest.fast_path import FastPath
from evd.ingest.status_list import ListTransaction
from evd.ingest.transaction import (
    BadLine,
    BatchTransaction,
    Callback,
    CallbackTransaction,
    GoodLine,
    Transaction,
    data_callback,
)
from evd.ingest.treatment import treated
from evd.log.logger import log
from evd.model.connectivity import SIGFOX, WLAN
from evd.model.json_bytes import json_bytes
from evd.model.operations import Arrive
from evd.model.status import AHEAD, AHEAD_MS, ALONE, canonical, identity
from evd.payload.formats import Format, Formats
from evd.redaction.names import ALWAYS, from_length
from evd.redaction.requests import MASK, MaskingRule, masked, masked_bytes, masked_line, refused, unmasked
from evd.request.body import BATCH_NAMES, LinePattern, read_batch, read_document, read_list
from evd.request.http import Request
from evd.request.redacted import batch_without_secrets, without_secrets
from evd.sigfox.decode_findings import DecodeFindings
from evd.sigfox.decode_policy import decode
from evd.sigfox.kind_recognition import kind_of, said_kind
from evd.sigfox.kinds.advanced import said_by_message
from evd.sigfox.kinds.registry import DATA_KINDS, KINDS, UPLINK
from evd.sigfox.message import PAYLOAD_NAMES, SEQ_NAMES, TIME_NAMES, VEHICLE_NAMES, Message, first_of, read_message
from evd.sigfox.name_paths import NamePaths
from evd.sigfox.network_reports import report
from evd.sigfox.routes import ANY, BATCH, Route

ITEMS_MAX = 1_000
"""Statuses of one list. The body's bound admits some more; a vehicle that is off line makes one every few minutes."""

ITEMS_AT_ONCE = 8
"""Statuses of a list that are read between two pauses: 1 ms."""

_BAD_BODY = "Body parsing error"

LINES_AT_ONCE = 32
"""Lines of a batch that are read between two pauses: 2 ms at most."""

#: Values of the header by which the original's clients name their channel; it takes precedence over the route.
CHANNELS = {b"sigfox": SIGFOX, b"network": WLAN}


class _Batches(NamedTuple):
    """How a batch is written."""

    pattern: LinePattern
    lines_max: int
    plain: bool
    """No line has a variable that the fast path does not know."""

    @classmethod
    def of(cls, settings: SigfoxSettings) -> _Batches:
        pattern = LinePattern.parse(settings.batch_pattern)
        return cls(pattern, settings.batch_lines_max, _PLAIN.issuperset(pattern.names))


class Parser:
    """Reads requests, without waiting for anything. Raises ConfigError for an invalid line pattern or name mapping."""

    def __init__(
        self, directory: IngestCache, formats: Formats, settings: SigfoxSettings, outcomes: Counter[str]
    ) -> None:
        self._directory = directory
        self._formats = formats
        self._outcomes = outcomes
        self.findings = DecodeFindings()
        self._fast_path = FastPath(formats.default, directory.special)
        self._batches = _Batches.of(settings)
        self._names = {name: NamePaths(f"sigfox.names.{name}", paths) for name, paths in settings.names.items()}
        for name in self._names.keys() - _NAMED:
            raise ConfigError(f"sigfox.names.{name} is of no route: one of {', '.join(sorted(_NAMED))} is needed")
        # No fast path if the route leaves the kind open: it skips the variables that mark a DATA_ADVANCED.
        self._data_routes = DATA_KINDS - {UPLINK if name == _OF_WLAN else name for name in self._names}
        self._waits = settings.advanced_waits_s > 0
        self._alone = frozenset(one.lower() for one in settings.advanced_alone)
        self._patterns = {kind: LinePattern.parse(text) for kind, text in settings.text_patterns.items()}

    def ordinary(self, request: Request, route: Route, now: int) -> Arrive | None:
        """The arrival if the request is an ordinary callback, as most are (evd.ingest.fast_path); else None."""
        if request.query or route.kind not in self._data_routes or request.method == "GET":
            return None
        return self._quickly(request.body, channel(request, route), now)

    def without_secrets(self, request: Request, route: Route) -> Request:
        """The request with its secrets masked, to be read and kept."""
        if route.kind == BATCH:
            return batch_without_secrets(request, self._batches.pattern)
        return without_secrets(request, self._text_pattern(route))

    def rule_of_refused(self) -> MaskingRule:
        """The rule that masks secrets in refused requests; the fields of formats are not secrets."""
        formats = (self._formats.default, *(one.compiled for one in self._formats.named().values()))
        return refused(frozenset(BATCH_NAMES).union(*(one.names for one in formats)))

    def _text_pattern(self, route: Route) -> LinePattern | None:
        return self._patterns.get(route.kind or "callback")

    def work(self, request: Request, route: Route, now: int, *, live: bool = True) -> Transaction:
        """The transaction of a request with one callback; pass the request through `without_secrets` first.

        `live` is false for a replay: its device no longer listens. Raises BadRequest.
        """
        variables = read_document(
            method=request.method,
            headers=request.headers,
            query=request.query,
            body=request.body,
            pattern=self._text_pattern(route),
        )
        as_received = request.body.lstrip()[:1] == b"{" and not request.query
        names = self._names.get(_name(route))
        if names is not None:
            variables, as_received = names.read(variables), False
        if route.vehicle and first_of(variables, VEHICLE_NAMES) is None and masked(route.vehicle) == route.vehicle:
            variables, as_received = {**variables, VEHICLE_NAMES[1]: route.vehicle}, False
        document = request.body if as_received else json_bytes(variables)
        callback = self.callback(route.kind, variables, channel(request, route), document, now, live=live)
        return CallbackTransaction(request, callback, self.rule_of_refused)

    def callback(
        self, kind: str, variables: dict[str, Any], connectivity: int, document: bytes, now: int, *, live: bool
    ) -> Callback:
        """Read one callback of this kind, or of the kind that its variables show. Raises BadRequest.

        `document` is kept with it: the body as received, or its variables as JSON. If it is not `live`, its device no
        longer listens and is offered no downlink.
        """
        read = self._callback(kind, variables, connectivity, document, now, live=live)
        return treated(read, self._directory) if read.vehicle in self._directory.special else read

    def _callback(
        self, kind: str, variables: dict[str, Any], connectivity: int, document: bytes, now: int, *, live: bool
    ) -> Callback:
        left_out: tuple[str, ...] = ()
        if MASK in variables.values():
            left_out = _masked_names(variables)
            variables = unmasked(variables)
        kind = kind or kind_of(variables)
        if kind in DATA_KINDS:
            message = read_message(variables)
            arrival = self._arrival(message, connectivity, document, now)
            radio = said_by_message(variables, arrival)
            more = () if radio is None else (radio,)
            return data_callback(kind, arrival, more, asks=live and message.asks, left_out=left_out)
        found = report(kind, variables, now=now, raw=document)
        if KINDS[kind].repeats_message and self._comes_alone(variables):
            return data_callback(
                kind, self.alone(variables, document, now), found.operations, asks=False, left_out=left_out
            )
        return Callback(kind, found.vehicle, found.vehicle, found.report_id, found.operations, left_out=left_out)

    def alone(self, variables: dict[str, Any], document: bytes, now: int) -> Arrive:
        """The message that a DATA_ADVANCED repeats, as a status of its own. Raises BadRequest."""
        arrival = self._arrival(read_message(unmasked(variables)), SIGFOX, document, now)
        vehicle = self._directory.aliases.get(arrival.vehicle, arrival.vehicle)
        return msgspec.structs.replace(arrival, vehicle=vehicle, flags=f"{arrival.flags} {ALONE}".strip())

    def _comes_alone(self, variables: dict[str, Any]) -> bool:
        """Whether evd does not wait for the DATA of this DATA_ADVANCED."""
        types = self._alone
        if not self._waits or "*" in types or said_kind(variables) in DATA_KINDS:
            return True
        return bool(types) and str(variables.get("deviceTypeId", "")).lower() in types

    def statuses(
        self, request: Request, route: Route, now: int, *, only: frozenset[str] | None = None, live: bool = True
    ) -> Generator[None, None, Transaction]:
        """The transaction of a list of statuses; statuses of vehicles that are not in `only` are refused.

        It pauses every few statuses. Raises BadRequest if the body is not a list, or if the list is too long.
        """
        items = read_list(request.body)
        if len(items) > ITEMS_MAX:
            raise BadRequest(f"the list has {len(items)} statuses: at most {ITEMS_MAX} are allowed", error=_BAD_BODY)
        rule = self.rule_of_refused()
        good: list[GoodLine] = []
        bad: list[BadLine] = []
        for number, item in enumerate(items, 1):
            if not number % ITEMS_AT_ONCE:
                yield
            document = json_bytes(item)
            try:
                callback = self._item(item, route, document, channel(request, route), now)
                if only is not None and callback.vehicle not in only:
                    raise foreign_vehicle(only)
                good.append(GoodLine(number, document.decode(), callback))
            except (BadRequest, Forbidden) as refusal:
                text = masked_bytes(document, rule).decode()
                bad.append(BadLine(number, text, refusal.with_traceback(None)))
        return ListTransaction(request, good, bad, now, rule, keep=live)

    def _item(self, item: Any, route: Route, document: bytes, connectivity: int, now: int) -> Callback:
        if type(item) is not dict:
            raise BadRequest("a status must be a JSON object", error=_BAD_BODY)
        names = self._names.get(_name(route))
        if names is not None:
            item = names.read(item)
            document = json_bytes(item)
        return self.callback(route.kind, item, connectivity, document, now, live=False)

    def batch(self, request: Request, now: int, *, live: bool = True) -> Generator[None, None, Transaction]:
        """The transaction of a request with one callback on each line. Raises BadRequest.

        It pauses every few lines: ten thousand take up to half a second. If it is not `live` (see `work`), it is a
        replay, whose bad lines are kept already.
        """
        lines = read_batch(
            headers=request.headers,
            query=request.query,
            body=request.body,
            pattern=self._batches.pattern,
            lines_max=self._batches.lines_max,
        )
        rule = self.rule_of_refused()
        good: list[GoodLine] = []
        bad: list[BadLine] = []
        for number, text, variables in lines:
            if not number % LINES_AT_ONCE:
                yield
            try:
                if isinstance(variables, BadRequest):
                    raise variables
                good.append(GoodLine(number, text, self._line(variables, now, live)))
            except BadRequest as refusal:
                # Without the traceback, which keeps every frame alive: ten thousand would burden the garbage collector.
                bad.append(BadLine(number, masked_line(text, rule), refusal.with_traceback(None)))
        if not good:
            first = f"; line {bad[0].number}: {bad[0].refusal.detail}" if bad else ""
            raise BadRequest(f"no line of the batch can be read{first}", error="Body parsing error")
        if len(good) >= LINES_AT_ONCE:
            yield  # the transaction of a long batch takes some milliseconds, and the store's first slice follows
        return BatchTransaction(request, good, bad, now, rule, keep=live)

    def _line(self, variables: dict[str, Any], now: int, live: bool) -> Callback:
        document = json_bytes(variables)
        arrival = self._fast_path.read(document, SIGFOX, now) if self._batches.plain else None
        if arrival is not None:
            return data_callback(UPLINK, arrival, asks=False)
        return self.callback(ANY, variables, SIGFOX, document, now, live=live)

    def _quickly(self, body: bytes, connectivity: int, now: int) -> Arrive | None:
        """Try the fast path, which supports neither downlinks nor device types."""
        if b'"ack"' in body or (self._directory.type_formats and b"deviceTypeId" in body):
            return None
        return self._fast_path.read(body, connectivity, now)

    def _arrival(self, message: Message, connectivity: int, document: bytes, now: int) -> Arrive:
        decoded = decode(message, self._format_of(message), self._formats.default, connectivity)
        if decoded.unexplained:
            self.findings.unexplained_by(message.vehicle, decoded.unexplained)
        if message.unreplaced:
            self._report_unreplaced(message)
        content = message.payload if message.payload is not None else canonical(message.fields)
        # Callbacks have seconds, Sigfox's REST API ms; the same message must get the same id from either.
        time = message.time - message.time % 1000 if connectivity == SIGFOX else message.time
        timely = time <= now + AHEAD_MS
        flags = " ".join(flag for flag in ("" if timely else AHEAD, decoded.flags) if flag)
        return Arrive(
            status_id=identity(message.kind, message.vehicle, time, message.seq, content),
            vehicle=message.vehicle,
            spelling=message.spelling,
            time=time,
            seq=message.seq,
            timely=timely,
            connectivity=connectivity,
            payload=message.payload,
            fields=decoded.fields,
            document=document,
            received=now,
            flags=flags,
        )

    def _report_unreplaced(self, message: Message) -> None:
        names = self.findings.pending(message.unreplaced)
        if names:
            log.warning(
                "a callback's variables were not replaced, so they are no values: Sigfox replaces its own, and "
                "{customData#NAME} where the device type's payload config has NAME",
                names=[name[:NAME_SHOWN] for name in names],
                vehicle=message.vehicle,
            )

    def _format_of(self, message: Message) -> Format | None:
        assigned = self._directory.format_for(message.vehicle, message.device_type)
        if assigned is None:
            return None
        try:
            return self._formats.find(assigned)
        except ConfigError:
            # The format is missing from evd.toml: a status by the default format is better than none.
            self._outcomes["format missing"] += 1
            return None


def _masked_names(variables: dict[str, Any]) -> tuple[str, ...]:
    """Names of masked variables that evd would have read. Raises BadRequest if a required one is masked."""
    masked = [name for name, value in variables.items() if value == MASK and from_length(name) != ALWAYS]
    needed = next((name for name in masked if name in _ENVELOPE), None)
    if needed is not None:
        raise BadRequest(f"{needed} looked like a secret and is masked, but it is needed: have the callback sent again")
    return tuple(masked)


_ENVELOPE = frozenset({*VEHICLE_NAMES, *TIME_NAMES, *PAYLOAD_NAMES, *SEQ_NAMES})

NAME_SHOWN = 64
"""Characters of a variable's name in the daemon's log."""

_OF_WLAN = "wlan"
_NAMED = frozenset({*KINDS, _OF_WLAN, "callback"})
"""Routes for which `[sigfox.names]` may map variables."""
#: Lines with these variables only are messages, and the fast path can read them.
_PLAIN = frozenset({*VEHICLE_NAMES, *TIME_NAMES, *PAYLOAD_NAMES, *SEQ_NAMES, "station", "snr", "rssi", "avgSnr"})


def _name(route: Route) -> str:
    """The route's name in settings."""
    return _OF_WLAN if route.connectivity == WLAN else route.kind or "callback"


def channel(request: Request, route: Route) -> int:
    """The channel by which a request came."""
    named = request.headers.get(b"connectivitymethod")
    return route.connectivity if named is None else CHANNELS.get(named.lower(), route.connectivity)
