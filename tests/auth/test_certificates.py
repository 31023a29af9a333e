"""The certificates of ID tokens: when they are fetched."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
import trio
import trio.testing
from google_identity import Google

from evd.auth.certificates import LIFE_MAX_S, LIFE_MIN_S, RETRY_MAX_S, Certificates
from evd.errors import Unavailable


async def test_certificates_are_there_before_the_first_request_and_renewed_before_they_expire(google: Google) -> None:
    now = 0.0
    certificates = Certificates(google.url, 5, steady=lambda: now)
    before = google.asked
    async with trio.open_nursery() as nursery:
        nursery.start_soon(certificates.run)
        with trio.fail_after(10):
            while google.asked == before:
                await trio.sleep(0.01)
        assert json.loads(await certificates.current())
        google.fails = True
        try:
            now = 3599.0
            assert json.loads(await certificates.current()), "an outage is not noticed while they are good"
            now = 3600.0
            with pytest.raises(Unavailable):
                await certificates.current()
        finally:
            google.fails = False
        assert json.loads(await certificates.current())
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("max_age", "life_s"),
    [(0, LIFE_MIN_S), (59, LIFE_MIN_S), (61, 61), (86_400, 86_400), (999_999_999, LIFE_MAX_S)],
)
async def test_certificates_are_good_for_as_long_as_the_answer_says_within_bounds(
    google: Google, max_age: int, life_s: float
) -> None:
    now, google.max_age = 0.0, max_age
    try:
        certificates = Certificates(google.url, 5, steady=lambda: now)
        before = google.asked
        for now in (0.0, life_s - 1, life_s):  # noqa: B007  # the clock reads it
            await certificates.current()
        assert google.asked == before + 2
        async with trio.open_nursery() as nursery:
            now = 3 * life_s
            for _ in range(5):
                nursery.start_soon(certificates.current)
        assert google.asked == before + 3, "those who wait share one fetch"
    finally:
        google.max_age = 3600


async def test_a_fetch_that_fails_is_tried_again_ever_more_rarely(
    google: Google, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = Certificates(google.url, 5)
    tried: list[float] = []

    async def fails() -> None:
        tried.append(trio.current_time())
        raise Unavailable("no network", retry_after_s=5)

    monkeypatch.setattr(certificates, "_fetch", fails)
    with trio.move_on_after(1_500):
        await certificates.run()
    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert pauses == pytest.approx([10, 20, 40, 80, 160, RETRY_MAX_S, RETRY_MAX_S, RETRY_MAX_S])
