"""The ingest service: a request with a valid key becomes statuses and notes on disk, or is refused with a reason.

The edge and the ASGI application both call `take` (the latter through `accept`), so a request gets the same answer
from either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import msgspec
import orjson
import trio

from evd.auth.api_keys import Key, foreign_vehicle
from evd.clock import Clock, now_ms
from evd.concurrency.time_slices import Slices
from evd.config.settings import SigfoxSettings
from evd.errors import BadRequest, NotFound, RequestError, Unauthorized, Unavailable
from evd.ingest.cache import IngestCache
from evd.ingest.parser import Parser
from evd.ingest.transaction import Conclusion, Transaction, outcome, refusal_of, rejection, rejection_in_steps
from evd.log.logger import log
from evd.model.connectivity import SIGFOX, WLAN
from evd.model.durations import FAST_S, DurationHistogram
from evd.model.json_bytes import json_bytes
from evd.model.operations import NO_ROOM, Arrive, LimitReached, Operation, Reject, Several, Stored, UnknownVehicle
from evd.model.plain_text import excerpt
from evd.net.server.http1 import SERVER_ERROR, error_reply
from evd.payload.formats import Formats
from evd.redaction.requests import masked_bytes, may_hold_secret
from evd.request.body import form_key, is_list
from evd.request.gzip_body import GZIP, unzipped
from evd.request.http import Reply, Request
from evd.sigfox.routes import BATCH, ROUTES, SENDERS, Route, route_of
from evd.store.writer import Writer

Answer = Callable[[Reply], None]

BATCHES_MAX = 32
"""Batches that wait to be read, 1 MiB each; one of 10,000 lines takes up to 0.5 s, and Sigfox waits for 10 s."""

LONG_BYTES = 32 * 1024
"""Size of a body that is searched for secrets without a pause: about 10 ms."""

PATH_SHOWN = 80
"""Characters of a path that an error sentence quotes."""

_BACKFILLED = {b"content-type": b"application/json"}


class Replayed(NamedTuple):
    """The reply to a replayed request, and the variables that it lacks because they were masked in `rejected`."""

    reply: Reply
    left_out: tuple[str, ...]


class Ingest:
    """Takes ingest requests. `clock` gives the server's time in epoch ms."""

    def __init__(
        self,
        writer: Writer,
        directory: IngestCache,
        formats: Formats,
        *,
        settings: SigfoxSettings | None = None,
        clock: Clock = now_ms,
        unzipped_max: int = 64 * 1024,
    ) -> None:
        self._writer = writer
        self._directory = directory
        self._unzipped_max = unzipped_max
        self._clock = clock
        self.outcomes: Counter[str] = Counter()
        """Verdicts and refusals since the start, for statistics."""
        self.times = DurationHistogram(FAST_S)
        self.heard: Callable[[int], None] | None = None
        """Called with the time (epoch ms) of each message that Sigfox dated, while the server clock is in doubt."""
        self.reading = self._reading = Parser(directory, formats, settings or SigfoxSettings(), self.outcomes)
        self.findings = self._reading.findings
        self._slices = Slices(jobs_max=BATCHES_MAX)

    async def run(self) -> None:
        """Read long batches in time slices; runs until it is cancelled."""
        await self._slices.run()

    def take(self, request: Request, answer: Answer) -> None:
        """Take an ingest request; `answer` is called once, after its data is on disk or was refused.

        A refused request that has a valid key is kept in `rejected` before it is answered. Raises RequestError, instead
        of calling `answer`, for a wrong key and for overload.
        """
        begun = perf_counter()
        route = ROUTES.get(request.path) or route_of(request.path)
        assert route is not None, "the caller has checked the route"
        try:
            key = self._directory.keys.require(request.headers, route.roles, request.peer)
        except Unauthorized as refusal:
            key = self._by_form(request, route, refusal)
        if b"content-encoding" in request.headers:
            try:
                request = self._unzipped(request)
            except BadRequest as refusal:
                self._reject(request, refusal, partial(self._timed, begun, answer))
                return
        arrival = self._reading.ordinary(request, route, self._clock())
        if arrival is None or ((only := key.only) is not None and arrival.vehicle not in only):
            self._take_any(request, route, key, partial(self._timed, begun, answer))
        else:
            if self.heard is not None:
                self._report_time(arrival)
            self._writer.submit(arrival).then(partial(self._stored, begun, request, arrival, answer))

    async def accept(self, request: Request) -> Reply:
        """As `take`, with the reply as result. Cancelling is safe: what was submitted to the writer is written."""
        answered = trio.Event()
        replies: list[Reply] = []

        def answer(reply: Reply) -> None:
            replies.append(reply)
            answered.set()

        self.take(request, answer)
        await answered.wait()
        return replies[0]

    async def keep_unserved(self, request: Request) -> None:
        """Keep a request whose path or method no route serves, if it has the key of a sender's role. Never raises."""
        try:
            self._directory.keys.require(request.headers, SENDERS, request.peer)
        except RequestError:
            return
        said = (
            f"no route takes {request.method} {excerpt(request.path, PATH_SHOWN)}: see docs/sigfox.md for those that do"
        )
        kept = rejection(request, NotFound(said, error="Unknown route"), self._clock(), self._reading.rule_of_refused())
        self.outcomes["rejected"] += 1
        log.warning("a request to an unknown path is rejected", route=kept.route, client=kept.client)
        try:
            await self._writer.write(kept)
        except Unavailable as error:
            log.warning("a rejected request is not kept", reason=str(error))

    async def replay(self, request: Request) -> Replayed:
        """Take a request from `rejected` again; it needs no key, and is not kept again.

        The reply is 207 if some lines of a batch are still wrong. Raises BadRequest if anything else is wrong or no
        route takes the request, and Unavailable.
        """
        route = route_of(request.path)
        if route is None or request.method not in route.methods:
            raise BadRequest(f"no route takes {request.method} {request.path}: it cannot be taken again")
        now = self._clock()
        request = self._reading.without_secrets(request, route)
        if route.kind == BATCH:
            work = await self._slices.finished(self._reading.batch(request, now, live=False))
        elif _is_list(request, route):
            work = await self._slices.finished(self._reading.statuses(request, route, now, live=False))
        else:
            work = self._reading.work(request, route, now, live=False)
        try:
            result = await self._writer.write(work.operation)
        except (UnknownVehicle, LimitReached) as refusal:
            result = refusal
        done = await self._slices.finished(_concluding(work, result))
        self.outcomes.update(done.outcomes)
        if done.rejects:
            raise BadRequest(done.rejects[0].detail, error=done.rejects[0].error)
        return Replayed(done.reply, work.left_out)

    async def accept_document(self, kind: str, document: dict[str, Any], *, raw: bytes | None = None) -> str:
        """Take a callback from Sigfox's REST API; with `kind` "" its kind is recognized.

        Returns the outcome: a ring's verdict, its kind, or "rejected" if it was refused and kept. Raises Unavailable.
        """
        kept = json_bytes(document) if raw is None else raw
        if may_hold_secret(kept):
            kept = masked_bytes(kept)
            document = orjson.loads(kept)
        try:
            callback = self._reading.callback(kind, document, SIGFOX, kept, self._clock(), live=False)
            results = await self._writer.write(Several(callback.operations))
            refusal = refusal_of(results)
        except BadRequest as error:
            refusal = error
        if refusal is not None:
            self.outcomes["rejected"] += 1
            request = Request("POST", f"/sigfox/{kind or 'callback'}", b"", _BACKFILLED, kept, "")
            await self._writer.write(rejection(request, refusal, self._clock(), self._reading.rule_of_refused()))
            return "rejected"
        became = outcome(callback, results)
        self.outcomes[became] += 1
        return became

    def _unzipped(self, request: Request) -> Request:
        """The request, which has a valid key, with its body decompressed. Raises BadRequest, TooLarge."""
        if request.headers[b"content-encoding"].lower() not in GZIP:  # identity
            return request
        body = unzipped(request.body, self._unzipped_max)
        headers = {name: value for name, value in request.headers.items() if name != b"content-encoding"}
        return msgspec.structs.replace(request, headers=headers, body=body)

    def _by_form(self, request: Request, route: Route, refusal: Unauthorized) -> Key:
        """The key in the form. Raises `refusal` if the form has none, Unauthorized if it is wrong, Forbidden."""
        shown = form_key(request.headers, request.body)
        if shown is None:
            raise refusal
        return self._directory.keys.require(
            {**request.headers, b"x-api-key": shown.encode()}, route.roles, request.peer
        )

    def _take_any(self, request: Request, route: Route, key: Key, answer: Answer) -> None:
        request = self._reading.without_secrets(request, route)
        if route.kind == BATCH:
            reading = self._reading.batch(request, self._clock())
            self._slices.start(reading, partial(self._batch_read, request, key, answer))
        elif _is_list(request, route):
            reading = self._reading.statuses(request, route, self._clock(), only=key.only)
            self._slices.start(reading, partial(self._batch_read, request, key, answer))
        else:
            self._read(request, key, answer, lambda: self._reading.work(request, route, self._clock()))

    def _batch_read(self, request: Request, key: Key, answer: Answer, reading: Callable[[], Transaction]) -> None:
        """As `_read`, but errors become the answer, because no caller is left to catch them."""
        try:
            self._read(request, key, answer, reading)
        except Exception as error:
            answer(_excuse(error))

    def _read(self, request: Request, key: Key, answer: Answer, reading: Callable[[], Transaction]) -> None:
        """Submit the transaction that `reading` returns, or keep and refuse the request if it raises BadRequest."""
        try:
            work = reading()
            if (only := key.only) is not None:
                _require_only(only, work)
        except BadRequest as refusal:
            self._reject(request, refusal, answer)
        else:
            if self.heard is not None:
                self._report_time(work.operation)
            self._writer.submit(work.operation).then(partial(self._settled, work, answer))

    def _report_time(self, operation: Operation) -> None:
        if self.heard is not None and isinstance(operation, Arrive) and operation.connectivity == SIGFOX:
            self.heard(operation.time)

    def _stored(self, begun: float, request: Request, arrival: Arrive, answer: Answer, result: Any) -> None:
        """Answer an ordinary callback; `result` is a Stored or the error that the writer gave instead."""
        if isinstance(result, UnknownVehicle | LimitReached):
            refusal = refusal_of([result])
            assert refusal is not None
            self._reject(request, refusal, partial(self._timed, begun, answer))
        elif isinstance(result, Exception):
            answer(_excuse(result))
        else:
            self.outcomes[result.verdict.value] += 1
            reply = Reply(201, headers=((b"x-status-id", arrival.status_id.encode()),))
            if result is NO_ROOM:
                self._set_aside(request, result, reply, partial(self._timed, begun, answer))
            else:
                self.times.note(perf_counter() - begun)
                answer(reply)

    def _timed(self, begun: float, answer: Answer, reply: Reply) -> None:
        self.times.note(perf_counter() - begun)
        answer(reply)

    def _settled(self, work: Transaction, answer: Answer, result: Any) -> None:
        """Answer any other callback or batch."""
        job = _concluding(work, result)
        try:
            next(job)  # nearly every transaction ends here
            self._slices.start(job, partial(self._concluded, answer))
        except StopIteration as last:
            done: Conclusion = last.value
            self._concluded(answer, lambda: done)
        except Exception as error:  # its data may be on disk; then a repeat changes nothing
            answer(_excuse(error))

    def _concluded(self, answer: Answer, reading: Callable[[], Conclusion]) -> None:
        try:
            done = reading()
        except Exception as error:
            answer(_excuse(error))
            return
        self.outcomes.update(done.outcomes)
        if done.rejects:
            self._keep(done.rejects, done.reply, answer)
        else:
            answer(done.reply)

    def _set_aside(self, request: Request, result: Stored, reply: Reply, answer: Answer) -> None:
        """Keep the request, which is acknowledged but is in no ring, then answer."""
        refusal = refusal_of([result])
        assert refusal is not None
        self._keep([rejection(request, refusal, self._clock(), self._reading.rule_of_refused())], reply, answer)

    def _reject(self, request: Request, refusal: RequestError, answer: Answer) -> None:
        """Keep the request, then answer the refusal."""
        about = request, refusal, self._clock(), self._reading.rule_of_refused()
        if len(request.body) <= LONG_BYTES:
            self._keep([rejection(*about)], error_reply(refusal), answer)
        else:
            self._slices.start(rejection_in_steps(*about), partial(self._rejected, refusal, answer))

    def _rejected(self, refusal: RequestError, answer: Answer, reading: Callable[[], Reject]) -> None:
        try:
            kept = reading()
        except Exception as error:
            answer(_excuse(error))
        else:
            self._keep([kept], error_reply(refusal), answer)

    def _keep(self, rejects: Sequence[Reject], reply: Reply, answer: Answer) -> None:
        self.outcomes["rejected"] += len(rejects)
        first = rejects[0]
        log.warning(
            "a callback is rejected",
            route=first.route,
            reason=first.detail,
            client=first.client,
            others=len(rejects) - 1,
        )
        try:
            receipt = self._writer.submit(Several(tuple(rejects)))
        except Unavailable as overload:
            answer(error_reply(overload))
        else:
            receipt.then(lambda result: answer(_excuse(result) if isinstance(result, Exception) else reply))


def _concluding(work: Transaction, result: Any) -> Generator[None, None, Conclusion]:
    if isinstance(result, Exception) and not isinstance(result, UnknownVehicle | LimitReached):
        raise result
    return (yield from work.concluding(result))


def _is_list(request: Request, route: Route) -> bool:
    """Whether the body is a list of statuses, which a vehicle posts after it was off line."""
    return route.connectivity == WLAN and is_list(request.headers, request.body)


def _require_only(vehicles: frozenset[str], work: Transaction) -> None:
    """Raise Forbidden if a key that is bound to vehicles is used for another one."""
    operation = work.operation
    operations = operation.operations if isinstance(operation, Several) else (operation,)
    if any(one.vehicle not in vehicles for one in operations if hasattr(one, "vehicle")):
        raise foreign_vehicle(vehicles)


def _excuse(error: Exception) -> Reply:
    """The answer to a request that could not be written because of `error`; if it is no RequestError, evd has a bug."""
    return error_reply(error) if isinstance(error, RequestError) else SERVER_ERROR
