"""The ways through the rooms: how many modules a callback passes, and that no call comes back into a room it left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
import pytest
import trio
from ingest_way import KEYS, Way, store_options, way
from original_status import ORIGINAL_CALLBACK
from push_chain import chain

from evd.request.http import Request

__all__ = ["store_options", "way"]

LEAVES = ("evd.model", "evd.derived", "evd.sigfox.template_values", "evd.net.addresses")
"""Values and rules that any module asks and that ask none: they are no station of a way."""

ORDINARY = {"device": "386625", "time": 1_639_400_000, "data": "130a4c0f594e427e4bb45088", "seqNumber": 118}
READABLE = {**orjson.loads(ORIGINAL_CALLBACK), "customData": {"a": 1}}


@contextmanager
def walked() -> Iterator[list[list[str]]]:
    """For each call of a function of evd meanwhile: the modules of the calls that it stands in, outermost first."""
    stacks: list[list[str]] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_globals.get("__name__", "").startswith("evd."):
            stack = []
            caller: FrameType | None = frame
            while caller is not None:
                stack.append(caller.f_globals.get("__name__", ""))
                caller = caller.f_back
            stacks.append([module for module in reversed(stack) if module.startswith("evd.")])

    sys.setprofile(note)
    try:
        yield stacks
    finally:
        sys.setprofile(None)


def rooms(stack: list[str]) -> list[str]:
    """The rooms in which the calls of a stack are, one after the other."""
    found: list[str] = []
    for module in stack:
        room = module.split(".")[1]
        if not found or found[-1] != room:
            found.append(room)
    return found


async def taken(way: Way, document: dict[str, Any]) -> tuple[list[list[str]], set[str]]:
    """The calls from `Ingest.take` to the receipt, and their modules without LEAVES."""
    fields = {b"x-api-key": KEYS["sigfox"][0].encode(), b"content-type": b"application/json"}
    request = Request("POST", "/sigfox/uplink", b"", fields, orjson.dumps(document), "192.0.2.1")
    answers: list[Any] = []
    with walked() as stacks:
        way.ingest.take(request, answers.append)
    with trio.fail_after(30):
        while not answers:
            await trio.lowlevel.checkpoint()
    assert answers[0].status == 201
    return stacks, {stack[-1] for stack in stacks if not stack[-1].startswith(LEAVES)}


@pytest.mark.parametrize(("document", "modules_max"), [(ORDINARY, 8), (READABLE, 16)], ids=["ordinary", "readable"])
async def test_a_callback_is_taken_by_few_modules(way: Way, document: dict[str, Any], modules_max: int) -> None:
    """At most 8 pass it on; with those that only answer a question about it, a readable one meets twice as many."""
    stacks, modules = await taken(way, document)
    assert len(stations(stacks)) <= 8, sorted(stations(stacks))
    assert len(modules) <= modules_max, sorted(modules)


@pytest.mark.parametrize("document", [ORDINARY, READABLE], ids=["ordinary", "readable"])
async def test_no_call_comes_back_into_a_room_that_it_has_left(way: Way, document: dict[str, Any]) -> None:
    stacks, _ = await taken(way, document)
    for stack in stacks:
        passed = rooms(stack)
        assert len(passed) == len(set(passed)), passed


SOCKETS = ("evd.net", "evd.dev", "evd.log", "evd.concurrency", "evd.clock")
"""What a push is sent through, and the fake at its other end."""


FOLDERS = "evd.store.sqlite", "evd.push.providers.fcm"
"""An engine and a provider count as one module each: a change of them stays in their folder."""


def stations(stacks: list[list[str]]) -> set[str]:
    """The modules that call on to another one. What only answers (a limit, a table, a value) is no station."""
    found = set()
    for stack in stacks:
        ours = [next((one for one in FOLDERS if module.startswith(one)), module) for module in stack]
        ours = [module for module in ours if not module.startswith((*LEAVES, *SOCKETS))]
        found |= {caller for caller, callee in pairwise(ours) if caller != callee}
    return found


async def test_a_push_passes_few_modules_and_all_of_them_in_push_and_store(tmp_path: Path) -> None:
    """From the commit of its status to the commit of what became of it."""
    async with chain(tmp_path) as one:
        await one.register("phone-a")
        await one.quiet()
        with walked() as stacks:
            await one.arrive(1)
            await one.until("SELECT count(*) FROM pushed", 1)
    passed = {module for stack in stacks for module in stack if not module.startswith((*LEAVES, *SOCKETS))}
    assert {module.split(".")[1] for module in passed} == {"push", "store"}
    assert len(stations(stacks)) <= 12, sorted(stations(stacks))
