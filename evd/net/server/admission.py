"""Admission: which connections stay, and which are closed when there are too many of them or of their bytes.

Pure: its state changes only by the calls of connections. A connection is unauthenticated (a stranger) until one of its
requests has shown a valid key. Strangers are closed to make room, first those that were answered and are idle, the
oldest first. They never have all permits, and only a number for each address, unless some client from there has shown a
key. So a callback always finds a permit, and an authenticated connection keeps its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple, Protocol

from evd.net.addresses import Proxies, network_of

LOOKS_MAX = 32
"""Strangers of one order that are searched for an idle one; if so many are busy, the first of them is closed."""

KNOWN_MAX = 4096
"""Addresses remembered because a key was shown from there, the latest last; there are some hundred callers."""

CROWDING_MAX = 1024
"""Addresses whose connections were closed, counted for the alarm."""


class AdmissionLimits(NamedTuple):
    """`permits` for connections, `per_address` for strangers from one address; bytes are of unfinished requests."""

    permits: int
    per_address: int
    strangers_bytes: int
    bytes: int

    @property
    def strangers(self) -> int:
        """Permits for strangers; the others are reserved for authenticated connections."""
        return self.permits - self.permits // 4

    @property
    def elsewhere(self) -> int:
        """Strangers handed over to the ASGI server: each costs it 25 KiB and some tasks."""
        return max(1, self.permits // 8)

    @property
    def known(self) -> int:
        """Permits for authenticated connections. Beyond it they are closed like strangers, for newcomers' sake."""
        return self.permits - self.permits // 16


class Holder(Protocol):
    """The holder of a permit: a connection of the edge or of the ASGI server."""

    @property
    def idle(self) -> bool:
        """Whether no byte of a request is here and no answer is due."""
        ...

    def give_way(self) -> None:
        """Close the connection at once."""
        ...

    def let_go(self) -> None:
        """Refuse the unfinished request and release its bytes."""
        ...


class Permit:
    """The permit of one connection; `stranger` until it has shown a key."""

    __slots__ = ("held", "holder", "lines", "network", "stranger", "taken")

    def __init__(self, network: str) -> None:
        self.network = network
        self.holder: Holder | None = None
        self.stranger = True
        self.lines: list[_IdleOrder] = []
        """The orders that it is in while it is a stranger."""
        self.held = 0
        """Bytes of an unfinished request."""
        self.taken = True


class _IdleOrder:
    """Strangers in the order in which they are closed."""

    def __init__(self) -> None:
        self._answered: dict[Permit, None] = {}
        self._fresh: dict[Permit, None] = {}

    def __len__(self) -> int:
        return len(self._answered) + len(self._fresh)

    def add(self, permit: Permit) -> None:
        self._fresh[permit] = None

    def answered(self, permit: Permit) -> None:
        """Note an answer without a key: the connection is now closed before those that had no answer yet."""
        self.remove(permit)
        self._answered[permit] = None

    def remove(self, permit: Permit) -> None:
        if permit in self._answered:
            del self._answered[permit]
        else:
            self._fresh.pop(permit, None)

    def first(self) -> Permit | None:
        for line in (self._answered, self._fresh):
            for permit in islice(line, LOOKS_MAX):
                if permit.holder is not None and permit.holder.idle:
                    return permit
        return next(self._all(), None)

    def _all(self) -> Iterator[Permit]:
        return chain(self._answered, self._fresh)


class _Bytes:
    """The bytes of unfinished requests that one sort of connections holds, the oldest holder first."""

    def __init__(self, bound: int) -> None:
        self.total = 0
        self.bound = bound
        self._holders: dict[Permit, None] = {}

    def set(self, permit: Permit, count: int) -> None:
        self.total += count - permit.held
        permit.held = count
        if count:
            self._holders.setdefault(permit)
        else:
            self._holders.pop(permit, None)

    def excess(self) -> Permit | None:
        return next(iter(self._holders), None) if self.total > self.bound else None


class Admission:
    """The permits of all network connections."""

    def __init__(self, bounds: AdmissionLimits, proxies: Proxies | None = None) -> None:
        self.bounds = bounds
        self.open = 0
        self.gave_way = 0
        """All counters count from the start."""
        self.turned_away = 0
        self.let_go = 0
        self.proxies = proxies or Proxies()
        self._strangers = _IdleOrder()
        self._elsewhere = _IdleOrder()
        self._of: dict[str, _IdleOrder] = {}
        self._known: dict[str, None] = {}
        self._bytes = {True: _Bytes(bounds.strangers_bytes), False: _Bytes(bounds.bytes)}
        self._crowding: Counter[str] = Counter()

    @property
    def strangers(self) -> int:
        return len(self._strangers)

    def use(self, bounds: AdmissionLimits) -> None:
        """New bounds, for what comes from now on."""
        self.bounds = bounds
        self._bytes[True].bound, self._bytes[False].bound = bounds.strangers_bytes, bounds.bytes

    def enter(self, address: str) -> Permit | None:
        """A permit for a new connection; None if no other can be closed for it."""
        network = network_of(address)
        if self.open >= self.bounds.permits or self.strangers >= self.bounds.strangers:
            if not self.make_room():
                self.turned_away += 1
                self._count_crowding(network)
                return None
        elif self._too_many(network, address):
            self._shut_down(self._of[network].first())
        permit = Permit(network)
        self.open += 1
        self._line_up(permit)
        return permit

    def prove(self, permit: Permit) -> None:
        """Note that a request on this connection has shown a valid key."""
        if not permit.stranger or not permit.taken:
            return
        self._known.pop(permit.network, None)
        self._known[permit.network] = None
        if len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]
        if self.open - self.strangers >= self.bounds.known:
            return
        held = permit.held
        self._bytes[True].set(permit, 0)
        self._step_out(permit)
        permit.stranger = False
        self._bytes[False].set(permit, held)

    def answered(self, permit: Permit) -> None:
        """Note that a stranger was answered and is idle."""
        for line in permit.lines:
            line.answered(permit)

    def hand_over(self, permit: Permit) -> None:
        """Note that the connection now belongs to the ASGI server."""
        if permit.taken and permit.stranger:
            if len(self._elsewhere) >= self.bounds.elsewhere:
                self._shut_down(self._elsewhere.first())
            permit.lines.append(self._elsewhere)
            self._elsewhere.add(permit)

    def hold(self, permit: Permit, count: int) -> None:
        """Note how many bytes of an unfinished request this connection holds. Another one, or this one, may have to
        release its own.
        """
        sort = self._bytes[permit.stranger]
        sort.set(permit, count if permit.taken else 0)
        while (one := sort.excess()) is not None:
            self.let_go += 1
            self._count_crowding(one.network)
            sort.set(one, 0)
            if one.holder is not None:
                one.holder.let_go()

    def leave(self, permit: Permit) -> None:
        """Note that the connection is closed; may be called twice."""
        if permit.taken:
            self._bytes[permit.stranger].set(permit, 0)
            permit.taken = False
            permit.holder = None  # breaks a reference cycle, which would live until the garbage collector runs
            self.open -= 1
            if permit.stranger:
                self._step_out(permit)

    def make_room(self) -> bool:
        """Close a stranger; False if there is none."""
        return self._shut_down(self._strangers.first())

    @property
    def crowded_by(self) -> str:
        """The address whose connections were closed most often."""
        most = self._crowding.most_common(1)
        return most[0][0] if most else ""

    def _too_many(self, network: str, address: str) -> bool:
        line = self._of.get(network)
        if line is None or len(line) < self.bounds.per_address or network in self._known:
            return False
        return not self.proxies.trust(address)

    def _shut_down(self, permit: Permit | None) -> bool:
        if permit is None:
            return False
        self.gave_way += 1
        self._count_crowding(permit.network)
        holder = permit.holder
        self.leave(permit)
        if holder is not None:
            holder.give_way()
        return True

    def _count_crowding(self, network: str) -> None:
        self._crowding[network] += 1
        if len(self._crowding) > CROWDING_MAX:
            self._crowding = Counter(dict(self._crowding.most_common(CROWDING_MAX // 2)))

    def _line_up(self, permit: Permit) -> None:
        permit.lines = [self._strangers, self._of.setdefault(permit.network, _IdleOrder())]
        for line in permit.lines:
            line.add(permit)

    def _step_out(self, permit: Permit) -> None:
        for line in permit.lines:
            line.remove(permit)
        permit.lines = []
        if not self._of[permit.network]:
            del self._of[permit.network]
