"""Who has a place among the connections, and who gives way where there are too many of them, or of their bytes.

Pure: connections come and go here by their calls. A connection is a stranger's until one of its requests has shown a
good key. Strangers give way to whoever comes, those first that had their answer and rest, the oldest first; they never
have all places, and of one address only so many, unless somebody from there has shown a key. So a callback finds a
place whatever strangers do, and a connection with a key keeps its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple, Protocol

from evd.net.addresses import Proxies, network_of

LOOKS_MAX = 32
"""Strangers in a line that are looked at for one who rests; where so many are busy, the first of them gives way."""

KNOWN_MAX = 4096
"""Addresses that are remembered for a key, the one that showed one last comes last: callers are some hundred."""

TOLD_MAX = 1024
"""Addresses whose strangers gave way, which are counted for the alarm."""


class AdmissionLimits(NamedTuple):
    """`places` for connections, `per_address` for strangers from one; bytes are those of unfinished requests."""

    places: int
    per_address: int
    strangers_bytes: int
    bytes: int

    @property
    def strangers(self) -> int:
        """The rest is kept for connections that have shown a key."""
        return self.places - self.places // 4

    @property
    def elsewhere(self) -> int:
        """Strangers handed over to the second server: each costs it 25 KiB and some tasks."""
        return max(1, self.places // 8)

    @property
    def known(self) -> int:
        """The rest is kept for newcomers; connections with a key beyond it give way as strangers do."""
        return self.places - self.places // 16


class Holder(Protocol):
    """Who holds a place: a connection at either door."""

    @property
    def idle(self) -> bool:
        """No byte of a request is here, and no answer is due."""
        ...

    def give_way(self) -> None:
        """Be gone, at once."""
        ...

    def let_go(self) -> None:
        """Refuse the request that is not whole, and forget its bytes."""
        ...


class Slot:
    """One connection's; `stranger` until it has shown a key."""

    __slots__ = ("held", "holder", "lines", "network", "stranger", "taken")

    def __init__(self, network: str) -> None:
        self.network = network
        self.holder: Holder | None = None
        self.stranger = True
        self.lines: list[_IdleOrder] = []
        """Those that it stands in, as long as it is a stranger's."""
        self.held = 0
        """Bytes of a request that is not whole."""
        self.taken = True


class _IdleOrder:
    """Strangers in the order in which they give way."""

    def __init__(self) -> None:
        self._answered: dict[Slot, None] = {}
        self._fresh: dict[Slot, None] = {}

    def __len__(self) -> int:
        return len(self._answered) + len(self._fresh)

    def add(self, place: Slot) -> None:
        self._fresh[place] = None

    def answered(self, place: Slot) -> None:
        """It had an answer without a key: from here on it goes before those that had none yet."""
        self.remove(place)
        self._answered[place] = None

    def remove(self, place: Slot) -> None:
        if place in self._answered:
            del self._answered[place]
        else:
            self._fresh.pop(place, None)

    def first(self) -> Slot | None:
        for line in (self._answered, self._fresh):
            for place in islice(line, LOOKS_MAX):
                if place.holder is not None and place.holder.idle:
                    return place
        return next(self._all(), None)

    def _all(self) -> Iterator[Slot]:
        return chain(self._answered, self._fresh)


class _Bytes:
    """What connections of one sort hold of unfinished requests, the oldest holder first."""

    def __init__(self, bound: int) -> None:
        self.total = 0
        self._bound = bound
        self._holders: dict[Slot, None] = {}

    def set(self, place: Slot, count: int) -> None:
        self.total += count - place.held
        place.held = count
        if count:
            self._holders.setdefault(place)
        else:
            self._holders.pop(place, None)

    def excess(self) -> Slot | None:
        return next(iter(self._holders), None) if self.total > self._bound else None


class Admission:
    """The places of all connections of the network."""

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
        self._told: Counter[str] = Counter()

    @property
    def strangers(self) -> int:
        return len(self._strangers)

    def enter(self, address: str) -> Slot | None:
        """A place for a new connection; None where nobody can give way to it."""
        network = network_of(address)
        if self.open >= self.bounds.places or self.strangers >= self.bounds.strangers:
            if not self.make_room():
                self.turned_away += 1
                self._tell(network)
                return None
        elif self._too_many(network, address):
            self._shut_down(self._of[network].first())
        place = Slot(network)
        self.open += 1
        self._line_up(place)
        return place

    def prove(self, place: Slot) -> None:
        """A request on this connection has shown a good key."""
        if not place.stranger or not place.taken:
            return
        self._known.pop(place.network, None)
        self._known[place.network] = None
        if len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]
        if self.open - self.strangers >= self.bounds.known:
            return
        held = place.held
        self._bytes[True].set(place, 0)
        self._step_out(place)
        place.stranger = False
        self._bytes[False].set(place, held)

    def answered(self, place: Slot) -> None:
        """A stranger was answered, and rests."""
        for line in place.lines:
            line.answered(place)

    def hand_over(self, place: Slot) -> None:
        """From here on the connection is the second server's."""
        if place.taken and place.stranger:
            if len(self._elsewhere) >= self.bounds.elsewhere:
                self._shut_down(self._elsewhere.first())
            place.lines.append(self._elsewhere)
            self._elsewhere.add(place)

    def hold(self, place: Slot, count: int) -> None:
        """So many bytes of a request that is not whole are kept for this connection. Another one, or itself, may be
        asked to let go of its own.
        """
        sort = self._bytes[place.stranger]
        sort.set(place, count if place.taken else 0)
        while (one := sort.excess()) is not None:
            self.let_go += 1
            self._tell(one.network)
            sort.set(one, 0)
            if one.holder is not None:
                one.holder.let_go()

    def leave(self, place: Slot) -> None:
        """The connection is gone; said twice does no harm."""
        if place.taken:
            self._bytes[place.stranger].set(place, 0)
            place.taken = False
            place.holder = None  # else the two would keep each other, and what they hold, until the collector comes
            self.open -= 1
            if place.stranger:
                self._step_out(place)

    def make_room(self) -> bool:
        """Have a stranger give way; False where there is none."""
        return self._shut_down(self._strangers.first())

    @property
    def crowded_by(self) -> str:
        """Whose connections gave way most."""
        told = self._told.most_common(1)
        return told[0][0] if told else ""

    def _too_many(self, network: str, address: str) -> bool:
        line = self._of.get(network)
        if line is None or len(line) < self.bounds.per_address or network in self._known:
            return False
        return not self.proxies.trust(address)

    def _shut_down(self, place: Slot | None) -> bool:
        if place is None:
            return False
        self.gave_way += 1
        self._tell(place.network)
        holder = place.holder
        self.leave(place)
        if holder is not None:
            holder.give_way()
        return True

    def _tell(self, network: str) -> None:
        self._told[network] += 1
        if len(self._told) > TOLD_MAX:
            self._told = Counter(dict(self._told.most_common(TOLD_MAX // 2)))

    def _line_up(self, place: Slot) -> None:
        place.lines = [self._strangers, self._of.setdefault(place.network, _IdleOrder())]
        for line in place.lines:
            line.add(place)

    def _step_out(self, place: Slot) -> None:
        for line in place.lines:
            line.remove(place)
        place.lines = []
        if not self._of[place.network]:
            del self._of[place.network]
