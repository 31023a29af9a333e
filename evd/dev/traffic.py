"""What a fleet sends, in which order: each vehicle in turn, with redeliveries and late ones among the new."""

from __future__ import annotations

import random
from enum import StrEnum
from itertools import cycle
from typing import NamedTuple

import orjson

from evd.dev.fleet import Fleet, VehicleState, sigfox_callback, wlan_body
from evd.errors import ConfigError


class Channel(StrEnum):
    """By which way a status comes."""

    SIGFOX = "sigfox"
    WLAN = "wlan"


class IngestRoute(NamedTuple):
    """How a channel calls: its path, the role of its key, and the original's name of it in `connectivityMethod`."""

    path: str
    role: str
    method: str


INGEST_ROUTES = {
    Channel.SIGFOX: IngestRoute("/sigfox/uplink", "sigfox", "sigfox"),
    Channel.WLAN: IngestRoute("/wlan", "device", "network"),
}

#: Choice of channels → the channels of the rounds in which every vehicle speaks once.
CHANNELS: dict[str, tuple[Channel, ...]] = {
    "sigfox": (Channel.SIGFOX,),
    "wlan": (Channel.WLAN,),
    "both": (Channel.SIGFOX, Channel.WLAN),
}


class Call(NamedTuple):
    """One request to send; `kind` is "new", "duplicate" or "late"."""

    channel: Channel
    vehicle: str
    body: bytes
    kind: str = "new"


class Traffic:
    """An endless sequence of calls, the same for the same fleet and seed."""

    def __init__(
        self,
        fleet: Fleet,
        *,
        channels: tuple[Channel, ...] = (Channel.SIGFOX,),
        shape: str = "original",
        duplicates: float = 0,
        late: float = 0,
        seed: int = 0,
    ) -> None:
        """`duplicates` and `late` are % of the calls that send the one before again, or come after a newer one.

        Raises ConfigError where a percentage is none.
        """
        for name, percent in (("duplicates", duplicates), ("late", late)):
            if not 0 <= percent <= 50:
                raise ConfigError(f"{percent:g} % of the calls cannot be {name}: ask for 0 to 50")
        self._fleet = fleet
        self._turns = cycle([(channel, vehicle) for channel in channels for vehicle in fleet.vehicles])
        self._shape = shape
        self._duplicates = duplicates / 100
        self._late = late / 100
        self._dice = random.Random(f"traffic {seed}")  # noqa: S311  # to be repeated, not to be secret
        self._held: Call | None = None
        self._last: Call | None = None

    def next(self, now_s: float) -> Call:
        """The call to send at `now_s` (epoch s)."""
        if self._held is not None:
            call, self._held = self._held, None
        elif self._last is not None and self._dice.random() < self._duplicates:
            return self._last._replace(kind="duplicate")
        else:
            call = self._fresh(now_s)
        self._last = call
        return call

    def _fresh(self, now_s: float) -> Call:
        channel, vehicle = next(self._turns)
        call = self._said(channel, vehicle, now_s)
        if self._dice.random() < self._late:
            # The vehicle speaks twice, and what it said first comes second.
            self._held = call._replace(kind="late")
            call = self._said(channel, vehicle, now_s)
        return call

    def _said(self, channel: Channel, vehicle: str, now_s: float) -> Call:
        state = self._fleet.step(vehicle, now_s, frame=channel is Channel.SIGFOX)
        return Call(channel, vehicle, _body(state, channel, self._shape))


def _body(state: VehicleState, channel: Channel, shape: str) -> bytes:
    return orjson.dumps(sigfox_callback(state, shape) if channel is Channel.SIGFOX else wlan_body(state))
