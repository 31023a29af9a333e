"""What the client has already is not sent again."""

from __future__ import annotations

import pytest
from quart import Quart, Response

from evd.api.conditional import content_with, known_already, unless_equivalent, unless_known
from evd.api.replies import v1_json


async def test_what_the_client_has_is_not_sent_again() -> None:
    app, document = Quart(__name__), {"charge": 76}
    async with app.test_request_context("/"):
        first = await unless_known(document)
    assert (first.status_code, await first.get_json()) == (200, document)
    etag = first.headers["ETag"]
    assert etag.startswith('"'), "strong"
    for known, status in ((etag, 304), (f'"x", W/{etag}', 304), ("*", 304), ('"x"', 200)):
        async with app.test_request_context("/", headers={"If-None-Match": known}):
            answer = await unless_known(document)
        assert (answer.status_code, answer.headers["ETag"]) == (status, etag)
        assert bool(await answer.get_data()) == (status == 200)
        assert answer.headers["Cache-Control"] == "private, no-cache"
    async with app.test_request_context("/", headers={"If-None-Match": etag}):
        assert (await unless_known({"charge": 77})).status_code == 200


async def test_an_answer_that_differs_in_nothing_that_counts_is_not_sent_again() -> None:
    app = Quart(__name__)

    async def answer(rows: list[dict[str, int]], known: str = "") -> Response:
        async with app.test_request_context("/", headers={"If-None-Match": known} if known else {}):
            return await unless_equivalent(v1_json(rows), rows, lambda row: row["charge"])

    first = await answer([{"charge": 76, "age": 1}])
    etag = first.headers["ETag"]
    assert etag.startswith('W/"'), "weak: an age may be another"
    later = await answer([{"charge": 76, "age": 99}], etag)
    assert (later.status_code, await later.get_data(), later.headers["ETag"]) == (304, b"", etag)
    for rows in ([{"charge": 77, "age": 1}], [], [{"charge": 76, "age": 1}] * 2):
        assert (await answer(rows, etag)).status_code == 200


@pytest.mark.parametrize(
    ("known", "is_known"), [('"t1"', True), ('W/"t1"', True), ("*", True), ('"t2"', False), ("", False)]
)
async def test_content_of_a_known_tag_is_not_even_read(known: str, is_known: bool) -> None:
    app = Quart(__name__)
    async with app.test_request_context("/", headers={"If-None-Match": known} if known else {}):
        found = known_already("t1")
        whole = content_with("t1", b"picture", "image/png")
    assert (found is not None) is is_known
    if found is not None:
        assert (found.status_code, found.headers["ETag"], "Content-Type" in found.headers) == (304, '"t1"', False)
    assert (whole.headers["ETag"], whole.headers["Content-Type"], await whole.get_data()) == (
        *('"t1"', "image/png"),
        b"picture",
    )
