"""The two servers behind one port, edge and quart, answer the same odd requests alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import trio
from odd_requests import GOOD, ODD_REQUESTS, Odd, post
from odd_site import TO_QUART, Site, odd_site
from raw_http import Answer, Client, Ended, connect

from evd.store.sqlite.connection import open_reader

COUNTED = ("content-type", "content-length", "x-status-id", "retry-after", "access-control-allow-origin", "connection")
"""The headers that must be the same; keep-alive said to HTTP/1.0 included."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with odd_site(tmp_path_factory.mktemp("differential") / "evd") as one:
        yield one


@dataclass(frozen=True)
class Seen:
    """What a client sees of an answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def seen(answer: Answer) -> Seen:
    counted = tuple((name, answer.headers[name].lower()) for name in COUNTED if name in answer.headers)
    return Seen(answer.status, counted, answer.body)


def statuses_of(odd: Odd) -> tuple[int, ...]:
    return (odd.statuses,) if isinstance(odd.statuses, int) else odd.statuses


async def ask(site: Site, odd: Odd, *, quart: bool) -> tuple[list[Seen], str]:
    """The answers to the row's requests, and whether the connection is "open" for another request after them."""
    answers: list[Seen] = []
    async with await connect(site.port) as client:
        if quart:
            await client.send(TO_QUART)
            assert (await client.read(head_only=True)).status == 200
        head_only = isinstance(odd.data, bytes) and odd.data.startswith(b"HEAD ")
        try:
            await say(client, site, odd)
            for _ in statuses_of(odd):
                answers.append(seen(await final(client, head_only=head_only)))
            if odd.ends or (answers and ("connection", "close") in answers[-1].headers):
                assert await client.ended()
                return answers, "closed"
            await client.send(post(key=b""))
            return answers, "open" if (await client.read()).status == 401 else "astray"
        except Ended:
            return answers, "closed early"


async def say(client: Client, site: Site, odd: Odd) -> None:
    """Send the row's bytes, in its manner."""
    first, *others = [site.filled(piece) for piece in ((odd.data,) if isinstance(odd.data, bytes) else odd.data)]
    for piece in [bytes([byte]) for byte in first] if odd.drip else [first]:
        await client.send(piece)
    if odd.waits:
        assert (await client.read()).status == 100
    for piece in others:
        await client.send(piece)
    if odd.ends:
        await client.stream.send_eof()


async def final(client: Client, *, head_only: bool) -> Answer:
    """The next answer but for 100 Continue, which a server may leave out where the body is there (RFC 9110 §10.1.1)."""
    while (answer := await client.read(head_only=head_only)).status == 100:
        pass
    return answer


@pytest.mark.parametrize("odd", ODD_REQUESTS, ids=lambda odd: odd.name)
async def test_both_servers_answer_alike(site: Site, odd: Odd) -> None:
    answers: dict[bool, tuple[list[Seen], str]] = {}

    async def run(quart: bool) -> None:
        answers[quart] = await ask(site, odd, quart=quart)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, False)
        nursery.start_soon(run, True)
    assert tuple(answer.status for answer in answers[False][0]) == statuses_of(odd)
    if odd.quart is not None:
        assert tuple(answer.status for answer in answers[True][0]) in (odd.quart, statuses_of(odd))
    elif odd.why:
        assert [(one.status, one.body) for one in answers[True][0]] == [
            (one.status, one.body) for one in answers[False][0]
        ]
    else:
        assert answers[True] == answers[False]


ROUTES = ("/sigfox/uplink", "/sigfox/batch", "/sigfox/status", "/sigfox/service", "/wlan", "/sigfox/uplink?q=%ff%00")
TYPES = ("application/json", "text/plain", "application/x-www-form-urlencoded", "application/octet-stream")


def fuzzed(seed: int) -> tuple[str, str, bytes]:
    """A route, a content type and a body: a good one with some bytes of it replaced."""
    dice = random.Random(seed)
    body = bytearray(GOOD.replace(b"1639400000", b"%d" % (1639400000 + seed))[:-1] + b',"note":"\xc3\xa9 \\ud83d"}')
    for _ in range(seed % 4):
        body[dice.randrange(len(body))] = dice.choice((0, 0x22, 0x7B, 0x80, 0xC3, 0xED, 0xFF, dice.randrange(256)))
    return dice.choice(ROUTES), dice.choice(TYPES), bytes(body)


def test_every_view_and_every_table_is_readable_whatever_was_sent(site: Site) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{site.port}", headers={"x-api-key": site.keys["admin"]}) as client:
        for seed in range(300):
            route, content_type, body = fuzzed(seed)
            assert client.post(route, content=body, headers={"content-type": content_type}).status_code < 500
    reader = open_reader(site.database)
    names = [name for (name,) in reader.execute("SELECT name FROM sqlite_schema WHERE type IN ('view', 'table')")]
    read = {name: reader.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
    reader.close()
    assert {"rejections", "history", "fleet", "log", "pushes"} <= read.keys()
    texts = [row[5] for row in read["rejections"]]
    assert any(texts) and None in texts, "some bodies are text, some are none"


def test_the_table_is_two_hundred_rows_each_of_its_own() -> None:
    assert len({odd.name for odd in ODD_REQUESTS}) == len(ODD_REQUESTS) >= 200
