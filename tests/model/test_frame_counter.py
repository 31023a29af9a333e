"""The count of frames: what a gap says. What a store makes of it is in its contract."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson
import pytest
from builders import NOW
from daemon_process import run_evd, running_daemon
from hypothesis import given
from hypothesis import strategies as st

from evd.config.settings import Config
from evd.model.frame_counter import SEQ_MAX, DayTally, Gap, gap
from evd.model.units import DAY_MS, HOUR_MS

VEHICLE = "386625"
CONTRACT = Config().sigfox.daily_budget
MIDNIGHT = NOW // DAY_MS * DAY_MS


@pytest.mark.parametrize(
    ("before", "after", "elapsed_ms", "expected"),
    [
        pytest.param(7, 8, 0, Gap(0, False), id="the next one"),
        pytest.param(7, 7, HOUR_MS, Gap(0, False), id="the same again"),
        pytest.param(7, 10, HOUR_MS, Gap(2, False), id="two between"),
        pytest.param(4095, 0, HOUR_MS, Gap(0, False), id="round the end"),
        pytest.param(4094, 1, HOUR_MS, Gap(2, False), id="a gap round the end"),
        pytest.param(0, 280, 0, Gap(279, False), id="at once, two days' contract at most"),
        pytest.param(0, 281, 0, Gap(0, True), id="at once, more than that"),
        pytest.param(0, 420, DAY_MS, Gap(419, False), id="a day later, three days' contract"),
        pytest.param(0, 421, DAY_MS, Gap(0, True), id="a day later, more than that"),
        pytest.param(0, 3000, 10 * DAY_MS, Gap(2999, False), id="ten days later, 300 for each"),
        pytest.param(0, 3001, 10 * DAY_MS, Gap(0, True), id="ten days later, more than that"),
        pytest.param(900, 0, HOUR_MS, Gap(0, True), id="flashed: from 0 again"),
        pytest.param(1, 0, 14 * DAY_MS, Gap(4094, False), id="so long that every number may have been used"),
    ],
)
def test_a_gap_is_what_the_network_lets_pass_and_a_restart_beyond(
    before: int, after: int, elapsed_ms: int, expected: Gap
) -> None:
    assert gap(before, after, elapsed_ms, CONTRACT) == expected


@pytest.mark.parametrize(
    ("contract", "jump", "elapsed_ms", "expected"),
    [
        pytest.param(2, 4, 0, Gap(3, False), id="a small contract: four at once"),
        pytest.param(2, 5, 0, Gap(0, True), id="a small contract: five are a restart"),
        pytest.param(2, 300, DAY_MS, Gap(299, False), id="a day later 300 pass, whatever the contract"),
        pytest.param(2, 301, DAY_MS, Gap(0, True), id="a day later, more than that"),
        pytest.param(1000, 2000, 0, Gap(1999, False), id="a large contract: two days of it at once"),
        pytest.param(1000, 2001, 0, Gap(0, True), id="a large contract: more than that"),
    ],
)
def test_what_passes_depends_on_the_contract(contract: int, jump: int, elapsed_ms: int, expected: Gap) -> None:
    assert gap(0, jump, elapsed_ms, contract) == expected
    tally = DayTally(NOW - elapsed_ms, 0, 1)
    tally.add(NOW, jump, contract)
    assert (tally.received, tally.lost, tally.resets) == (2, expected.lost, int(expected.reset))


@given(st.integers(0, SEQ_MAX), st.integers(0, SEQ_MAX), st.integers(0, 60 * DAY_MS))
def test_a_gap_loses_less_than_a_whole_round_and_a_restart_loses_nothing(before: int, after: int, elapsed: int) -> None:
    lost, reset = gap(before, after, elapsed, CONTRACT)
    assert 0 <= lost < SEQ_MAX
    assert not (reset and lost)


def test_a_tally_of_nothing_has_no_day_and_begins_with_any_frame() -> None:
    tally = DayTally()
    assert not tally.time < 0 < tally.midnight, "whatever comes belongs to another day"
    tally.turn(NOW, 4000, CONTRACT)
    assert tally.numbers == (NOW, 4000, 1, 0, 0)
    assert tally.midnight == MIDNIGHT + DAY_MS


def test_the_days_are_shown_by_command_and_by_the_api(tmp_path: Path) -> None:
    directory = tmp_path / "evd"
    with running_daemon(directory, env={"EVD_SIGFOX__DAILY_BUDGET": "50"}) as daemon:
        sigfox = {"x-api-key": daemon.keys["sigfox"]}
        for time, seq in ((MIDNIGHT, 4095), (MIDNIGHT + HOUR_MS, 1), (MIDNIGHT + DAY_MS, 2)):
            document = {"device": "00386625", "time": time // 1000, "data": "01", "seqNumber": seq}
            answer = httpx.post(f"{daemon.url}/sigfox/uplink", json=document, headers=sigfox)
            assert answer.status_code == 201
        shown = run_evd("vehicle", "days", "0386625", "--json", "--dir", directory)
        assert orjson.loads(shown.stdout) == [
            {"vehicle": VEHICLE, "day": day, "received": received, "lost": lost, "resets": 0, "share": share}
            | {"used": received + lost, "of": 50}
            for day, received, lost, share in (("2023-11-14", 2, 1, 66.7), ("2023-11-15", 1, 0, 100.0))
        ]
        lines = run_evd("vehicle", "days", VEHICLE, "--dir", directory).stdout.splitlines()
        assert lines[0].split("  ")[0] == "DAY (UTC)"
        assert lines[1].split() == ["2023-11-14", "2", "1", "66.7", "0", "3", "50"]
        unknown = run_evd("vehicle", "days", "FFFF", "--dir", directory)
        assert unknown.returncode != 0 and "vehicle FFFF is unknown" in unknown.stderr
        path = f"{daemon.url}/api/v1/vehicles/{VEHICLE}/days"
        assert httpx.get(path, headers={"x-api-key": daemon.keys["app"]}).status_code == 401, "for the vehicle's users"
        assert len(httpx.get(path, headers={"x-api-key": daemon.keys["admin"]}).json()) == 2
