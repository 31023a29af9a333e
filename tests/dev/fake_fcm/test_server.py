"""The fake FCM: what it answers, by itself; the server over real sockets; the command as a process."""

from __future__ import annotations

import base64
import json
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
import trio
import trustme
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import evd
from evd.cli.fake_fcm import fake_fcm
from evd.dev.fake_fcm.answers import GRANT_TYPE, SCOPES, Google
from evd.dev.fake_fcm.behaviours import BEHAVIOURS, MOODS, RecentWords
from evd.dev.fake_fcm.server import REQUEST_MAX, FakeFcm, make_service_account
from evd.errors import HttpBroken, HttpTimeout
from evd.net.client.http import HttpClient
from evd.net.client.response import Response
from evd.push.providers.fcm.credentials import ServiceAccount, load_service_account

NOW = 1_700_000_000.0
SEND = b"/v1/projects/evd-demo/messages:send"


def message(token: str = "phone", **changes: Any) -> dict[str, Any]:
    return {"token": token, "data": {"serialized": "{}"}, "android": {"ttl": "60s", "priority": "normal"}, **changes}


def google() -> Google:
    made = Google()
    made.issue("good", NOW + 60)
    return made


def ask(document: Any, fake: Google | None = None) -> tuple[int, dict[str, Any], dict[str, Any] | None]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    reply, line = (fake or google()).answer(b"POST", SEND, b"Bearer good", body, NOW)
    return reply.status, json.loads(reply.body) if reply.body else {}, recorded(line)


def recorded(line: bytes | None) -> dict[str, Any] | None:
    return None if line is None else json.loads(line)


# Messages


@pytest.mark.parametrize(
    "accepted",
    [
        message(),
        message(android={"ttl": "0.500000000s", "priority": "HIGH", "restricted_package_name": "com.x"}),
        {"token": "phone"},
        {"fid": "an-installation"},
        {"topic": "news", "notification": {"title": "x"}},
        message(data={"serialized": "x" * 4086}),
    ],
)
def test_a_message_in_fcms_form_is_delivered(accepted: dict[str, Any]) -> None:
    status, answer, line = ask({"message": accepted})
    assert status == 200
    assert answer["name"].startswith("projects/evd-demo/messages/")
    assert line == {"at": 1_700_000_000_000, "kind": "send", "project": "evd-demo", "message": accepted, "status": 200}


def test_every_message_has_a_name_of_its_own() -> None:
    fake = google()
    assert len({ask({"message": message()}, fake)[1]["name"] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b"{", "Invalid JSON"),
        (b"\xff", "Invalid JSON"),
        (b"null", "Invalid JSON"),
        ([], "Invalid JSON"),
        ({}, "message"),
        ({"message": []}, "Expected `object`"),
        ({"message": message(), "more": 1}, "more"),
        ({"message": message(more=1)}, "more"),
        ({"message": message(token=5)}, "token"),
        ({"message": message(token="")}, "Recipient of the message is not set"),
        ({"message": message(topic="news")}, "more than one"),
        ({"message": message(data={"serialized": {}})}, "data"),
        ({"message": message(data={"n": 1})}, "data"),
        ({"message": message(data={"from": "x"})}, "Invalid data payload key: from"),
        ({"message": message(data={"google.x": "x"})}, "Invalid data payload key"),
        ({"message": message(data={"serialized": "x" * 4087})}, "too big"),
        ({"message": message(data={"serialized": "é" * 2044})}, "too big"),
        ({"message": message(android={"ttl": "60"})}, "ttl"),
        ({"message": message(android={"ttl": 60})}, "ttl"),
        ({"message": message(android={"ttl": "2419201s"})}, "Invalid TTL"),
        ({"message": message(android={"priority": "urgent"})}, "priority"),
        ({"message": message(android={"packageName": "x"})}, "packageName"),
    ],
)
def test_what_fcm_would_refuse_is_refused_in_fcms_form(document: Any, says: str) -> None:
    status, answer, line = ask(document)
    assert (status, answer["error"]["code"], answer["error"]["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert says in answer["error"]["message"]
    assert line is not None and line["status"] == 400


NAMES = st.sampled_from(["message", "token", "data", "android", "ttl", "x"])
DOCUMENTS = st.recursive(
    st.none() | st.text(max_size=9) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200) | DOCUMENTS.map(lambda document: json.dumps(document).encode()))
def test_no_body_is_too_strange_to_be_answered(body: bytes) -> None:
    assert ask(body)[0] in (200, 400)


STATUSES = {
    "unregistered": (404, "UNREGISTERED"),
    "mismatch": (403, "SENDER_ID_MISMATCH"),
    "invalid": (400, "INVALID_ARGUMENT"),
    "quota": (429, "QUOTA_EXCEEDED"),
    "quotadevice": (429, "QUOTA_EXCEEDED"),
    "badpayload": (400, "INVALID_ARGUMENT"),
    "thirdparty": (401, "THIRD_PARTY_AUTH_ERROR"),
    "unavailable": (503, "UNAVAILABLE"),
    "retry503-75": (503, "UNAVAILABLE"),
    "internal": (500, "INTERNAL"),
}


@pytest.mark.parametrize("prefix", STATUSES)
def test_a_token_says_how_its_messages_fail(prefix: str) -> None:
    status, answer, line = ask({"message": message(f"{prefix}-1")})
    codes = [detail["errorCode"] for detail in answer["error"]["details"] if "FcmError" in detail["@type"]]
    assert (status, codes) == (STATUSES[prefix][0], [STATUSES[prefix][1]])
    assert line is not None and line["status"] == status


def test_a_flaky_token_fails_the_first_time_only_and_each_by_itself() -> None:
    fake = google()
    tokens = ["flaky-a", "flaky-b", "flaky-a", "flaky-b", "flaky-a"]
    assert [ask({"message": message(token)}, fake)[0] for token in tokens] == [503, 503, 200, 200, 200]


@pytest.mark.parametrize(
    ("token", "delay_s"), [("slow2-a", 2), ("slow0.5-a", 0.5), ("slow", 0), ("slowly", 0), ("slow99999", 3600)]
)
def test_a_slow_token_says_how_slow(token: str, delay_s: float) -> None:
    reply, _ = google().answer(b"POST", SEND, b"Bearer good", json.dumps({"message": message(token)}).encode(), NOW)
    assert (reply.status, reply.delay_s) == (200, delay_s)
    assert b"projects/evd-demo" in reply.body


def test_no_behaviour_hides_another() -> None:
    """The first row that fits decides, so a longer prefix stands before a shorter one that it begins with."""
    prefixes = [row.prefix for row in BEHAVIOURS]
    assert [next(one for one in prefixes if prefix.startswith(one)) for prefix in prefixes] == prefixes


def test_only_the_newest_words_are_remembered() -> None:
    seen = RecentWords(2)
    assert [seen.before(word) for word in "abacab"] == [False, False, True, False, False, False]


def test_a_message_over_several_lines_is_one_line_of_the_record() -> None:
    body = json.dumps({"message": message()}, indent=2).encode()
    _, line = google().answer(b"POST", SEND, b"Bearer good", body, NOW)
    assert line is not None and b"\n" not in line
    assert json.loads(line)["message"] == message()


# Moods


def put_mood(fake: Google, body: bytes) -> int:
    return fake.answer(b"PUT", b"/mood", b"", body, NOW)[0].status


@pytest.mark.parametrize(
    ("mood", "status", "end"),
    [
        ("ok", 200, "answer"),
        ("hang", 0, "hang"),
        ("unavailable", 503, "answer"),
        ("refuse", 0, "reset"),
        ("quota", 429, "answer"),
        ("unauthorized", 401, "answer"),
    ],
)
def test_a_mood_befalls_every_message_until_the_next_one(mood: str, status: int, end: str) -> None:
    fake = google()
    body = json.dumps({"message": message()}).encode()
    assert put_mood(fake, json.dumps({"mood": mood, "latency_s": 0.05}).encode()) == 200
    reply, _ = fake.answer(b"POST", SEND, b"Bearer good", body, NOW)
    assert (reply.status, reply.end, reply.delay_s) == (status, end, 0.05)
    assert put_mood(fake, b"{}") == 200
    assert fake.answer(b"POST", SEND, b"Bearer good", body, NOW)[0].delay_s == 0
    counts, _ = fake.answer(b"GET", b"/counts", b"", b"", NOW)
    assert json.loads(counts.body) == {"sends": 2, "delivered": 1 + (mood == "ok")}


def test_the_table_of_moods_is_tested_whole() -> None:
    assert list(MOODS) == ["ok", "hang", "unavailable", "refuse", "quota", "unauthorized"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"mood": "sad"}', b'{"latency_s": -1}', b'{"more": 1}', b"\xff"])
def test_a_mood_that_is_none_is_refused(body: bytes) -> None:
    assert put_mood(google(), body) == 400


# Access tokens


def assertion(**changes: Any) -> str:
    claims = {"iss": "evd@evd-demo", "scope": SCOPES[0], "exp": NOW + 60, **changes}
    encoded = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{encoded}.c2ln"


def token_body(**changes: str) -> bytes:
    return urlencode({"grant_type": GRANT_TYPE, "assertion": assertion(), **changes}).encode()


def test_a_token_is_issued_known_until_its_end_and_never_recorded() -> None:
    fake = Google(token_lifetime_s=100)
    reply, line = fake.answer(b"POST", b"/token", b"", token_body(), NOW)
    granted = json.loads(reply.body)
    assert (reply.status, granted["expires_in"], granted["token_type"]) == (200, 100, "Bearer")
    assert recorded(line) == {"at": 1_700_000_000_000, "kind": "token", "project": None, "message": None, "status": 200}
    body = json.dumps({"message": message()}).encode()
    bearer = f"Bearer {granted['access_token']}".encode()
    statuses = [fake.answer(b"POST", SEND, bearer, body, now)[0].status for now in (NOW, NOW + 99, NOW + 100)]
    assert statuses == [200, 200, 401]


@pytest.mark.parametrize("authorization", [b"", b"Bearer ", b"Bearer other", b"good", b"Basic good", b"Bearer \xff"])
def test_a_message_without_an_issued_token_is_401(authorization: bytes) -> None:
    reply, line = google().answer(b"POST", SEND, authorization, json.dumps({"message": message()}).encode(), NOW)
    assert json.loads(reply.body)["error"]["status"] == "UNAUTHENTICATED"
    assert reply.status == 401
    assert b'"status":401' in (line or b"")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "unsupported_grant_type"),
        (token_body(grant_type="password"), "unsupported_grant_type"),
        (token_body(assertion=""), "invalid_grant"),
        (token_body(assertion="a.b"), "invalid_grant"),
        (token_body(assertion="a.b.c"), "invalid_grant"),
        (token_body(assertion="a.é.c"), "invalid_grant"),
        (token_body(assertion=assertion(exp=NOW - 1)), "invalid_grant"),
        (token_body(assertion=assertion(exp="x")), "invalid_grant"),
        (token_body(assertion=assertion(scope="https://www.googleapis.com/auth/drive")), "invalid_grant"),
    ],
)
def test_a_bad_token_request_is_refused_as_oauth2_says(body: bytes, error: str) -> None:
    reply, line = google().answer(b"POST", b"/token", b"", body, NOW)
    assert (reply.status, json.loads(reply.body)["error"]) == (400, error)
    assert b'"status":400' in (line or b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [(b"GET", SEND), (b"POST", b"/"), (b"POST", b"/v1/projects//messages:send"), (b"GET", b"/token")],
)
def test_anything_else_is_404_and_not_recorded(method: bytes, path: bytes) -> None:
    reply, line = google().answer(method, path, b"Bearer good", b"{}", NOW)
    assert (reply.status, line) == (404, None)


# The server


async def start(nursery: trio.Nursery, **arguments: Any) -> FakeFcm:
    server = FakeFcm(**arguments)
    await nursery.start(server.serve)
    server.google.issue("good", time.time() + 3600)
    return server


def http_client(timeout_s: float = 5, **more: Any) -> HttpClient:
    return HttpClient(connections_max=8, timeout_s=timeout_s, body_max=10_000, **more)


async def send(client: HttpClient, server: FakeFcm, token: str) -> Response:
    body = json.dumps({"message": message(token)}).encode()
    return await client.request("POST", server.url + SEND.decode(), {"Authorization": "Bearer good"}, body)


async def test_messages_travel_over_kept_connections(nursery: trio.Nursery) -> None:
    server = await start(nursery)
    async with http_client() as client:
        connections = set()
        for number in range(5):
            assert (await send(client, server, f"phone-{number}")).status == 200
            connections |= set(server._clients.values())
        assert len(connections) == 1
    assert [request["message"]["token"] for request in server.sends] == [f"phone-{n}" for n in range(5)]


async def test_every_behaviour_is_what_a_client_sees(nursery: trio.Nursery) -> None:
    server = await start(nursery)
    async with http_client() as client:
        for prefix, (status, _) in STATUSES.items():
            assert (await send(client, server, f"{prefix}-1")).status == status
        assert (await send(client, server, "quota-1")).headers["retry-after"] == "2"
        with pytest.raises(HttpBroken):
            await send(client, server, "reset-1")
        started = trio.current_time()
        assert (await send(client, server, "slow0.1-x")).status == 200
        assert trio.current_time() - started >= 0.1
    async with http_client(timeout_s=0.1) as hasty:
        with pytest.raises(HttpTimeout):
            await send(hasty, server, "hang-1")
    assert [request["status"] for request in server.sends][-3:] == [0, 200, 0]


async def test_a_reset_is_a_reset_and_no_mere_end(nursery: trio.Nursery) -> None:
    server = await start(nursery)
    body = json.dumps({"message": message("reset-1")})
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        await stream.send_all(
            f"POST {SEND.decode()} HTTP/1.1\r\nAuthorization: Bearer good\r\nContent-Length: {len(body)}\r\n\r\n"
            f"{body}".encode()
        )
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some()


async def raw(server: FakeFcm, data: bytes) -> bytes:
    answer = b""
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        await stream.send_all(data)
        with trio.fail_after(30):
            async for part in stream:
                answer += part
    return answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"SSH-2.0-x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 404),
        (b"POST /token HTTP/1.1\r\nContent-Length: 99999\r\n\r\n" + b"x" * (REQUEST_MAX + 1), 413),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * (REQUEST_MAX + 1), 413),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 404),
    ],
)
async def test_what_is_no_request_is_answered_and_the_connection_closed(
    data: bytes, status: int, nursery: trio.Nursery
) -> None:
    server = await start(nursery)
    assert (await raw(server, data)).split()[1] == str(status).encode()
    async with http_client() as client:
        assert (await send(client, server, "phone")).status == 200


async def test_requests_sent_without_waiting_are_answered_in_order(nursery: trio.Nursery) -> None:
    server = await start(nursery)
    get = b"GET /%d HTTP/1.1\r\n\r\n"
    answer = await raw(server, get % 1 + get % 2 + b"GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 404") == 3


async def test_each_request_is_in_the_record_at_once(nursery: trio.Nursery, tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    record.write_text('{"older": true}\n')
    server = await start(nursery, record=record)
    async with http_client() as client:
        for number in (1, 2):
            await send(client, server, "phone")
            while record.read_text().count("\n") <= number:  # behind what was there before
                await trio.sleep(0.001)
            lines = [json.loads(line) for line in record.read_text().splitlines()]
            assert lines == [{"older": True}, *server.requests]
            assert len(lines) == 1 + number
    assert set(lines[-1]) == {"at", "kind", "project", "message", "status"}
    assert "good" not in record.read_text()


async def test_only_the_newest_requests_are_held_in_memory(nursery: trio.Nursery) -> None:
    server = await start(nursery, requests_max=3)
    async with http_client() as client:
        for number in range(5):
            await send(client, server, f"phone-{number}")
    assert [request["message"]["token"] for request in server.requests] == ["phone-2", "phone-3", "phone-4"]


async def test_what_is_not_yet_written_is_written_at_the_end() -> None:
    record = BytesIO()
    async with trio.open_nursery() as nursery:
        server = await start(nursery, record=record)
        async with http_client() as client:
            for number in range(5):
                await send(client, server, f"phone-{number}")
        nursery.cancel_scope.cancel()
    assert record.getvalue().count(b"\n") == 5


async def test_more_connections_than_allowed_are_closed(nursery: trio.Nursery) -> None:
    server = await start(nursery, connections_max=1)
    async with http_client() as first:
        await send(first, server, "phone")
        async with http_client() as second:
            with pytest.raises(HttpBroken):
                await send(second, server, "phone")
        assert (await send(first, server, "phone")).status == 200


async def test_a_connection_without_requests_is_let_go(nursery: trio.Nursery) -> None:
    server = await start(nursery, idle_max_s=0.05)
    assert await raw(server, b"POST /token HTTP/1.1\r\n") == b""
    async with http_client() as client:
        assert (await send(client, server, "slow0.1-x")).status == 200


async def test_it_speaks_tls(nursery: trio.Nursery) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = await start(nursery, ssl_context=context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)
    assert server.token_uri.startswith("https://127.0.0.1:")
    async with http_client(ssl_context=client_context) as client:
        assert (await send(client, server, "phone")).status == 200
        assert b"HTTP" not in await raw(server, b"GET / HTTP/1.1\r\n\r\n")
        assert (await send(client, server, "phone")).status == 200


def test_a_made_service_account_is_one_and_its_key_is_new(tmp_path: Path) -> None:
    first, second = (make_service_account("evd-demo", "http://127.0.0.1:1/token") for _ in range(2))
    path = tmp_path / "account.json"
    path.write_text(json.dumps(first))
    assert load_service_account(path).project_id == "evd-demo"
    assert first["private_key"] != second["private_key"]


# The command


class Command(NamedTuple):
    process: subprocess.Popen[str]
    url: str
    said: str  # on stderr, until it listened or ended


@contextmanager
def running(*arguments: str) -> Iterator[Command]:
    """`evd fake-fcm`, from when it listens."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from evd.cli.fake_fcm import fake_fcm; fake_fcm()", *arguments],
        cwd=Path(evd.__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said, url = "", ""
        while not url and (line := process.stderr.readline()):
            said += line
            url = line.split()[5] if "listens on" in line else ""
        yield Command(process, url, said)
    finally:
        process.kill()
        process.communicate()


async def fetched(account: ServiceAccount) -> tuple[str, float]:
    async with http_client() as client:
        return await account.fetch_token(client)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal_and_ends_well(number: signal.Signals, tmp_path: Path) -> None:
    account = tmp_path / "account.json"
    with running("--bind", "127.0.0.1:0", "--record", "-", "--credentials", str(account)) as command:
        assert account.stat().st_mode & 0o777 == 0o600
        assert load_service_account(account).token_uri == f"{command.url}/token"
        token, lifetime_s = trio.run(fetched, load_service_account(account))
        assert token and lifetime_s > 3000
        command.process.send_signal(number)
        output, errors = command.process.communicate(timeout=5)
    assert command.process.returncode == 0
    assert [json.loads(line)["kind"] for line in output.splitlines()] == ["token"]
    assert "Traceback" not in errors


def test_an_address_in_use_is_one_sentence() -> None:
    with running("--bind", "127.0.0.1:0") as first, running("--bind", first.url.removeprefix("http://")) as second:
        assert second.process.wait(timeout=5) == 1
    assert second.said.count("\n") == 1
    assert f"Error: The fake FCM on {first.url.removeprefix('http://')} stops: " in second.said
    assert "already in use" in second.said


def test_a_real_service_account_is_never_overwritten(tmp_path: Path) -> None:
    account = tmp_path / "account.json"
    account.write_text('{"type": "service_account", "client_email": "x@y.iam.gserviceaccount.com"}')
    before = account.read_text()
    with running("--bind", "127.0.0.1:0", "--credentials", str(account)) as command:
        assert command.process.wait(timeout=5) == 1
    assert "is not a fake service account; name another file" in command.said
    assert account.read_text() == before


def test_an_older_fake_account_is_replaced_and_made_private(tmp_path: Path) -> None:
    account = tmp_path / "account.json"
    account.write_text(json.dumps(make_service_account("evd-demo", "http://127.0.0.1:1/token")))
    account.chmod(0o644)
    with running("--bind", "127.0.0.1:0", "--credentials", str(account)) as command:
        assert json.loads(account.read_text())["token_uri"] == command.url + "/token"
        assert account.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--bind", "nowhere"], "'nowhere' is not HOST:PORT"),
        (["--bind", "127.0.0.1:70000"], "is not HOST:PORT"),
        (["--bind", "127.0.0.1:0", "--record", "/nonexistent/x"], "/nonexistent/x: No such file or directory."),
        (["--tls-cert", __file__], "belong together"),
        (["--tls-cert", __file__, "--tls-key", __file__], "are not a certificate and its key"),
    ],
)
def test_a_wrong_argument_is_one_sentence(arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(fake_fcm, arguments)
    assert result.exit_code in (1, 2)
    assert says in result.output
    assert "Traceback" not in result.output


def test_the_help_shows_every_behaviour() -> None:
    text = CliRunner().invoke(fake_fcm, ["--help"]).output
    assert all(f"{row.prefix}…" in text and row.does in text for row in BEHAVIOURS)
    assert all(name in text and does in text for name, (does, _) in MOODS.items())
