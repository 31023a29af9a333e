"""A fleet by seed: vehicles that drive, idle, sleep and charge, and the bodies in which they say so.

No clock: the caller gives the time of each status. Whatever that time is, ten minutes of a vehicle's life pass between
two of its statuses, about as between two Sigfox messages (140 a day): a minute of a demo shows hours of charging.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

from evd.errors import ConfigError
from evd.model.connectivity import SIGFOX
from evd.model.measures import EV_GRAMMAR
from evd.payload.codec import decoder_for
from evd.payload.encoder import Encoder
from evd.payload.field_options import FieldOptions
from evd.payload.grammar import parse

FIRST_VEHICLE = "386625"
"""The original system's demo vehicle; every fleet has it."""

FLEET_MAX = 100_000  # a vehicle that has spoken is 3 kB, most of it its dice: 300 MB
STEP_MIN = 10  # minutes of life a status
SEQ_COUNT = 4096  # Sigfox's sequence number has 12 bits

VOLTS = 230  # of the charger, one phase
KNEE = 80  # %: up to here a battery takes the charger's current, above it less and less (constant voltage)
LAST_SHARE = 0.1  # of the charger's current, taken at 100 %
LOW = 20  # %: who arrives with less plugs in
RESERVE = 5  # %: no vehicle drives below it
KM_PER_STEP = 8  # 48 km/h
HOME = (48.1486, 17.1077)  # °: the original project's city


class Activity(IntEnum):
    """The states of the status document."""

    OFF = 0
    CHARGING = 1
    IDLE = 2
    DRIVING = 3


class _Habit(NamedTuple):
    """How long a doing lasts (minutes, least and most), and what may follow it."""

    least: int
    most: int
    then: tuple[Activity, ...]


_DAY = {
    Activity.OFF: _Habit(20, 90, (Activity.DRIVING,)),
    Activity.CHARGING: _Habit(0, 0, (Activity.IDLE,)),  # until its target is met
    Activity.IDLE: _Habit(10, 40, (Activity.DRIVING, Activity.DRIVING, Activity.OFF)),
    Activity.DRIVING: _Habit(20, 90, (Activity.IDLE, Activity.OFF, Activity.CHARGING)),
}


class VehicleState(msgspec.Struct, frozen=True, kw_only=True):
    """What a vehicle knows of itself at one time.

    `time_ms` is epoch ms, charges are %, currents A, times min, `range` km, `elec_consumption` kWh/100 km,
    temperatures °C, `location` "latitude,longitude" in °. Elapsed and remaining time are those of a charge, else 0.
    """

    vehicle: str
    time_ms: int
    seq: int
    state: int
    current_charge: int
    target_charge: int
    current: float
    elapsed_time: int
    remain_time: int
    range: int
    elec_consumption: float
    indoor_temp: float
    outdoor_temp: float
    desired_temp: float
    max_current: float
    location: str


def charging_current(charge: float, max_current: float) -> float:
    """What the battery takes (A) at `charge` %: all it is offered up to the knee, then evenly less."""
    if charge <= KNEE:
        return max_current
    return max_current * (1 - (1 - LAST_SHARE) * (charge - KNEE) / (100 - KNEE))


@dataclass(slots=True)
class _Life:
    """One vehicle as it lives: everything with its fractions. `dice` are its own, so others never change its story."""

    dice: random.Random
    capacity: float  # kWh
    max_current: float  # A
    consumption: float  # kWh/100 km
    desired: float  # °C
    mean_outdoor: float  # °C
    charge: float  # %
    indoor: float  # °C
    latitude: float
    longitude: float
    seq: int
    doing: Activity = Activity.IDLE
    target: int = 80
    age: int = 0  # minutes
    since: int = 0  # minutes in this doing
    until: int = 0
    time_ms: int = 0

    @classmethod
    def born(cls, dice: random.Random) -> _Life:
        mean = dice.uniform(-5, 25)
        life = cls(
            dice=dice,
            capacity=dice.choice((36.0, 52.0, 77.0)),
            max_current=dice.choice((16.0, 32.0, 64.0)),
            consumption=dice.uniform(13, 20),
            desired=dice.choice((20.0, 21.0, 22.5)),
            mean_outdoor=mean,
            charge=dice.uniform(15, 95),
            indoor=mean + 2,
            latitude=HOME[0] + dice.uniform(-0.1, 0.1),
            longitude=HOME[1] + dice.uniform(-0.1, 0.1),
            seq=dice.randrange(SEQ_COUNT),
            age=dice.randrange(24 * 60),
        )
        life._begin(dice.choice(list(Activity)))
        return life

    def pass_time(self) -> None:
        """STEP_MIN minutes later."""
        if self._over():
            self._begin(self.dice.choice(self._next()))
        self.age += STEP_MIN
        self.since += STEP_MIN
        if self.doing is Activity.CHARGING:
            self._charge()
        elif self.doing is Activity.DRIVING:
            self._drive()
        self._warm()

    @property
    def outdoor(self) -> float:
        """Warmest in the afternoon, coldest before dawn."""
        return self.mean_outdoor + 6 * math.sin(2 * math.pi * (self.age / (24 * 60) - 0.4))

    def remaining(self) -> int:
        """Minutes until the target, by the curve, a percent at a time."""
        if self.doing is not Activity.CHARGING:
            return 0
        at, minutes = self.charge, 0.0
        while at < self.target:
            step = min(1.0, self.target - at)
            minutes += step / self._percent_a_minute(at)
            at += step
        return math.ceil(minutes)

    def _percent_a_minute(self, charge: float) -> float:
        return charging_current(charge, self.max_current) * VOLTS / 1000 / 60 / self.capacity * 100

    def _charge(self) -> None:
        for _ in range(STEP_MIN):
            self.charge = min(self.charge + self._percent_a_minute(self.charge), float(self.target))

    def _drive(self) -> None:
        self.consumption = min(max(self.consumption + self.dice.uniform(-0.5, 0.5), 11.0), 25.0)
        self.charge = max(self.charge - KM_PER_STEP * self.consumption / self.capacity, 0.0)
        # About as far as KM_PER_STEP, bent back towards home: a degree of latitude is 111 km.
        self.latitude += self.dice.uniform(-0.07, 0.07) + (HOME[0] - self.latitude) * 0.2
        self.longitude += self.dice.uniform(-0.1, 0.1) + (HOME[1] - self.longitude) * 0.2

    def _warm(self) -> None:
        aim, share = (self.desired, 0.5) if self.doing is Activity.DRIVING else (self.outdoor, 0.15)
        self.indoor += (aim - self.indoor) * share

    def _over(self) -> bool:
        if self.doing is Activity.CHARGING:
            return self.charge >= self.target
        return self.since >= self.until or (self.doing is Activity.DRIVING and self.charge < RESERVE)

    def _next(self) -> tuple[Activity, ...]:
        if self.doing is not Activity.CHARGING and self.charge < LOW:
            return (Activity.CHARGING,)
        return _DAY[self.doing].then

    def _begin(self, doing: Activity) -> None:
        habit = _DAY[doing]
        self.doing, self.since = doing, 0
        self.until = self.dice.randint(habit.least, habit.most)
        if doing is Activity.CHARGING:
            self.target = self.dice.choice([aim for aim in (80, 90, 100) if aim > self.charge] or [100])


class Fleet:
    """Vehicles by seed: the same seed and number of vehicles give the same days, and each vehicle has its own."""

    def __init__(self, vehicles: int, seed: int) -> None:
        """Raises ConfigError unless there are 1 to FLEET_MAX vehicles."""
        if not 1 <= vehicles <= FLEET_MAX:
            raise ConfigError(f"a fleet of {vehicles} vehicles cannot be simulated: ask for 1 to {FLEET_MAX}")
        self._seed = seed
        dice = random.Random(f"fleet {seed}")  # noqa: S311  # to be repeated, not to be secret
        # From 100000 on, so that an id has six digits and none leads with a zero.
        drawn = [f"{number:X}" for number in dice.sample(range(0x100000, 0x1000000), vehicles)]
        self.vehicles = (FIRST_VEHICLE, *[vehicle for vehicle in drawn if vehicle != FIRST_VEHICLE][: vehicles - 1])
        self._lives: dict[str, _Life | None] = dict.fromkeys(self.vehicles)

    def step(self, vehicle: str, now_s: float, *, frame: bool = True) -> VehicleState:
        """STEP_MIN minutes of the vehicle's life later: what it says of itself at `now_s` (epoch s).

        `frame` is whether it says so in a Sigfox frame: what goes another way is not numbered by the modem.

        Its times rise by a millisecond at least, so that no two statuses are the same message however fast they are
        asked for. Raises KeyError for a vehicle of no fleet.
        """
        life = self._lives[vehicle] or self._bear(vehicle)
        life.pass_time()
        life.time_ms = max(int(now_s * 1000), life.time_ms + 1)
        if frame:
            life.seq = (life.seq + 1) % SEQ_COUNT
        return _spoken(vehicle, life)

    def _bear(self, vehicle: str) -> _Life:
        life = self._lives[vehicle] = _Life.born(random.Random(f"{vehicle} {self._seed}"))  # noqa: S311
        return life


def _tenths(value: float) -> float:
    return round(value, 1) + 0.0  # which makes -0.0 a plain zero


def _spoken(vehicle: str, life: _Life) -> VehicleState:
    remaining = life.remaining()
    return VehicleState(
        vehicle=vehicle,
        time_ms=life.time_ms,
        seq=life.seq,
        state=life.doing.value,
        current_charge=int(life.charge),
        target_charge=life.target,
        current=_tenths(charging_current(life.charge, life.max_current)) if remaining else 0.0,
        elapsed_time=life.since if life.doing is Activity.CHARGING else 0,
        remain_time=remaining,
        range=int(life.charge * life.capacity / life.consumption),
        elec_consumption=_tenths(life.consumption),
        indoor_temp=_tenths(life.indoor),
        outdoor_temp=_tenths(life.outdoor),
        desired_temp=life.desired,
        max_current=life.max_current,
        location=f"{life.latitude:.4f},{life.longitude:.4f}",
    )


_HALF = FieldOptions(half=True)
_encoder = Encoder(parse(EV_GRAMMAR, {"elec_consumption": _HALF, "indoor_temp": _HALF}))
_sigfox_cloud = decoder_for(parse(EV_GRAMMAR))  # which knows the grammar and nothing of half floats


def payload(state: VehicleState) -> bytes:
    """The 12 bytes of a Sigfox frame: current in whole amperes, consumption and indoor temperature as half floats."""
    return _encoder.encode(
        {
            "state": state.state,
            "current_charge": state.current_charge,
            "target_charge": state.target_charge,
            "current": round(state.current),
            "elapsed_time": state.elapsed_time,
            "remain_time": state.remain_time,
            "range": state.range,
            "elec_consumption": state.elec_consumption,
            "indoor_temp": state.indoor_temp,
        }
    )


def _original(state: VehicleState) -> dict[str, Any]:
    """The original system's callback: the fields as Sigfox Cloud decodes them, half floats as 16-bit integers."""
    frame = payload(state)
    return {
        "timestamp": state.time_ms // 1000,
        "vehicleId": state.vehicle,
        "seqNumber": state.seq,
        "rawdata": frame.hex(),
        "advanced": False,
        "connectivity": SIGFOX,
        **_sigfox_cloud.decode(frame),
    }


def _plain(state: VehicleState) -> dict[str, Any]:
    """Sigfox's own variables."""
    return {
        "device": state.vehicle,
        "time": state.time_ms // 1000,
        "data": payload(state).hex(),
        "seqNumber": state.seq,
    }


SHAPES: dict[str, Callable[[VehicleState], dict[str, Any]]] = {"original": _original, "plain": _plain}


def sigfox_callback(state: VehicleState, shape: str = "original") -> dict[str, Any]:
    """The body of a Sigfox callback in one of SHAPES; its time is in s. Raises KeyError for another shape."""
    return SHAPES[shape](state)


def wlan_body(state: VehicleState) -> dict[str, Any]:
    """What the original's simulator posts over WLAN; it says connectivity 1 by mistake, and so does this."""
    return {
        "timestamp": state.time_ms,
        "vehicleId": state.vehicle,
        "encoded": False,
        "advanced": True,
        "connectivity": SIGFOX,
        "state": state.state,
        "current_charge": state.current_charge,
        "target_charge": state.target_charge,
        "current": state.current,
        "elapsed_time": state.elapsed_time,
        "remain_time": state.remain_time,
        "range": state.range,
        "elec_consumption": state.elec_consumption,
        "indoor_temp": state.indoor_temp,
        "outdoor_temp": state.outdoor_temp,
        "desired_temp": state.desired_temp,
        "max_current": state.max_current,
        "location": state.location,
    }
