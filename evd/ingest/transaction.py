"""The transaction of a request: the operation to write, and the answer after its commit.

CallbackTransaction has one callback, BatchTransaction many. Each gives one operation for the writer and turns the
operation's result into a Conclusion.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import orjson

from evd.errors import BadRequest, RequestError, TimeAhead
from evd.model.operations import (
    NO_ROOM,
    Arrive,
    LimitReached,
    OfferDownlink,
    Operation,
    Reject,
    Several,
    Stored,
    UnknownVehicle,
)
from evd.net.server.http1 import error_reply
from evd.redaction.requests import MaskingRule, masked, masked_line, masked_path, refused
from evd.request.http import Reply, Request
from evd.request.redacted import kept_body, kept_headers, kept_in_steps, kept_route
from evd.sigfox.kinds.registry import KINDS

JSON = ((b"content-type", b"application/json"),)

REFUSED_AT_ONCE = 32
"""Lines that the store refused, between two pauses: 2 ms, because each line is searched for secrets."""

REFUSED = refused()
"""The masking rule for callers that do not have the formats."""

RuleOfRefused = Callable[[], MaskingRule]
"""Gives the current masking rule, which follows the formats."""


class Conclusion(NamedTuple):
    """The reply, the rejections to keep before it is sent, and the outcome of each callback, to be counted."""

    reply: Reply
    rejects: Sequence[Reject]
    outcomes: Sequence[str]


class Transaction(Protocol):
    """What the service needs of a request: its operation and its conclusion."""

    @property
    def operation(self) -> Operation: ...

    @property
    def left_out(self) -> tuple[str, ...]:
        """See `Callback`."""

    def concluding(self, result: Any) -> Generator[None, None, Conclusion]:
        """Make the conclusion from the operation's result; pauses if that takes long."""


class Callback(NamedTuple):
    """A callback that was read. The first of its operations determines its outcome."""

    kind: str
    vehicle: str
    spelling: str
    status_id: str
    operations: tuple[Operation, ...]
    asks: bool = False
    """Whether its device listens for a downlink; the last operation is then the OfferDownlink."""
    left_out: tuple[str, ...] = ()
    """Variables that evd would have read, but that were masked when the callback was kept in `rejected`."""


def data_callback(
    kind: str, arrival: Arrive, more: tuple[Operation, ...] = (), *, asks: bool, left_out: tuple[str, ...] = ()
) -> Callback:
    """The callback of a message with its further operations; if its device asks, it is offered its queued downlink."""
    operations = (arrival, *more)
    if asks:
        operations += (OfferDownlink(arrival.vehicle, arrival.status_id, arrival.time, arrival.received),)
    return Callback(kind, arrival.vehicle, arrival.spelling, arrival.status_id, operations, asks, left_out)


class CallbackTransaction:
    """The transaction of a request with one callback."""

    def __init__(self, request: Request, callback: Callback, rule: RuleOfRefused) -> None:
        self._request = request
        self._rule = rule
        self.left_out = callback.left_out
        self._callback = callback
        one = len(callback.operations) == 1
        self.operation = callback.operations[0] if one else Several(callback.operations)

    def concluding(self, result: Any) -> Generator[None, None, Conclusion]:
        """See `Transaction`."""
        yield from ()
        return self._conclude(result)

    def _conclude(self, result: Any) -> Conclusion:
        callback = self._callback
        results: list[Any] = result if isinstance(self.operation, Several) else [result]
        refusal = refusal_of(results)
        shown = ((b"x-status-id", callback.status_id.encode()),)
        if refusal is not None:
            kept = rejection(self._request, refusal, _received(callback), self._rule())
            if isinstance(refusal, TimeAhead):
                return Conclusion(Reply(201, headers=shown), [kept], [outcome(callback, results)])
            return Conclusion(error_reply(refusal), [kept], [])
        answer = _downlink(callback, results)
        outcomes = [outcome(callback, results)]
        if answer is not None:
            return Conclusion(Reply(200, orjson.dumps(answer), JSON + shown), [], outcomes)
        status = 204 if callback.asks and KINDS[callback.kind].downlink else 201
        return Conclusion(Reply(status, headers=shown), [], outcomes)


class GoodLine(NamedTuple):
    """A line of a batch that is taken; lines count from 1."""

    number: int
    text: str
    callback: Callback


class BadLine(NamedTuple):
    """A line of a batch that is refused; secrets in its text are masked."""

    number: int
    text: str
    refusal: RequestError


class BatchTransaction:
    """The transaction of a batch: all good lines, and the rejections of all bad ones.

    `keep` is false if the bad lines are in `rejected` already.
    """

    def __init__(
        self,
        request: Request,
        good: Sequence[GoodLine],
        bad: Sequence[BadLine],
        now: int,
        rule: MaskingRule,
        *,
        keep: bool,
    ) -> None:
        self._request = request
        self._rule = rule
        self.left_out = tuple(dict.fromkeys(name for line in good for name in line.callback.left_out))
        self._good = good = _offered_once(good)
        self._bad = bad
        self._now = now
        self._keep = keep
        kept = self._rejects(bad)
        self.operation = Several((*(one for _, _, callback in good for one in callback.operations), *kept))

    def concluding(self, result: Any) -> Generator[None, None, Conclusion]:
        """See `Transaction`."""
        bad, aside, outcomes, answers, at = list(self._bad), [], [], {}, 0
        for number, text, callback in self._good:
            first = result[at]
            if len(callback.operations) == 1 and type(first) is Stored and first is not NO_ROOM:  # nearly every line
                at += 1
                outcomes.append(first.verdict.value)
                continue
            results = result[at : at + len(callback.operations)]
            at += len(results)
            refusal = refusal_of(results)
            if refusal is not None:
                if not number % REFUSED_AT_ONCE:
                    yield
                line = BadLine(number, masked_line(text, self._rule), refusal)
                if self._keep and isinstance(refusal, TimeAhead):
                    aside.append(line)
                    outcomes.append(outcome(callback, results))
                else:
                    bad.append(line)
                continue
            outcomes.append(outcome(callback, results))
            if callback.asks:
                answers.update(_downlink(callback, results) or {callback.spelling: {"noData": True}})
        rejects: list[Reject] = []
        for some in _in_hundreds([*bad[len(self._bad) :], *aside]):
            rejects += self._rejects(some)
            if len(rejects) > REFUSED_AT_ONCE:
                yield
        bad.sort(key=lambda line: line.number)
        entries: list[dict[str, Any]] = []
        for some in _in_hundreds(bad):
            entries += [
                {"line": line.number, "Error": line.refusal.error, "detail": line.refusal.detail} for line in some
            ]
            if len(entries) > REFUSED_AT_ONCE:
                yield
        return Conclusion(self._reply(bad, entries, len(outcomes), answers), rejects, outcomes)

    @staticmethod
    def _reply(bad: list[BadLine], entries: list[dict[str, Any]], stored: int, answers: Mapping[str, Any]) -> Reply:
        if answers:  # Sigfox reads downlinks from a 200 only; the bad lines are in `rejected`
            return Reply(200, orjson.dumps(answers), JSON)
        if not bad:
            return Reply(201)
        if not stored:
            first = bad[0].refusal
            said = {
                "Error": first.error,
                "detail": f"no line of the batch is taken; line {bad[0].number}: {first.detail}",
            }
            return Reply(400, orjson.dumps({**said, "stored": 0, "rejected": entries}), JSON)
        return Reply(207, orjson.dumps({"stored": stored, "rejected": entries}), JSON)

    def _rejects(self, bad: Sequence[BadLine]) -> list[Reject]:
        if not self._keep or not bad:
            return []
        route = f"POST {masked_path(self._request.path, self._rule)}"
        headers = kept_headers(self._request.headers, self._rule, of_line=True)
        return [line_rejection(line, self._now, route, headers, self._request.peer) for line in bad]


def _in_hundreds(lines: list[BadLine]) -> Iterator[list[BadLine]]:
    return (lines[first : first + 100] for first in range(0, len(lines), 100))


def _offered_once(good: Sequence[GoodLine]) -> list[GoodLine]:
    """Offer a downlink only to the newest of a vehicle's messages that ask: the reply has one entry per vehicle."""
    asking: dict[str, GoodLine] = {}
    for line in good:
        if line.callback.asks:
            other = asking.get(line.callback.vehicle)
            if other is None or _moment(line) >= _moment(other):
                asking[line.callback.vehicle] = line
    return [
        line._replace(callback=_unasked(line.callback))
        if line.callback.asks and asking[line.callback.vehicle] is not line
        else line
        for line in good
    ]


def _moment(line: GoodLine) -> int:
    return int(getattr(line.callback.operations[0], "time", 0))


def _unasked(callback: Callback) -> Callback:
    return callback._replace(operations=callback.operations[:-1], asks=False)


def refusal_of(results: Sequence[Any]) -> RequestError | None:
    """The reason why the store refused a callback; None if it did not. Raises any error that is no refusal."""
    for result in results:
        if isinstance(result, UnknownVehicle):
            return BadRequest(str(result), error="Unknown vehicle")
        if isinstance(result, LimitReached):
            return BadRequest(str(result), error="Too many vehicles")
        if result is NO_ROOM:
            return TimeAhead(
                "its time lies more than a day ahead of the server's, and its vehicle's ring is full: it is taken when "
                "the server's clock is found to have been behind, or by `evd rejected replay`"
            )
        if isinstance(result, Exception):
            raise result
    return None


def outcome(callback: Callback, results: Sequence[Any]) -> str:
    """A callback's outcome as one word: a verdict, or its kind."""
    first = results[0]
    return first.verdict.value if isinstance(first, Stored) else callback.kind


def _downlink(callback: Callback, results: Sequence[Any]) -> dict[str, Any] | None:
    """The answer that carries a downlink (support.sigfox.com/docs/bidir), with the device's id spelled as it came."""
    if not callback.asks or results[-1] is None:
        return None
    return {callback.spelling: {"downlinkData": results[-1].hex()}}


def _received(callback: Callback) -> int:
    return int(getattr(callback.operations[0], "received", 0))


def rejection(request: Request, refusal: RequestError, now: int, rule: MaskingRule = REFUSED) -> Reject:
    """The rejection of a request, masked by `rule`."""
    return Reject(
        received=now,
        route=kept_route(request, rule),
        error=refusal.error,
        detail=masked(refusal.detail),
        headers=kept_headers(request.headers, rule),
        body=kept_body(request, rule),
        client=request.peer,
    )


def rejection_in_steps(
    request: Request, refusal: RequestError, now: int, rule: MaskingRule
) -> Generator[None, None, Reject]:
    """As `rejection`, for a request with a long body; pauses every few lines."""
    body = yield from kept_in_steps(request, rule)
    without = rejection(msgspec.structs.replace(request, body=b""), refusal, now, rule)
    return msgspec.structs.replace(without, body=body)


def line_rejection(line: BadLine, now: int, route: str, headers: bytes, client: str) -> Reject:
    """The rejection of one line; `route`, `headers` and `client` are the same for all lines of a request."""
    return Reject(
        received=now,
        route=route,
        error=line.refusal.error,
        detail=line.refusal.detail,
        headers=headers,
        body=line.text.encode(),
        client=client,
    )
