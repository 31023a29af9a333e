"""The client of Sigfox's REST API against a fake of it over real sockets; waits are in a clock that runs faster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import trio
from fake_sigfox import LOGIN, PASSWORD, Answer, FakeSigfox, fake_sigfox
from trio.testing import MockClock

from evd.config.settings import SigfoxSettings
from evd.errors import ConfigError, EvdError, HttpTimeout, SigfoxError
from evd.sigfox_api.client import ATTEMPTS, PAGE, WAIT_MAX_S, ApiListing, Made, SigfoxApi

HOURS_S = 24 * 3600.0
NOW = 1_700_000_000_000
LATER = NOW + 10_000_000


@pytest.fixture
def fake() -> Iterator[FakeSigfox]:
    with fake_sigfox() as one:
        yield one


def client(fake: FakeSigfox, **changes: Any) -> SigfoxApi:
    given: dict[str, Any] = {"timeout_s": HOURS_S, "chance": lambda: 0.0, **changes}
    return SigfoxApi(fake.url, given.pop("login", LOGIN), given.pop("password", PASSWORD), **given)


@pytest.fixture
async def api(fake: FakeSigfox) -> AsyncIterator[SigfoxApi]:
    async with client(fake) as one:
        yield one


@pytest.fixture
def fast_clock(mock_clock: MockClock) -> MockClock:
    """A second is a millisecond."""
    mock_clock.rate = 1000
    return mock_clock


async def all_of(listing: ApiListing) -> list[dict[str, Any]]:
    return [entry async for page in listing for entry in page]


def messages(number: int) -> list[dict[str, Any]]:
    return [{"time": NOW + 1_000 * n, "seqNumber": n} for n in range(1, number + 1)]


@pytest.mark.parametrize(("number", "requests"), [(0, 1), (1, 1), (PAGE, 1), (PAGE + 1, 2), (2 * PAGE + 50, 3)])
async def test_a_listing_is_read_to_its_end_page_by_page(
    fake: FakeSigfox, api: SigfoxApi, number: int, requests: int
) -> None:
    fake.messages["4D3"] = messages(number)
    found = await all_of(api.messages("4D3", 0, LATER))
    assert [entry["seqNumber"] for entry in found] == list(range(number, 0, -1))
    assert len(fake.requests) == requests


async def test_only_messages_between_the_two_times_are_asked_for(fake: FakeSigfox, api: SigfoxApi) -> None:
    fake.messages["4D3"] = messages(10)
    since, before = NOW + 3_000, NOW + 5_000
    assert [entry["time"] for entry in await all_of(api.messages("4D3", since, before))] == [
        before,
        since + 1_000,
        since,
    ]
    assert fake.requests == [f"GET /v2/devices/4D3/messages?since={since}&before={before}&limit=100"]


async def test_every_listing_of_the_documentation_can_be_read(fake: FakeSigfox, api: SigfoxApi) -> None:
    fake.device_types = [{"id": "t1"}]
    fake.devices["t1"] = [{"id": "4D3"}]
    fake.undelivered = {"t1": [{"time": NOW}], "4D3": [{"time": NOW + 1}]}
    assert await all_of(api.device_types()) == [{"id": "t1"}]
    assert await all_of(api.devices("t1")) == [{"id": "4D3"}]
    assert await all_of(api.undelivered("t1", 0, LATER)) == [{"time": NOW}]
    assert await all_of(api.undelivered_of_device("4D3", 0, LATER)) == [{"time": NOW + 1}]


@pytest.mark.parametrize(
    "elsewhere", ["http://127.0.0.1:1/v2", "https://example.org/v2", "//example.org/v2", "http://[x"]
)
async def test_a_next_page_elsewhere_is_not_followed(fake: FakeSigfox, api: SigfoxApi, elsewhere: str) -> None:
    fake.messages["4D3"] = messages(PAGE + 1)
    fake.next_origin = elsewhere
    with pytest.raises(SigfoxError, match=r"check sigfox\.api"):
        await all_of(api.messages("4D3", 0, LATER))
    assert len(fake.requests) == 1


async def test_a_next_page_outside_the_base_path_is_not_followed(fake: FakeSigfox, api: SigfoxApi) -> None:
    fake.messages["4D3"] = messages(PAGE + 1)
    fake.next_origin = fake.url.replace("/v2", "/v1")
    with pytest.raises(SigfoxError, match=r"check sigfox\.api"):
        await all_of(api.messages("4D3", 0, LATER))


async def test_a_next_page_may_be_given_without_its_origin(fake: FakeSigfox, api: SigfoxApi) -> None:
    fake.messages["4D3"] = messages(PAGE + 1)
    fake.next_origin = "/v2"
    assert len(await all_of(api.messages("4D3", 0, LATER))) == PAGE + 1


async def test_the_pages_of_one_client_are_bounded(fake: FakeSigfox) -> None:
    fake.messages["4D3"] = messages(3 * PAGE)
    async with client(fake, pages_max=2) as api:
        with pytest.raises(SigfoxError, match=r"more than 2 pages.*--since"):
            await all_of(api.messages("4D3", 0, LATER))
    assert len(fake.requests) == 2


async def test_what_stands_in_an_id_stays_in_its_part_of_the_path(fake: FakeSigfox, api: SigfoxApi) -> None:
    with pytest.raises(SigfoxError, match="knows no"):
        await all_of(api.messages("../x?y", 0, 1))
    assert fake.requests[0].startswith("GET /v2/devices/..%2Fx%3Fy/messages?")


# Limits


async def test_429_is_waited_out_as_long_as_it_asks(fake: FakeSigfox, fast_clock: MockClock) -> None:
    fake.device_types = [{"id": "t1"}]
    fake.refusals.extend([Answer(429, None, {"Retry-After": "20"}), Answer(429, None, {"Retry-After": "40"})])
    began = trio.current_time()
    async with client(fake) as api:
        assert await all_of(api.device_types()) == [{"id": "t1"}]
    assert trio.current_time() - began >= 60
    assert len(fake.requests) == 3


async def test_the_wait_after_429_is_jittered_and_bounded(fake: FakeSigfox, fast_clock: MockClock) -> None:
    fake.refusals.append(Answer(429, None, {"Retry-After": "999999999"}))
    began = trio.current_time()
    async with client(fake, chance=lambda: 0.5) as api:
        await all_of(api.device_types())
    assert WAIT_MAX_S * 1.1 <= trio.current_time() - began < 100 * WAIT_MAX_S


async def test_429_quiets_every_request_of_these_credentials(fake: FakeSigfox, fast_clock: MockClock) -> None:
    fake.messages["4D3"] = messages(1)
    fake.refusals.append(Answer(429, None, {"Retry-After": "100"}))
    async with client(fake) as api, trio.open_nursery() as nursery:
        nursery.start_soon(all_of, api.device_types())
        while api._pace.quiet_until == 0:
            await trio.lowlevel.checkpoint()
        began = trio.current_time()
        await all_of(api.messages("4D3", 0, LATER))
        assert trio.current_time() - began >= 50


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_stays_refused_is_given_up_after_some_attempts(
    fake: FakeSigfox, fast_clock: MockClock, status: int
) -> None:
    fake.refusals.extend([Answer(status)] * ATTEMPTS)
    async with client(fake) as api:
        with pytest.raises(SigfoxError, match="again later"):
            await all_of(api.device_types())
    assert len(fake.requests) == ATTEMPTS


async def test_a_passing_fault_is_asked_again(fake: FakeSigfox, fast_clock: MockClock) -> None:
    fake.refusals.append(Answer(502))
    async with client(fake) as api:
        assert await all_of(api.device_types()) == []


async def test_no_request_is_waited_for_longer_than_its_deadline(fast_clock: MockClock) -> None:
    silent = await trio.open_tcp_listeners(0, host="127.0.0.1")  # connects, never answers
    url = f"http://127.0.0.1:{silent[0].socket.getsockname()[1]}/v2"
    async with SigfoxApi(url, LOGIN, PASSWORD, timeout_s=30, chance=lambda: 0.0) as api:
        with pytest.raises(HttpTimeout, match="within 30 s"):
            await all_of(api.device_types())
    await silent[0].aclose()


# Refusals in words


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_name_their_settings(fake: FakeSigfox, api: SigfoxApi, status: int) -> None:
    fake.refusals.append(Answer(status, {"message": f"wrong: {PASSWORD}"}))
    with pytest.raises(ConfigError, match=r"sigfox\.api_login and sigfox\.api_password"):
        await all_of(api.device_types())
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    "answer", [Answer(401), Answer(400, {"message": f"{LOGIN}:{PASSWORD}\n!"}), Answer(404), Answer(200)]
)
async def test_no_error_holds_the_password(fake: FakeSigfox, api: SigfoxApi, answer: Answer) -> None:
    fake.refusals.append(answer)
    with pytest.raises(EvdError) as caught:
        await all_of(api.device_types())
    assert PASSWORD not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_sigfoxs_words_show_no_secret_and_move_no_cursor(fake: FakeSigfox, api: SigfoxApi) -> None:
    said = "no Basic C4nary0123456789 in x-api-key=C4nary \x1b[2J\x9b\u202e" + "x" * 500
    fake.refusals.append(Answer(400, {"message": said}))
    with pytest.raises(SigfoxError) as caught:
        await all_of(api.device_types())
    assert "C4nary" not in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


async def test_a_wrong_password_is_refused_by_the_server(fake: FakeSigfox) -> None:
    async with client(fake, password="wrong") as api:
        with pytest.raises(ConfigError, match="401"):
            await all_of(api.device_types())


@pytest.mark.parametrize(("login", "password"), [("", "p"), ("l", ""), ("", "")])
def test_missing_credentials_are_said_before_anything_is_asked(login: str, password: str) -> None:
    with pytest.raises(ConfigError, match="EVD_SIGFOX__API_PASSWORD"):
        SigfoxApi.from_settings(SigfoxSettings(api_login=login, api_password=password))


# Callbacks

UPLINK = {
    "channel": "URL",
    "callbackType": 0,
    "callbackSubtype": 2,
    "enabled": True,
    "url": "https://evd/sigfox/uplink",
}
ERROR = {"channel": "URL", "callbackType": 2, "enabled": True, "url": "https://evd/sigfox/error"}


async def test_a_callback_is_created_as_it_was_defined(fake: FakeSigfox, api: SigfoxApi) -> None:
    assert await api.create_callback("t1", UPLINK) == "callback-0"
    assert await api.callbacks("t1") == [{**UPLINK, "id": "callback-0"}]


async def test_creating_again_leaves_alone_what_is_there(fake: FakeSigfox, api: SigfoxApi) -> None:
    fake.callbacks["t1"] = [{**UPLINK, "id": "old", "headers": {"x": "y"}}]
    assert await api.ensure_callbacks("t1", [UPLINK, ERROR]) == [Made("old", False), Made("callback-1", True)]
    assert await api.ensure_callbacks("t1", [UPLINK, ERROR]) == [Made("old", False), Made("callback-1", False)]
    assert len(fake.callbacks["t1"]) == 2


@pytest.mark.parametrize("changed", [{"url": "https://other"}, {"callbackSubtype": 3}, {"channel": "BATCH_URL"}])
async def test_a_callback_of_another_kind_channel_or_url_is_another_one(
    fake: FakeSigfox, api: SigfoxApi, changed: dict[str, Any]
) -> None:
    fake.callbacks["t1"] = [{**UPLINK, **changed, "id": "other"}]
    ((_, created),) = await api.ensure_callbacks("t1", [UPLINK])
    assert created


async def test_a_creation_that_may_have_been_done_is_not_sent_again(fake: FakeSigfox, api: SigfoxApi) -> None:
    fake.refusals.append(Answer(500, {"message": "Internal"}))
    with pytest.raises(SigfoxError, match="500"):
        await api.create_callback("t1", UPLINK)
    assert len(fake.requests) == 1
