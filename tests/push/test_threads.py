"""A blocking pusher in threads: how many there are, and that one receiver does not hold up the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import trio

from evd.errors import RetryAfter
from evd.push.protocols import Push
from evd.push.threads import InThreads

PATIENT_S = 10.0


def a_push(target: str = "a") -> Push:
    return Push(
        target_kind="any",
        target=target,
        what="state",
        event_id="a1b2",
        time_ms=1_700_000_000_000,
        serialized="{}",
        ttl_s=60,
        priority="normal",
    )


class Stuck:
    """A blocking pusher that does not return until it is told to."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.closed = False

    def send(self, push: Push) -> str:
        self.begun.release()
        assert self.go_on.wait(PATIENT_S)
        return "sent"

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    one = Stuck()
    yield one
    one.go_on.set()


def awaited(stuck: Stuck, *, threads_max: int = 1, timeout_s: float = PATIENT_S) -> InThreads:
    return InThreads(
        stuck, name="stuck", threads_max=threads_max, timeout_s=timeout_s, receiver_of=lambda push: push.target
    )


async def test_no_more_than_threads_max_are_sent_at_once(stuck: Stuck) -> None:
    sender = awaited(stuck, threads_max=3)
    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(sender.send, a_push(f"https://host-{number}/"))
        for _ in range(3):
            await trio.to_thread.run_sync(stuck.begun.acquire)
        await trio.testing.wait_all_tasks_blocked()
        assert not stuck.begun.acquire(blocking=False)
        stuck.go_on.set()
    assert [stuck.begun.acquire(blocking=False) for _ in range(3)] == [True, True, False]


async def test_a_send_that_does_not_return_is_given_up_and_keeps_its_thread(stuck: Stuck) -> None:
    sender = awaited(stuck, timeout_s=0.1)
    for _ in range(2):  # the second waits for the thread of the first, in vain
        with pytest.raises(RetryAfter, match=r"stuck: push a1b2 was not sent within 0\.1 s\.") as caught:
            await sender.send(a_push())
        assert caught.value.delay_s == 10
    assert stuck.begun.acquire(blocking=False)
    assert not stuck.begun.acquire(blocking=False)


async def test_the_thread_serves_again_once_it_is_free(stuck: Stuck) -> None:
    sender = awaited(stuck)
    with trio.move_on_after(0.05):
        await sender.send(a_push())
    stuck.go_on.set()
    assert await sender.send(a_push()) == "sent"


async def test_cancelling_does_not_wait_for_the_thread(stuck: Stuck) -> None:
    sender = awaited(stuck)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sender.send, a_push())
        await trio.to_thread.run_sync(stuck.begun.acquire)
        began = trio.current_time()
        nursery.cancel_scope.cancel()
    assert trio.current_time() - began < 1
    await sender.aclose()
    assert stuck.closed


class Crossroads:
    """A blocking pusher: what goes to `dead` hangs until it is let go and fails then, anything else is taken."""

    def __init__(self) -> None:
        self.hung = threading.Semaphore(0)
        self.go_on = threading.Event()

    def send(self, push: Push) -> str:
        if push.target == "dead":
            self.hung.release()
            assert self.go_on.wait(PATIENT_S)
            raise RetryAfter("no answer", 10.0)
        return "sent"

    def close(self) -> None:
        pass


@pytest.fixture
def crossroads() -> Iterator[Crossroads]:
    one = Crossroads()
    yield one
    one.go_on.set()


def patient(pusher: Crossroads, patience_s: float) -> InThreads:
    receiver_of: Callable[[Push], str] = lambda push: push.target  # noqa: E731
    return InThreads(
        pusher, name="crossroads", threads_max=4, timeout_s=PATIENT_S, patience_s=patience_s, receiver_of=receiver_of
    )


async def refused(sender: InThreads, match: str = r"crossroads: dead needs more than [\d.]+ s to answer") -> None:
    with pytest.raises(RetryAfter, match=match) as caught:
        await sender.send(a_push("dead"))
    assert caught.value.delay_s == 10


async def test_who_waits_for_a_thread_of_a_receiver_that_hangs_is_put_off_and_others_are_served(
    crossroads: Crossroads,
) -> None:
    sender = patient(crossroads, 0.2)
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(refused, sender, "no answer")
        for _ in range(2):
            await trio.to_thread.run_sync(crossroads.hung.acquire)
        async with trio.open_nursery() as waiting:
            for _ in range(20):
                waiting.start_soon(refused, sender)
            assert await sender.send(a_push("well")) == "sent"
        began = trio.current_time()
        await refused(sender)
        assert trio.current_time() - began < 0.1, "at once: it is known to hang"
        assert not crossroads.hung.acquire(blocking=False)
        crossroads.go_on.set()


async def test_a_receiver_that_was_slow_is_sent_one_push_at_a_time_until_it_is_quick(crossroads: Crossroads) -> None:
    sender = patient(crossroads, 0.1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(refused, sender, "no answer")
        await trio.to_thread.run_sync(crossroads.hung.acquire)
        await trio.sleep(0.15)
        crossroads.go_on.set()
    crossroads.go_on.clear()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(refused, sender, "no answer")
        await trio.to_thread.run_sync(crossroads.hung.acquire)
        await refused(sender)
        crossroads.go_on.set()
    crossroads.go_on.clear()
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(refused, sender, "no answer")
        for _ in range(2):
            await trio.to_thread.run_sync(crossroads.hung.acquire)
        crossroads.go_on.set()


async def test_all_slow_receivers_together_have_half_of_the_threads(crossroads: Crossroads) -> None:
    crossroads.send = _hangs(crossroads)  # type: ignore[method-assign]
    sender = patient(crossroads, 0.0)
    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(_fails, sender, f"slow-{number}")
        for _ in range(3):
            await trio.to_thread.run_sync(crossroads.hung.acquire)
        crossroads.go_on.set()
    crossroads.go_on.clear()
    async with trio.open_nursery() as nursery:
        for number in range(2):
            nursery.start_soon(_fails, sender, f"slow-{number}")
        for _ in range(2):
            await trio.to_thread.run_sync(crossroads.hung.acquire)
        await _fails(sender, "slow-2", "slow-2 needs more than")
        crossroads.go_on.set()


def _hangs(crossroads: Crossroads) -> Callable[[Push], str]:
    send = crossroads.send
    return lambda push: send(a_push("dead"))


async def _fails(sender: InThreads, target: str, match: str = "no answer") -> None:
    with pytest.raises(RetryAfter, match=match):
        await sender.send(a_push(target))
