"""A vehicle's statuses between two times for the original's app: a list in pages, or whole with its length."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from builders import NOW
from daemon_process import RunningDaemon
from user_fleet import MINUTE, STATUSES

from evd.api.ranges import PAGE

assert 2 * PAGE.rows < STATUSES, "the range of A1 takes several pages"


@pytest.fixture(scope="module")
def app_client(fleet: RunningDaemon) -> Iterator[httpx.Client]:
    """The app of anna, who owns A1."""
    headers = {"x-api-key": fleet.keys["app"], "userId": "anna"}
    with httpx.Client(base_url=fleet.url, headers=headers) as one:
        yield one


def asked(client: httpx.Client, first: int, until: int, method: str = "GET", vehicle: str = "A1") -> httpx.Response:
    query = {"vehicleId": vehicle, "timeFrom": NOW + first * MINUTE, "timeTo": NOW + until * MINUTE}
    return client.request(method, "/android/range", params=query)


def test_a_long_range_is_all_of_it_in_order_and_streamed(app_client: httpx.Client) -> None:
    answer = asked(app_client, 0, STATUSES)
    assert [status["timestamp"] for status in answer.json()] == [NOW + n * MINUTE for n in range(STATUSES)]
    assert "content-length" not in answer.headers and answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("rows", [1, PAGE.rows - 1, PAGE.rows])
def test_what_fits_into_a_page_is_sent_whole(app_client: httpx.Client, rows: int) -> None:
    answer = asked(app_client, 0, rows - 1)
    assert len(answer.json()) == rows and int(answer.headers["content-length"]) == len(answer.content)


def test_one_status_more_than_a_page_is_another_page(app_client: httpx.Client) -> None:
    answer = asked(app_client, 0, PAGE.rows)
    assert len(answer.json()) == PAGE.rows + 1 and "content-length" not in answer.headers


def test_a_range_without_statuses_has_no_content(app_client: httpx.Client) -> None:
    answer = asked(app_client, -9, -1)
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_head_of_a_long_range_opens_no_stream(app_client: httpx.Client) -> None:
    answer = asked(app_client, 0, STATUSES, "HEAD")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", "application/json")


def test_each_status_is_spelled_as_the_asker_spells_the_vehicle(app_client: httpx.Client) -> None:
    answer = asked(app_client, 0, STATUSES, vehicle="00a1")
    assert {status["vehicleId"] for status in answer.json()} == {"00a1"}
