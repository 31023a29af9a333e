"""What a fleet sends, in which order: each vehicle in turn, with redeliveries and late ones."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import Any

import orjson
import pytest

from evd.dev.fleet import (
    Fleet,
)
from evd.dev.traffic import CHANNELS, Call, Channel, Traffic
from evd.errors import ConfigError

NOW_S = 1_700_000_000.0


def calls(count: int, vehicles: int = 3, **options: Any) -> list[Call]:
    traffic = Traffic(Fleet(vehicles, 1), **options)
    return [traffic.next(NOW_S + number) for number in range(count)]


def test_each_vehicle_speaks_in_its_turn() -> None:
    spoken = [call.vehicle for call in calls(6)]
    assert spoken == list(Fleet(3, 1).vehicles) * 2


def test_both_channels_take_turns_and_each_has_its_own_body() -> None:
    made = calls(12, channels=CHANNELS["both"])
    assert [call.channel for call in made] == ([Channel.SIGFOX] * 3 + [Channel.WLAN] * 3) * 2
    assert all(("rawdata" in orjson.loads(call.body)) == (call.channel is Channel.SIGFOX) for call in made)


def test_a_duplicate_is_the_call_before_it_once_more() -> None:
    made = calls(1000, duplicates=20)
    again = [(before, call) for before, call in pairwise(made) if call.kind == "duplicate"]
    assert all(call.body == before.body and call.channel == before.channel for before, call in again)
    assert 150 < len(again) < 250
    new = [call.body for call in made if call.kind != "duplicate"]
    assert len(set(new)) == len(new)


def test_a_late_call_is_older_than_the_one_before_it_of_the_same_vehicle() -> None:
    made = calls(1000, late=20)
    late = [
        (orjson.loads(before.body), orjson.loads(call.body)) for before, call in pairwise(made) if call.kind == "late"
    ]
    assert 100 < len(late) < 250
    for newer, older in late:
        assert older["vehicleId"] == newer["vehicleId"]
        assert (older["seqNumber"] + 1) % 4096 == newer["seqNumber"]


def test_what_goes_by_wlan_is_no_frame_that_sigfox_could_have_lost() -> None:
    traffic = Traffic(Fleet(1, 1), channels=CHANNELS["both"])
    made = [traffic.next(NOW_S + number) for number in range(40)]
    seqs = [orjson.loads(call.body)["seqNumber"] for call in made if call.channel is Channel.SIGFOX]
    assert len(seqs) == 20
    assert all(after == (before + 1) % 4096 for before, after in pairwise(seqs))


@pytest.mark.parametrize("options", [{"duplicates": -1}, {"duplicates": 51}, {"late": 50.1}, {"late": float("nan")}])
def test_a_share_that_cannot_be_kept_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        Traffic(Fleet(1, 1), **options)


def test_the_same_seed_makes_the_same_traffic() -> None:
    def made(seed: int) -> list[Call]:
        traffic = Traffic(Fleet(5, 1), duplicates=10, late=10, seed=seed)
        return list(islice(iter(lambda: traffic.next(NOW_S), None), 200))

    assert made(1) == made(1)
    assert made(1) != made(2)
