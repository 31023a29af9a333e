"""Pushes through outages, set clocks, a full memory and reused places: what a review found, held to here."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from push_chain import NOW, Chain, Clocks, arrival, chain

from evd.model.operations import ForgetExpired, Register, SetPreferences, Unregister
from evd.model.place_privacy import PlacePrivacy
from evd.model.units import DAY_MS, DAY_S, HOUR_MS
from evd.push.providers.webhook.traits import TRAITS as WEBHOOKS


async def begun(one: Chain, n: int) -> None:
    with trio.fail_after(30):
        while one.fake.google.sends < n and one.dispatcher.in_flight < n:
            await trio.sleep(0.002)


async def test_a_newest_status_is_pushed_though_its_offer_was_forgotten_while_the_phone_was_flying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evd.push.backlog.OFFERS_MAX", 2)
    async with chain(tmp_path) as one:
        await one.register("slow0.5-a", vehicle="A")
        for v in ("B", "C", "D"):
            await one.register(f"phone-{v}", vehicle=v)
        await one.arrive(1, "A")
        await begun(one, 1)
        # one batch: B and C fill the memory, A's second status does not fit; as with 8,192 other vehicles
        receipts = [one.writer.submit(arrival(2, one.clocks.now, v)) for v in ("D", "B", "C", "A")]
        for r in receipts:
            await r.wait()
        await trio.sleep(1.0)
        one.pass_s(40)
        await one.quiet()
        await trio.sleep(0.7)
        got = [s["message"]["data"]["event_id"] for s in one.fake.sends if s["message"]["token"] == "slow0.5-a"]
        given = one.rows("SELECT given FROM deliveries JOIN registrations ON number=registration WHERE vehicle='A'")
        last = one.rows("SELECT id FROM last WHERE vehicle='A'")
        assert got == [f"{1:016x}", f"{2:016x}"], (got, given, last)


async def test_an_event_is_not_lost_to_the_landing_of_another_with_its_row_number(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("slow0.5-a")
        await one.event(1)
        await begun(one, 1)
        await one.do(Unregister("386625", "slow0.5-a"))  # the row goes, its number is free
        await one.register("phone-b")
        await one.event(2)  # gets the number
        await trio.sleep(0.8)
        one.pass_s(40)
        await one.quiet()
        got = [(s["message"]["token"], s["message"]["data"]["event_id"]) for s in one.fake.sends]
        assert ("phone-b", "event-2") in got, (got, one.rows("SELECT number, event FROM outbox"))


@pytest.mark.parametrize("first", ["slow0.5-a", "unavailable-slow"])
async def test_who_registers_anew_while_another_flies_is_given_nothing_old(tmp_path: Path, first: str) -> None:
    async with chain(tmp_path) as one:
        await one.arrive(1, "B")
        one.fake.google.set_mood("ok")
        await one.register("slow0.5-a", vehicle="A")
        await one.arrive(1, "A")
        await begun(one, 1)
        if first != "slow0.5-a":
            one.fake.google.set_mood("unavailable")
        await one.do(Unregister("A", "slow0.5-a"))
        await one.register("phone-b", vehicle="B")
        await trio.sleep(0.8)
        one.fake.google.set_mood("ok")
        rows = one.rows("SELECT vehicle, given, due FROM deliveries JOIN registrations ON number = registration")
        one.pass_s(40)
        await one.quiet()
        got = [s["message"]["token"] for s in one.fake.sends]
        assert "phone-b" not in got, (got, rows)
        assert rows == [("B", f"{1:016x}", None)], rows


async def test_the_landing_of_anothers_flight_does_not_touch_the_cursor_of_a_new_one(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.arrive(7, "B")
        await one.register("slow0.5-a", vehicle="A")
        await one.arrive(1, "A")
        await begun(one, 1)
        await one.do(Unregister("A", "slow0.5-a"))
        await one.register("phone-b", vehicle="B")
        await trio.sleep(0.8)
        rows = one.rows("SELECT vehicle, given FROM deliveries JOIN registrations ON number = registration")
        assert rows == [("B", f"{7:016x}")], rows
    async with chain(tmp_path) as again:
        await again.quiet()
        assert again.fake.sends == [], "what B said before is no news"


async def test_after_a_long_outage_a_new_status_is_pushed_soon(tmp_path: Path) -> None:
    async with chain(tmp_path, in_flight_max=16) as one:
        one.fake.google.set_mood("unavailable")
        vehicles = [f"{n:X}" for n in range(1, 91)]
        for v in vehicles:
            await one.register(f"phone-{v}", vehicle=v)
        for v in vehicles:
            await one.arrive(1, v)
        await one.quiet()
        one.pass_s(2 * 3600)
        one.fake.google.set_mood("ok")
        await one.quiet()
        await one.register("phone-new", vehicle="FFF")
        await one.arrive(1, "FFF")
        waited = 0
        while not any(s["message"]["token"] == "phone-new" for s in one.fake.sends) and waited < 2000:
            one.pass_s(5)
            waited += 5
            await trio.testing.wait_all_tasks_blocked(0.005)
        assert waited <= 30, f"{waited} s after FCM was well again, with {len(vehicles)} states that had expired"


async def test_an_outage_of_hours_stays_an_outage_for_the_alarm(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        one.fake.google.set_mood("unavailable")
        await one.register("phone-a")
        await one.arrive(1)
        await one.quiet()
        for _ in range(61):
            one.pass_s(60)
            await trio.testing.wait_all_tasks_blocked(0.01)
        await one.arrive(2)
        await one.quiet()
        assert one.dispatcher.behind_s >= 3600, one.dispatcher.behind_s


async def test_nothing_waits_so_nothing_is_old(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("unavailable-1")
        await one.arrive(1)
        await one.quiet()
        await one.do(Unregister("386625", "unavailable-1"))
        one.pass_s(3 * 3600)
        await one.quiet()
        assert one.dispatcher.behind_s == 0, f"{one.dispatcher.behind_s} s, alarm push_old is at 900"


async def test_trouble_ends_with_what_caused_it(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("thirdparty-1")
        await one.arrive(1)
        await one.quiet()
        await one.do(Unregister("386625", "thirdparty-1"))
        one.pass_s(3 * 3600)
        await one.quiet()
        assert one.pushing.state().pause_text == ""


async def test_no_answer_of_another_push_ends_a_pause_that_was_asked_for(tmp_path: Path) -> None:
    async with chain(tmp_path, in_flight_max=128) as one:
        await one.register("quota-1", *[f"unavailable-{n}" for n in range(70)], "slow0.6-ok")
        await one.register("phone-z", vehicle="Z")
        await one.arrive(1)  # 429 (a pause of 10 s), 70 x 503, and one that is taken at last
        await trio.sleep(1.2)
        await one.quiet()
        one.pass_s(3)
        await one.arrive(1, "Z")
        await one.quiet()
        got = [s["message"]["token"] for s in one.fake.sends]
        assert "phone-z" not in got, "sent 3 s after a 429 that pauses the project for 10 s"


async def test_an_unseen_phone_gets_no_event_either(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("phone-a")
        one.pass_s(31 * 86_400)
        await one.event(1)
        await one.quiet()
        assert one.fake.sends == []


async def test_an_unseen_phone_gets_no_repeat_either(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        one.clocks.now += 30 * DAY_MS - 3000
        await one.do(Register("386625", "386625", "unavailable-1", "m", NOW))
        await one.arrive(1)
        await one.sent(1)
        one.pass_s(60)
        await one.quiet()
        assert len(one.fake.sends) == 1


async def test_a_clock_set_forward_loses_no_event(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("flaky-1")
        await one.event(1)
        await one.sent(1)
        one.set_clock(NOW + 730 * DAY_MS)
        await one.quiet()
        one.pass_s(30)
        await one.quiet()
        assert one.rows("SELECT taken, outcome FROM pushed")[0][0] == 1, one.rows("SELECT taken, outcome FROM pushed")


async def test_an_event_is_not_tried_for_longer_than_an_hour(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("unavailable-1")
        await one.event(1)
        await one.quiet()
        for _ in range(26):
            one.pass_s(150)
            await trio.testing.wait_all_tasks_blocked(0.01)
        assert one.rows("SELECT count(*) FROM outbox") == [(0,)], f"after 65 min, {len(one.fake.sends)} attempts"


async def test_a_wait_of_a_day_is_waited(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("retry503-86400-a")
        await one.event(1)
        await one.sent(1)
        one.pass_s(3700)
        await one.sent(1)


async def test_a_clock_that_was_ahead_at_the_start_hides_nothing(tmp_path: Path) -> None:
    async with chain(tmp_path, in_flight_max=1) as one:
        one.fake.google.set_mood("hang")
        await one.register("phone-a")
        await one.arrive(1)
        await begun(one, 1)
    clocks = Clocks()
    clocks.now = NOW + 2 * HOUR_MS
    async with chain(tmp_path, clocks) as again:
        await again.quiet()
        again.set_clock(NOW + 60_000)
        again.pass_s(60)
        await again.sent(1)


async def test_one_phone_with_a_broken_service_behind_fcm_does_not_throttle_all(tmp_path: Path) -> None:
    async with chain(tmp_path, rate_max=1000.0, ramp_s=60.0) as one:
        await one.register("phone-a", "thirdparty-1")
        for n in range(1, 41):
            await one.arrive(n)
            await trio.testing.wait_all_tasks_blocked(0.02)
            one.pass_s(15)
            await trio.testing.wait_all_tasks_blocked(0.02)
        assert sum(send["message"]["token"] == "phone-a" for send in one.fake.sends) >= 36


async def test_a_webhook_is_no_device(tmp_path: Path) -> None:
    from evd.config.settings import Config
    from evd.push.composer import Composer
    from evd.push.dispatcher import Dispatcher, DispatchRules

    class Taker:
        count = 0

        async def send(self, push: object) -> str:
            self.count += 1
            return "id"

        async def aclose(self) -> None: ...

    async with chain(tmp_path) as one:
        pusher = Taker()
        pending = one.store.due_pushes(WEBHOOKS.serves)
        hook = Dispatcher(
            pusher,
            WEBHOOKS,
            pending,
            one.writer,
            rules=DispatchRules(64, 10_000.0, 0.0, 3600, 30 * DAY_S),
            compose=Composer(Config(), PlacePrivacy()).compose,
            clock=one.clocks.wall,
            seconds=one.clocks.steady,
            chance=lambda: 0.0,
        )
        one.pushing.dispatchers.append(hook)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hook.run)
            for v in range(90):
                await one.do(Register(f"{v:X}", f"{v:X}", "https://fleet.example/hook", "", NOW, "webhook"))
            for n in (1, 2):
                for v in range(90):
                    await one.arrive(n, f"{v:X}")
                await one.quiet()
            nursery.cancel_scope.cancel()
        later = one.rows("SELECT count(*), max(outcome) FROM deliveries WHERE due IS NOT NULL")
        assert pusher.count == 180, (pusher.count, later)


async def test_events_that_nobody_sends_are_forgotten_with_time(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.do(Register("386625", "386625", "https://h/", "", NOW, "webhook"))
        for number in range(3):
            await one.event(number)
        expired = NOW + HOUR_MS
        assert await one.do(ForgetExpired(expired, 10)) == 0
        assert await one.do(ForgetExpired(expired + 1, 2)) == 2
        assert await one.do(ForgetExpired(expired + 1, 2)) == 1
        assert one.rows("SELECT count(*) FROM outbox") == [(0,)]


async def test_an_event_that_is_retried_in_its_users_quiet_hours_waits_for_their_end(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("flaky-1")
        await one.event(1)  # at 22:13:20 UTC
        await one.sent(1)
        wishes = b'{"quiet_hours":"22:13-07:00","time_zone":"UTC"}'
        await one.do(SetPreferences("martin", wishes, NOW))
        one.pass_s(60)
        await one.quiet()
        await one.sent(1)
        one.pass_s(8 * 3600)
        await one.sent(1)
        one.pass_s(3600)
        assert [status for _, status in await one.sent(2)] == [503, 200]


async def test_an_event_whose_kind_was_turned_off_meanwhile_is_not_sent(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("flaky-1")
        await one.event(1)
        await one.sent(1)
        await one.do(SetPreferences("martin", b'{"kinds":{"target_reached":false}}', NOW))
        one.pass_s(60)
        await one.sent(1)
        assert one.rows("SELECT outcome FROM pushed") == [("its user wants no more of this kind",)]


async def test_while_the_operator_holds_what_waits_it_grows_old(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        one.pushing.pause(True)
        await one.register("phone-a")
        await one.quiet()
        await one.arrive(1)
        await one.quiet()
        one.pass_s(900)
        assert one.dispatcher.behind_s >= 900
        one.pushing.pause(False)
        await one.sent(1)
        await one.quiet()
        assert one.dispatcher.behind_s == 0
