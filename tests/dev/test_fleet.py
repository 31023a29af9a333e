"""The simulated fleet: its vehicles stay within what real ones may say, and its bodies are those of the original."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from original_status import SIGFOX_SAYS

from evd.dev.fleet import (
    FIRST_VEHICLE,
    FLEET_MAX,
    KNEE,
    SHAPES,
    Fleet,
    VehicleState,
    charging_current,
    payload,
    sigfox_callback,
    wlan_body,
)
from evd.errors import ConfigError
from evd.model.connectivity import SIGFOX, WLAN
from evd.model.measures import EV_GRAMMAR
from evd.model.status import vehicle_id
from evd.payload.formats import Formats
from evd.sigfox.decode_policy import decode
from evd.sigfox.message import read_message

NOW_S = 1_700_000_000.0
EV = Formats({}, "ev").default

seeds = st.integers(-(2**31), 2**31)


def story(seed: int, steps: int, vehicle: str = FIRST_VEHICLE, vehicles: int = 1) -> list[VehicleState]:
    fleet = Fleet(vehicles, seed)
    return [fleet.step(vehicle, NOW_S + number) for number in range(steps)]


def as_half(value: float) -> float:
    rounded: float = struct.unpack(">e", struct.pack(">e", value))[0]
    return rounded


# The fleet


def test_the_first_vehicle_is_the_originals_and_no_id_comes_twice() -> None:
    vehicles = Fleet(500, 7).vehicles
    assert vehicles[0] == FIRST_VEHICLE == "386625"
    assert len(set(vehicles)) == 500
    assert all(vehicle_id(vehicle) == vehicle for vehicle in vehicles)


def test_the_same_seed_shows_the_same_story_and_another_seed_another_one() -> None:
    assert story(1, 200) == story(1, 200)
    assert story(1, 200) != story(2, 200)
    assert Fleet(10, 1).vehicles != Fleet(10, 2).vehicles


def test_what_the_others_do_never_changes_a_vehicles_story() -> None:
    fleet = Fleet(3, 1)
    mixed = []
    for number in range(50):
        fleet.step(fleet.vehicles[1 + number % 2], NOW_S)
        mixed.append(fleet.step(FIRST_VEHICLE, NOW_S + number))
    assert mixed == story(1, 50)


@pytest.mark.parametrize("vehicles", [0, -1, FLEET_MAX + 1])
def test_a_fleet_of_no_or_too_many_vehicles_is_refused(vehicles: int) -> None:
    with pytest.raises(ConfigError, match=f"fleet of {vehicles} "):
        Fleet(vehicles, 1)


@given(seeds, st.integers(1, 300))
def test_a_vehicle_stays_within_the_senders_limits(seed: int, steps: int) -> None:
    for state in story(seed, steps):
        assert state.state in (0, 1, 2, 3)
        assert 0 <= state.current_charge <= 100
        assert 0 <= state.target_charge <= 100
        assert 0 <= state.current <= state.max_current <= 1023
        assert 0 <= state.elapsed_time <= 8191
        assert 0 <= state.remain_time <= 8191
        assert 0 <= state.range <= 2047
        assert 10 <= state.elec_consumption <= 30
        assert -40 < state.outdoor_temp < 50
        assert -40 < state.indoor_temp < 50


def test_a_vehicle_drives_charges_idles_and_sleeps() -> None:
    assert {state.state for state in story(1, 500)} == {0, 1, 2, 3}


def test_a_charge_only_grows_until_one_status_says_that_its_target_is_met() -> None:
    ends = 0
    for before, after in pairwise(story(3, 2000)):
        if before.state != 1:
            continue
        if before.current_charge == before.target_charge:
            assert (before.current, before.remain_time) == (0, 0)
            assert after.state == 2
            ends += 1
        else:
            assert after.state == 1
            assert after.current_charge >= before.current_charge
            assert after.remain_time < before.remain_time
            assert after.elapsed_time > before.elapsed_time
    assert ends >= 10


def test_driving_empties_the_battery_and_moves_the_vehicle() -> None:
    drives = [(a, b) for a, b in pairwise(story(3, 500)) if a.state == b.state == 3]
    assert drives
    for before, after in drives:
        assert after.current_charge <= before.current_charge
        assert after.location != before.location


@given(st.floats(0, 100), st.floats(0, 100))
def test_the_charging_current_is_constant_up_to_the_knee_and_falls_behind_it(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert 0 < charging_current(more, 32) <= charging_current(less, 32) <= 32
    assert (charging_current(more, 32) == 32) == (more <= KNEE) or more - KNEE < 1e-9


def test_times_rise_by_a_millisecond_at_least_even_where_the_clock_stands_or_goes_back() -> None:
    fleet = Fleet(1, 1)
    times = [fleet.step(FIRST_VEHICLE, now).time_ms for now in (NOW_S, NOW_S, NOW_S - 60, NOW_S + 1)]
    first = int(NOW_S * 1000)
    assert times == [first, first + 1, first + 2, first + 1000]


def test_the_sequence_number_has_twelve_bits_and_wraps() -> None:
    seqs = [state.seq for state in story(1, 4100)]
    assert all(after == (before + 1) % 4096 for before, after in pairwise(seqs))
    assert 0 in seqs
    assert max(seqs) == 4095


# The bodies


@given(seeds, st.integers(1, 100))
def test_a_payload_decodes_to_what_the_vehicle_said(seed: int, steps: int) -> None:
    state = story(seed, steps)[-1]
    assert EV.decoder.decode(payload(state)) == {
        "state": state.state,
        "current_charge": state.current_charge,
        "target_charge": state.target_charge,
        "current": round(state.current),
        "elapsed_time": state.elapsed_time,
        "remain_time": state.remain_time,
        "range": state.range,
        "elec_consumption": as_half(state.elec_consumption),
        "indoor_temperature": as_half(state.indoor_temp),
    }


REFERENCE = {  # the original's callback body after substitution, for its demo vehicle
    "timestamp": 1639400000,
    "vehicleId": "386625",
    "seqNumber": 118,
    **SIGFOX_SAYS,
}


def test_the_original_shape_is_the_originals_callback_byte_for_byte() -> None:
    state = VehicleState(
        vehicle="386625",
        time_ms=1639400000_789,
        seq=118,
        state=0,
        current_charge=76,
        target_charge=20,
        current=608.0,
        elapsed_time=3929,
        remain_time=2504,
        range=638,
        elec_consumption=15.40625,
        indoor_temp=36.25,
        outdoor_temp=0.0,
        desired_temp=21.0,
        max_current=64.0,
        location="0,0",
    )
    assert orjson.dumps(sigfox_callback(state)) == orjson.dumps(REFERENCE)


def test_the_plain_shape_is_sigfoxs_own_variables() -> None:
    state = story(1, 1)[0]
    assert sigfox_callback(state, "plain") == {
        "device": "386625",
        "time": int(NOW_S),
        "data": payload(state).hex(),
        "seqNumber": state.seq,
    }


def test_the_wlan_body_has_the_originals_fields_and_its_mistake() -> None:
    state = story(1, 1)[0]
    body = wlan_body(state)
    assert ",".join(body) == (
        "timestamp,vehicleId,encoded,advanced,connectivity,state,current_charge,target_charge,current,elapsed_time,"
        "remain_time,range,elec_consumption,indoor_temp,outdoor_temp,desired_temp,max_current,location"
    )
    assert body["timestamp"] == state.time_ms
    assert (body["encoded"], body["advanced"], body["connectivity"]) == (False, True, SIGFOX)


def fields_at_evd(body: dict[str, Any], connectivity: int) -> dict[str, Any]:
    decoded = decode(read_message(orjson.loads(orjson.dumps(body))), None, EV, connectivity)
    assert decoded.flags == ""
    fields: dict[str, Any] = orjson.loads(decoded.fields)
    return fields


@given(seeds)
def test_evd_reads_the_same_status_from_every_body(seed: int) -> None:
    state = story(seed, 20)[-1]
    own = EV.decoder.decode(payload(state))
    for shape in SHAPES:
        assert fields_at_evd(sigfox_callback(state, shape), SIGFOX).items() >= own.items()
    told = fields_at_evd(wlan_body(state), WLAN)
    assert (told["indoor_temperature"], told["current"]) == (state.indoor_temp, state.current)
    assert told["location"] == state.location


def test_the_grammar_of_the_simulator_is_the_daemons_own() -> None:
    assert EV.plan.length == len(payload(story(1, 1)[0])) == 12
    assert EV_GRAMMAR.startswith("state:0:uint:3:big-endian:7 ")


# The traffic
