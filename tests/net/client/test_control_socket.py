"""A command's questions to the daemon: its answers are read, and whatever goes wrong is one sentence."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evd.config.data_dir import SOCKET_PATH_MAX
from evd.errors import ControlError, NoDaemon
from evd.net.client import control_socket
from evd.net.client.control_socket import DaemonNotRunning

Answered = Callable[[bytes], list[bytes]]


@pytest.fixture
def answered(tmp_path: Path) -> Iterator[Answered]:
    """Answers one question at tmp_path/"evd.sock" with these bytes; the list is to have the question."""
    threads: list[threading.Thread] = []
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "evd.sock"))
    listening.listen()
    listening.settimeout(10)

    def answer(data: bytes) -> list[bytes]:
        asked: list[bytes] = []

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(10)
                asked.append(_whole(connection))
                connection.sendall(data)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return asked

    yield answer
    listening.close()
    for thread in threads:
        thread.join(10)


def _whole(connection: socket.socket) -> bytes:
    """A request with its body."""
    data = b""
    while not (found := re.search(rb"\r\n\r\n", data)):
        data += connection.recv(65_536)
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", data)
    while length and len(data) < found.end() + int(length[1]):
        data += connection.recv(65_536)
    return data


def reply(body: bytes, status: str = "200 OK", *fields: bytes) -> bytes:
    head = [b"HTTP/1.1 " + status.encode(), b"Content-Length: %d" % len(body), *fields, b"", b""]
    return b"\r\n".join(head) + body


def test_a_question_and_its_answer_are_json(tmp_path: Path, answered: Answered) -> None:
    asked = answered(reply(b'{"id":"k"}', "201 Created"))
    assert control_socket.call(tmp_path / "evd.sock", "POST", "/keys", {"role": "app"}) == {"id": "k"}
    assert asked[0].startswith(b"POST /api/v1/keys HTTP/1.1\r\nHost: evd\r\n")


def test_a_file_is_sent_and_fetched_as_it_is(tmp_path: Path, answered: Answered) -> None:
    asked = answered(reply(b"{}"))
    assert control_socket.send_file(tmp_path / "evd.sock", "/images/A", b"\xff\xd8") == {}
    assert b"content-type: application/octet-stream\r\n" in asked[0]
    answered(reply(b"\xff\xd8"))
    assert control_socket.fetch_file(tmp_path / "evd.sock", "/images/A") == b"\xff\xd8"


@pytest.mark.parametrize(
    ("link", "following"),
    [
        (b'Link: </api/v1/vehicles?after=A&limit=1>; rel="next"', "/vehicles?after=A&limit=1"),
        (b'Link: </api/v1/vehicles>; rel="first"', None),
        (b"X: y", None),
    ],
)
def test_a_page_says_where_the_list_goes_on(
    tmp_path: Path, answered: Answered, link: bytes, following: str | None
) -> None:
    answered(reply(b"[1]", "200 OK", link))
    assert control_socket.page(tmp_path / "evd.sock", "/vehicles?limit=1") == ([1], following)


def test_a_stream_is_read_line_by_line(tmp_path: Path, answered: Answered) -> None:
    asked = answered(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ndata: \xc3\xa9\n\nda\xff")
    lines = control_socket.lines(tmp_path / "evd.sock", "/stream", {"Last-Event-ID": "7"})
    assert list(lines) == ["data: é", "", "da\ufffd"]
    assert b"Last-Event-ID: 7\r\n" in asked[0]


QUESTIONS: dict[str, Callable[[Path], Any]] = {
    "call": lambda path: control_socket.call(path, "GET", "/stats"),
    "send_file": lambda path: control_socket.send_file(path, "/images/A", b"x"),
    "fetch_file": lambda path: control_socket.fetch_file(path, "/images/A"),
    "page": lambda path: control_socket.page(path, "/vehicles"),
    "lines": lambda path: list(control_socket.lines(path, "/stream", {})),
}
ASKING = pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS.keys())


@ASKING
def test_a_refusal_is_the_daemons_own_sentence(tmp_path: Path, answered: Answered, ask: Callable[[Path], Any]) -> None:
    answered(reply(json.dumps({"Error": "x", "detail": "no such vehicle: check its id"}).encode(), "404 Not Found"))
    with pytest.raises(ControlError, match=r"^no such vehicle: check its id$"):
        ask(tmp_path / "evd.sock")


@ASKING
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nda",
        reply(b"<html>", "502 Bad Gateway"),
    ],
    ids=["nothing", "no HTTP", "broken off", "no JSON"],
)
def test_what_is_no_answer_is_one_sentence(
    tmp_path: Path, answered: Answered, ask: Callable[[Path], Any], data: bytes
) -> None:
    answered(data)
    with pytest.raises(NoDaemon, match=r"evd\.sock did not answer \(\w+\): look at its log$"):
        ask(tmp_path / "evd.sock")


def test_where_nobody_listens_no_daemon_runs(tmp_path: Path) -> None:
    path = tmp_path / "evd.sock"
    too_long = tmp_path / ("x" * SOCKET_PATH_MAX)
    for one in (path, too_long):
        with pytest.raises(DaemonNotRunning, match="no evd listens at"):
            control_socket.call(one, "GET", "/stats")
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()  # as after a crash
    with pytest.raises(DaemonNotRunning):
        control_socket.call(path, "GET", "/stats")


def test_a_socket_of_another_user_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """root may open each socket, so the refusal is the kernel's answer played."""
    path = tmp_path / "evd.sock"
    path.touch()

    def refused(connection: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(control_socket._UnixConnection, "connect", refused)
    with pytest.raises(ControlError, match="is not yours to use: run `"):
        control_socket.call(path, "GET", "/stats")
