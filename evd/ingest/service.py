"""The way in: a request with a key becomes statuses and notes on disk, or a reason why not.

`take` is one function for both doors, the edge's and quart's (which awaits it as `accept`), so an ingest request gets
the same answer at either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
import orjson
import trio

from evd.auth.api_keys import Key
from evd.clock import Clock, now_ms
from evd.concurrency.time_slices import Slices
from evd.config.settings import SigfoxSettings
from evd.errors import BadRequest, Forbidden, NotFound, RequestError, Unauthorized, Unavailable
from evd.ingest.cache import IngestCache
from evd.ingest.parser import Parser
from evd.ingest.transaction import Conclusion, Transaction, outcome, refusal_of, rejection, rejection_in_steps
from evd.log.logger import log
from evd.model.connectivity import SIGFOX, WLAN
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
"""That wait to be read, a MiB each; one of 10,000 lines takes up to half a second, and Sigfox waits for ten."""

LONG_BYTES = 32 * 1024
"""Of a body that is looked through for secrets at once: some 10 ms."""

PATH_SHOWN = 80
"""Characters of a path in a sentence."""

_BACKFILLED = {b"content-type": b"application/json"}


class Replayed(NamedTuple):
    """The reply to a request that was rejected once, and the variables that were masked then, so are missing now."""

    reply: Reply
    left_out: tuple[str, ...]


class Ingest:
    """Everything `take` needs. `clock` gives the server's time in epoch ms."""

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
        self.heard: Callable[[int], None] | None = None
        """Is given the time of each message that Sigfox dated (epoch ms), while the server's clock is doubted."""
        self.reading = self._reading = Parser(directory, formats, settings or SigfoxSettings(), self.outcomes)
        self.findings = self._reading.findings
        self._slices = Slices(jobs_max=BATCHES_MAX)

    async def run(self) -> None:
        """Read the batches that are too long to be read at once; until it is cancelled."""
        await self._slices.run()

    def take(self, request: Request, answer: Answer) -> None:
        """Take an ingest request; `answer` is called once, when what it says is on disk or cannot be.

        A request that fails with a valid key is kept in `rejected` before it is answered. Raises RequestError, in place
        of any answer, for a wrong key and for overload.
        """
        route = ROUTES.get(request.path) or route_of(request.path)
        assert route is not None, "whoever asks has looked"
        try:
            key = self._directory.keys.require(request.headers, route.roles, request.peer)
        except Unauthorized as refusal:
            key = self._by_form(request, route, refusal)
        if b"content-encoding" in request.headers:
            try:
                request = self._unzipped(request)
            except BadRequest as refusal:
                self._reject(request, refusal, answer)
                return
        arrival = self._reading.ordinary(request, route, self._clock())
        if arrival is None or (key.vehicle is not None and key.vehicle != arrival.vehicle):
            self._take_any(request, route, key, answer)
        else:
            if self.heard is not None:
                self._tell_time(arrival)
            self._writer.submit(arrival).then(partial(self._stored, request, arrival, answer))

    async def accept(self, request: Request) -> Reply:
        """The answer that `take` gives. Cancelling is safe: what was handed to the writer is written."""
        answered = trio.Event()
        replies: list[Reply] = []

        def answer(reply: Reply) -> None:
            replies.append(reply)
            answered.set()

        self.take(request, answer)
        await answered.wait()
        return replies[0]

    async def keep_unserved(self, request: Request) -> None:
        """Keep a request to a path, or by a method, that nobody serves, if it shows a sender's key. Never raises."""
        try:
            self._directory.keys.require(request.headers, SENDERS)
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
        """Take a request that was rejected once, now without a key. Nothing is kept of what is wrong with it still.

        The reply is 207 where lines of a batch are still wrong. Raises BadRequest for anything else that is, and where
        no route takes it; or Unavailable.
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
        """Take a callback that came by another way than a route, from Sigfox's REST API; `kind` "" has it told apart.

        What became of it: a ring's verdict, its kind, or "rejected", and then it is kept there. Raises Unavailable.
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
        """A request with a key, whose body is compressed. Raises BadRequest, TooLarge."""
        if request.headers[b"content-encoding"].lower() not in GZIP:  # identity
            return request
        body = unzipped(request.body, self._unzipped_max)
        headers = {name: value for name, value in request.headers.items() if name != b"content-encoding"}
        return msgspec.structs.replace(request, headers=headers, body=body)

    def _by_form(self, request: Request, route: Route, refusal: Unauthorized) -> Key:
        """The key out of a form. Raises `refusal` where it shows none, Unauthorized, Forbidden."""
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
            reading = self._reading.statuses(request, route, self._clock(), only=key.vehicle)
            self._slices.start(reading, partial(self._batch_read, request, key, answer))
        else:
            self._read(request, key, answer, lambda: self._reading.work(request, route, self._clock()))

    def _batch_read(self, request: Request, key: Key, answer: Answer, reading: Callable[[], Transaction]) -> None:
        """As `_read`, where nobody is left to raise to."""
        try:
            self._read(request, key, answer, reading)
        except Exception as error:
            answer(_excuse(error))

    def _read(self, request: Request, key: Key, answer: Answer, reading: Callable[[], Transaction]) -> None:
        """What `reading` gives is handed to the writer; why it gives nothing is kept and answered."""
        try:
            work = reading()
            if key.vehicle is not None:
                _require_only(key.vehicle, work)
        except BadRequest as refusal:
            self._reject(request, refusal, answer)
        else:
            if self.heard is not None:
                self._tell_time(work.operation)
            self._writer.submit(work.operation).then(partial(self._settled, work, answer))

    def _tell_time(self, operation: Operation) -> None:
        if self.heard is not None and isinstance(operation, Arrive) and operation.connectivity == SIGFOX:
            self.heard(operation.time)

    def _stored(self, request: Request, arrival: Arrive, answer: Answer, result: Any) -> None:
        """What became of an ordinary callback: a Stored, or the error that came instead."""
        if isinstance(result, UnknownVehicle | LimitReached):
            refusal = refusal_of([result])
            assert refusal is not None
            self._reject(request, refusal, answer)
        elif isinstance(result, Exception):
            answer(_excuse(result))
        else:
            self.outcomes[result.verdict.value] += 1
            reply = Reply(201, headers=((b"x-status-id", arrival.status_id.encode()),))
            if result is NO_ROOM:
                self._set_aside(request, result, reply, answer)
            else:
                answer(reply)

    def _settled(self, work: Transaction, answer: Answer, result: Any) -> None:
        """What became of any other one."""
        job = _concluding(work, result)
        try:
            next(job)  # nearly every one is over then
            self._slices.start(job, partial(self._concluded, answer))
        except StopIteration as last:
            done: Conclusion = last.value
            self._concluded(answer, lambda: done)
        except Exception as error:  # what it says may be on disk, and is known when it comes again
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
        """Keep the request, which is acknowledged and stands in no ring, then answer."""
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
    """Whether it is one of statuses: a vehicle was off line, and has some to tell."""
    return route.connectivity == WLAN and is_list(request.headers, request.body)


def _require_only(vehicle: str, work: Transaction) -> None:
    """Raises Forbidden where a key that is bound to a vehicle speaks for another one."""
    operation = work.operation
    operations = operation.operations if isinstance(operation, Several) else (operation,)
    if any(getattr(one, "vehicle", vehicle) != vehicle for one in operations):
        raise Forbidden(f"this key speaks for vehicle {vehicle} only")


def _excuse(error: Exception) -> Reply:
    """The answer to a request that met `error` on its way to the disk; what is no RequestError is a fault of evd's."""
    return error_reply(error) if isinstance(error, RequestError) else SERVER_ERROR
