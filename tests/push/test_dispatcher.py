"""Pushes to one provider: FCM's rules, spoken over HTTP to the fake, with both clocks in the test's hands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from push_chain import NOW, chain

from evd.model.operations import Register, Renew
from evd.model.units import DAY_MS, HOUR_MS

PUSHED = "SELECT count(*) FROM pushed"
ATTEMPTS = "SELECT max(attempts) FROM deliveries"


async def test_each_registration_gets_each_new_newest_status_in_the_originals_form(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("phone-a", "phone-b")
        await one.arrive(1)
        await one.until(PUSHED, 2)
        messages = {send["message"]["token"]: send["message"] for send in one.fake.sends}
        assert set(messages) == {"phone-a", "phone-b"}
        message = messages["phone-a"]
        assert message["android"] == {
            "ttl": "60s",
            "priority": "normal",
            "restricted_package_name": "com.martin.carcharge",
        }
        data = message["data"]
        assert data["event_id"] == "0000000000000001"
        assert data["time"] == str(NOW + 1)
        assert json.loads(data["serialized"])["vehicleId"] == "00386625"


async def test_a_late_status_and_a_redelivery_are_not_pushed(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("phone-a")
        for number in (5, 4, 5):
            await one.arrive(number)
        assert await one.sent(1) == [("phone-a", 200)]


async def test_what_a_vehicle_said_before_is_no_news_to_who_registers(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.arrive(1)
        await one.register("phone-a")
        await one.quiet()
        assert one.fake.sends == []


async def test_a_newer_state_replaces_an_unsent_older_one(tmp_path: Path) -> None:
    async with chain(tmp_path, in_flight_max=1) as one:
        await one.register("slow0.2-a")
        for number in range(1, 21):
            await one.arrive(number)
        await one.sent(2)
        assert [send["message"]["data"]["event_id"] for send in one.fake.sends] == [f"{1:016x}", f"{20:016x}"]


async def test_each_event_is_pushed_urgently(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("phone-a", "phone-b")
        for number in (1, 2, 3):
            await one.event(number)
        await one.sent(6)
        assert {send["message"]["android"]["priority"] for send in one.fake.sends} == {"high"}
        assert len({(s["message"]["token"], s["message"]["data"]["event_id"]) for s in one.fake.sends}) == 6
        assert one.rows("SELECT count(*) FROM outbox") == [(0,)]


async def test_a_repeat_comes_when_its_time_has_come_and_not_before_and_then_later_each_time(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("unavailable-1")
        await one.arrive(1)
        for attempt, wait_s in enumerate((10, 10, 20, 40, 80, 160, 300, 300), 1):
            await one.until(ATTEMPTS, attempt)
            await one.sent(attempt)
            one.pass_s(wait_s - 0.1)
            await one.sent(attempt)
            one.pass_s(0.1)
        assert one.rows("SELECT token FROM registrations") == [("unavailable-1",)]


async def test_a_state_is_given_up_after_an_hour_and_a_newer_one_is_not(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("unavailable-1")
        await one.arrive(1)
        await one.sent(1)
        one.pass_s(3600)
        await one.until("SELECT outcome FROM pushed", "expired before it could be sent")
        await one.arrive(2)
        await one.sent(2)


async def test_from_a_start_the_rate_ramps_up(tmp_path: Path) -> None:
    async with chain(tmp_path, rate_max=10.0, ramp_s=60.0) as one:
        await one.register(*[f"phone-{number}" for number in range(20)])
        await one.arrive(1)
        await one.sent(1)
        for _ in range(12):
            one.pass_s(1)
            await one.quiet()
        assert 8 <= len(one.fake.sends) <= 14, "12 seconds from 0.1 to 2 a second"
        one.pass_s(60)
        for _ in range(20):
            await one.quiet()
            one.pass_s(0.15)
        assert len(one.fake.sends) == 20


async def test_a_phone_is_sent_no_more_than_a_device_may_get(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        for vehicle in range(100, 260):
            await one.register("phone-a", vehicle=str(vehicle))
        for vehicle in range(100, 260):
            await one.arrive(1, str(vehicle))
        await one.sent(150)
        one.pass_s(7.5)
        await one.quiet()
        assert len(one.fake.sends) == 160


async def test_a_phone_not_seen_for_thirty_days_is_sent_nothing_until_its_app_starts(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("phone-a")
        one.pass_s(30 * 86_400)
        await one.arrive(1)
        await one.quiet()
        assert one.fake.sends == []
        await one.register("phone-a")
        await one.sent(1)
        await one.arrive(2)
        await one.sent(2)


async def test_a_phone_of_the_originals_app_is_sent_everything_as_long_as_fcm_takes_it(tmp_path: Path) -> None:
    """It registers once, at log-in: no time that passes since means anything."""
    async with chain(tmp_path) as one:
        await one.do(Register("386625", "386625", "phone-a", "martin", NOW, client="original"))
        one.pass_s(400 * 86_400)
        await one.arrive(1)
        await one.event(1)
        await one.sent(2)


async def test_a_phone_that_counts_as_seen_again_is_sent_its_vehicles_last_status(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("phone-a")
        one.pass_s(40 * 86_400)
        await one.arrive(1)
        await one.sent(0)
        await one.do(Renew("martin", one.clocks.now))
        await one.sent(1)


async def test_a_phone_that_is_another_users_now_gets_nothing_of_the_former_ones_vehicle(tmp_path: Path) -> None:
    async with chain(tmp_path, rate_max=1.0) as one:
        await one.register("phone-z", "phone-a")
        await one.arrive(1)
        await one.sent(1)
        await one.register("phone-a", "phone-z", vehicle="B", uid="boris")
        for _ in range(5):
            one.pass_s(1)
            await one.quiet()
        assert len(one.fake.sends) == 1


async def test_a_clock_set_forward_by_years_loses_nothing_and_sends_nothing_twice(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("flaky-1")
        await one.arrive(1)
        await one.sent(1)
        one.set_clock(NOW + 730 * DAY_MS)
        await one.sent(2)
        assert one.rows("SELECT taken FROM pushed") == [(1,)]


async def test_a_clock_set_back_by_years_keeps_no_repeat_waiting_for_years(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("flaky-1")
        await one.arrive(1)
        await one.sent(1)
        one.set_clock(NOW - 730 * DAY_MS)
        await one.quiet()
        ((due,),) = one.rows("SELECT due FROM deliveries")
        assert due <= one.clocks.now + 2 * HOUR_MS
        assert len(one.fake.sends) == 1, "and it is no reason to hurry"
        one.pass_s(2 * 3600)
        await one.sent(2)


async def test_a_phone_that_hangs_does_not_delay_the_others(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("hang-1", "phone-a")
        for number in range(1, 4):
            await one.arrive(number)
            await one.until(PUSHED, number)
        await one.quiet()  # on disk is not yet told
        assert one.dispatcher.in_flight == 1
        assert {send["message"]["token"] for send in one.fake.sends if send["status"] == 200} == {"phone-a"}


async def test_no_more_are_in_flight_than_allowed(tmp_path: Path) -> None:
    async with chain(tmp_path, in_flight_max=2) as one:
        await one.register(*[f"hang-{number}" for number in range(5)])
        await one.arrive(1)
        await one.sent(2)
        assert one.dispatcher.in_flight == 2


async def test_what_was_not_answered_is_sent_by_the_next_process(tmp_path: Path) -> None:
    async with chain(tmp_path, in_flight_max=2) as one:
        one.fake.google.set_mood("hang")
        await one.register("phone-a", "phone-b", "phone-c", "phone-d")
        await one.event(1)
        await one.arrive(1)
        await one.sent(2)
    async with chain(tmp_path) as again:
        await again.sent(8)
        assert len({(s["message"]["token"], s["message"]["data"]["event_id"]) for s in again.fake.sends}) == 8


async def test_what_does_not_fit_into_memory_is_found_in_the_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evd.push.backlog.OFFERS_MAX", 2)
    monkeypatch.setattr("evd.push.backlog.PAGE", 4)
    async with chain(tmp_path, in_flight_max=1) as one:
        vehicles = [f"{number:X}" for number in range(1, 31)]
        for vehicle in vehicles:
            await one.register(f"phone-{vehicle}", vehicle=vehicle)
        one.pushing.pause(True)
        for vehicle in vehicles:
            await one.arrive(1, vehicle)
        one.pushing.pause(False)
        await one.until(PUSHED, 30)
        assert len({token for token, _ in await one.sent(30)}) == 30
