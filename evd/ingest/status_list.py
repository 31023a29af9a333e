"""A list of statuses in one request, as a vehicle posts after it was off line; each is taken or refused by itself.

The answer has an entry for each, in the order of the list. The statuses that are taken are written in the order of
their times, in one transaction, so that only the last one is pushed.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import orjson

from evd.errors import RequestError, TimeAhead
from evd.ingest.transaction import (
    JSON,
    REFUSED_AT_ONCE,
    BadLine,
    Conclusion,
    GoodLine,
    line_rejection,
    outcome,
    refusal_of,
)
from evd.model.operations import Reject, Several
from evd.redaction.requests import MaskingRule, masked_bytes, masked_path
from evd.request.http import Reply, Request
from evd.request.redacted import kept_headers


class ListTransaction:
    """The transaction of a list; items count from 1. `keep` is false if the bad ones are in `rejected` already."""

    left_out: tuple[str, ...] = ()

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
        self._good = sorted(good, key=_moment)
        self._bad = bad
        self._now = now
        self._rule = rule
        self._keep = keep
        operations = (one for item in self._good for one in item.callback.operations)
        self.operation = Several((*operations, *self._rejects(bad)))

    def concluding(self, result: Any) -> Generator[None, None, Conclusion]:
        """See `Transaction`."""
        refused = {item.number: item for item in self._bad}
        ids: dict[int, str] = {}
        later, outcomes, at = [], [], 0
        for number, text, callback in self._good:
            results = result[at : at + len(callback.operations)]
            at += len(results)
            refusal = refusal_of(results)
            item = None
            if refusal is not None:
                if not number % REFUSED_AT_ONCE:
                    yield
                item = BadLine(number, masked_bytes(text.encode(), self._rule).decode(), refusal)
                later.append(item)
            if item is None or (self._keep and isinstance(refusal, TimeAhead)):
                ids[number] = callback.status_id
                outcomes.append(outcome(callback, results))
            else:
                refused[number] = item
        return Conclusion(self._reply(ids, refused), self._rejects(later), outcomes)

    def _reply(self, ids: dict[int, str], refused: dict[int, BadLine]) -> Reply:
        items = [
            {"item": number, "status": _TAKEN, "id": ids[number]}
            if number in ids
            else {"item": number, **_entry(refused[number].refusal)}
            for number in sorted({*ids, *refused})
        ]
        if ids:
            answer = {"stored": len(ids), "items": items}
            return Reply(207 if refused else _TAKEN, orjson.dumps(answer), JSON)
        first = refused[min(refused)]
        said = {"Error": first.refusal.error, "detail": f"status {first.number} of the list: {first.refusal.detail}"}
        return Reply(400, orjson.dumps({**said, "stored": 0, "items": items}), JSON)

    def _rejects(self, bad: Sequence[BadLine]) -> list[Reject]:
        if not self._keep or not bad:
            return []
        route = f"POST {masked_path(self._request.path, self._rule)}"
        headers = kept_headers(self._request.headers, self._rule)
        return [line_rejection(item, self._now, route, headers, self._request.peer) for item in bad]


_TAKEN = 201


def _entry(refusal: RequestError) -> dict[str, Any]:
    return {"status": refusal.status, "Error": refusal.error, "detail": refusal.detail}


def _moment(item: GoodLine) -> tuple[int, int]:
    arrival: Any = item.callback.operations[0]
    seq = getattr(arrival, "seq", None)
    return getattr(arrival, "time", 0), -1 if seq is None else seq
