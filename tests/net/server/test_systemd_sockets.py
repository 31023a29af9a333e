"""Sockets that were opened before evd started: what the environment says of them, and that they lose no callback."""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from daemon_process import READY_S, STOP_S, Lines, clean_env, init

from evd.errors import ConfigError
from evd.net.server import systemd_sockets as inherited
from evd.net.server.systemd_sockets import Announced, announced

PID = 4711


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ({}, []),
        ({"LISTEN_FDS": "1"}, []),  # announced to nobody
        ({"LISTEN_FDS": "1", "LISTEN_PID": ""}, []),
        ({"LISTEN_FDS": "1", "LISTEN_PID": "4712"}, []),  # to a parent of ours
        ({"LISTEN_FDS": "0", "LISTEN_PID": "4711"}, []),
        ({"LISTEN_FDS": "1", "LISTEN_PID": "4711"}, [Announced(3, "unknown")]),
        (
            {"LISTEN_FDS": "3", "LISTEN_PID": "4711", "LISTEN_FDNAMES": "evd.socket::other"},
            [Announced(3, "evd.socket"), Announced(4, "unknown"), Announced(5, "other")],
        ),
        ({"LISTEN_FDS": "1", "LISTEN_PID": "4711", "LISTEN_FDNAMES": "a:b"}, [Announced(3, "a")]),
    ],
)
def test_descriptors_are_those_announced_to_this_process(env: dict[str, str], found: list[Announced]) -> None:
    assert announced(env, PID) == found


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"LISTEN_PID": "4711"}, "LISTEN_FDS is ''"),
        ({"LISTEN_PID": "4711", "LISTEN_FDS": "-1"}, "LISTEN_FDS is '-1'"),
        ({"LISTEN_PID": "4711", "LISTEN_FDS": "1.0"}, "LISTEN_FDS is '1.0'"),
        ({"LISTEN_PID": "4711", "LISTEN_FDS": "²"}, "LISTEN_FDS is '²'"),
        ({"LISTEN_PID": "4711", "LISTEN_FDS": "9" * 5000}, "LISTEN_FDS is '99999999999999999999'"),
        ({"LISTEN_PID": "4711", "LISTEN_FDS": "65"}, "LISTEN_FDS announces 65 sockets"),
        ({"LISTEN_PID": "me", "LISTEN_FDS": "1"}, "LISTEN_PID is 'me'"),
    ],
)
def test_what_is_no_number_is_refused_in_a_sentence(env: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=f"^{says}"):
        announced(env, PID)


def test_the_variables_are_removed_whatever_they_say() -> None:
    for env in (
        {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "a", "HOME": "/"},
        {"LISTEN_PID": "x", "LISTEN_FDS": "1", "HOME": "/"},
    ):
        with suppress(ConfigError):
            assert inherited.take(env, PID) == []
        assert env == {"HOME": "/"}


def take_at(monkeypatch: pytest.MonkeyPatch, *descriptors: int) -> list[socket.socket]:
    """`take` of copies of these descriptors, which stand side by side at some free place instead of at 3."""
    first = fcntl.fcntl(descriptors[0], fcntl.F_DUPFD, 200)
    for place, descriptor in enumerate(descriptors[1:], first + 1):
        os.dup2(descriptor, place)
    monkeypatch.setattr(inherited, "FIRST_DESCRIPTOR", first)
    env = {"LISTEN_PID": str(PID), "LISTEN_FDS": str(len(descriptors)), "LISTEN_FDNAMES": "http"}
    return inherited.take(env, PID)


def test_a_listening_socket_is_taken_and_kept_from_children(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as tcp6,
    ):
        taken = take_at(monkeypatch, tcp.fileno(), tcp6.fileno())
        assert [one.getsockname() for one in taken] == [tcp.getsockname(), tcp6.getsockname()]
        for one in taken:
            assert not os.get_inheritable(one.fileno())
            assert not one.getblocking()
            one.close()


def no_sockets() -> Iterator[tuple[str, int]]:
    """Descriptors that are no listening TCP sockets, each with what it is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        yield "datagrams", udp.fileno()
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("")  # the kernel picks an abstract name
        unix.listen()
        yield "no TCP", unix.fileno()
    with socket.socket() as silent:
        yield "does not listen", silent.fileno()
    pair = socket.socketpair()  # what Accept=yes hands over is a connection
    yield "a connection", pair[0].fileno()
    for one in pair:
        one.close()
    read, write = os.pipe()
    yield "a pipe", read
    os.close(read)
    os.close(write)


def test_anything_else_is_refused_in_a_sentence_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for what, descriptor in no_sockets():
        with (
            socket.create_server(("127.0.0.1", 0)) as good,
            pytest.raises(ConfigError, match=r"descriptor \d+ \(unknown\), announced by LISTEN_FDS, is no listening"),
        ):
            pytest.fail(f"{what}: {take_at(monkeypatch, good.fileno(), descriptor)}")


def test_a_descriptor_that_is_not_open_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inherited, "FIRST_DESCRIPTOR", 1000)
    with pytest.raises(ConfigError, match=r"descriptor 1000 \(http\)"):
        inherited.take({"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "http"}, 1)


STOPPING = '"event": "stopping"'

# Stands in for systemd: puts the socket at descriptor 3 and becomes evd, so that LISTEN_PID is evd's.
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="evd.socket")
os.execv(sys.executable, [sys.executable, "-m", "evd", "serve", *sys.argv[2:]])
"""


@contextmanager
def activated(listener: socket.socket, directory: Path) -> Iterator[tuple[subprocess.Popen[str], Lines]]:
    """`evd serve` with this socket, until it is asked to end; the process and its log."""
    process = subprocess.Popen(
        [sys.executable, "-c", ACTIVATE, str(listener.fileno()), "--dir", str(directory), "--bind", "127.0.0.1:1"],
        env=clean_env(),
        pass_fds=[listener.fileno()],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    logs = Lines(process.stderr)
    try:
        yield process, logs
        assert logs.wait_for('"event": "ready"', READY_S), str(logs)  # before it, SIGTERM ends it as any process
        if logs.wait_for(STOPPING, 0) is None:
            process.terminate()
        assert process.wait(STOP_S) == 0, str(logs)
    finally:
        process.kill()
        process.wait()
        logs.close()


def callback(number: int, key: str) -> bytes:
    body = b'{"device":"386625","time":%d,"data":"130a4c0f"}' % (1_639_400_000 + number)
    head = f"POST /sigfox/uplink HTTP/1.1\r\nHost: x\r\nx-api-key: {key}\r\nConnection: close\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def answers(clients: list[socket.socket]) -> list[bytes]:
    """The status line of each client's answer."""
    lines = []
    for client in clients:
        client.settimeout(READY_S)
        with client, client.makefile("rb") as stream:
            lines.append(stream.readline())
    return lines


def test_callbacks_that_come_while_evd_is_down_are_answered_when_it_is_up_again(tmp_path: Path) -> None:
    key = init(tmp_path / "evd")["sigfox"]
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def ask(first: int) -> list[socket.socket]:
            clients = [socket.create_connection(listener.getsockname()) for _ in range(20)]
            for number, client in enumerate(clients, first):
                client.sendall(callback(number, key))
            return clients

        early = ask(0)
        with activated(listener, tmp_path / "evd") as (_, logs):
            assert answers(early) == [b"HTTP/1.1 201 Created\r\n"] * 20
            ready = logs.wait_for('"event": "ready"', READY_S)
            assert ready is not None
            assert json.loads(ready)["listen"] == ["http://{}:{}".format(*listener.getsockname())]
            said = logs.wait_for("replace server.bind", READY_S)
            assert said is not None
            assert json.loads(said)["unused"] == ["127.0.0.1:1"]
        between = ask(20)
        with activated(listener, tmp_path / "evd"):
            assert answers([*between, *ask(40)]) == [b"HTTP/1.1 201 Created\r\n"] * 40


def cpu_s(process: subprocess.Popen[str]) -> float:
    """What the process has used of a processor so far, seconds."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_who_waits_for_the_next_evd_costs_the_stopping_one_nothing(tmp_path: Path) -> None:
    """The socket outlives the daemon's own descriptor of it, and so does what an epoll knows of it."""
    key = init(tmp_path / "evd")["sigfox"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with (
            activated(listener, tmp_path / "evd") as (process, logs),
            socket.create_connection(listener.getsockname()) as in_hand,
        ):
            in_hand.settimeout(READY_S)
            head, end, body = callback(0, key).partition(b"\r\n\r\n")
            in_hand.sendall(head + b"\r\nExpect: 100-continue" + end)
            assert in_hand.recv(100).startswith(b"HTTP/1.1 100 ")  # its body is what the stop waits for
            process.terminate()
            assert logs.wait_for(STOPPING, READY_S)
            assert not select.select([in_hand], [], [], 0.3)[0]  # meanwhile it closes its own descriptor
            waiting = socket.create_connection(listener.getsockname())
            waiting.sendall(callback(1, key))
            before = cpu_s(process)
            assert not select.select([in_hand], [], [], 1)[0]  # time itself is what is tested
            spent_s = cpu_s(process) - before
            in_hand.sendall(body)
            assert in_hand.recv(100).startswith(b"HTTP/1.1 201 ")
        with activated(listener, tmp_path / "evd"):
            assert answers([waiting]) == [b"HTTP/1.1 201 Created\r\n"]
    assert spent_s < 0.3


def test_a_socket_that_cannot_be_served_ends_evd_with_2_and_a_sentence(tmp_path: Path) -> None:
    init(tmp_path / "evd")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        process = subprocess.run(
            [sys.executable, "-c", ACTIVATE, str(udp.fileno()), "--dir", str(tmp_path / "evd")],
            env=clean_env(),
            pass_fds=[udp.fileno()],
            capture_output=True,
            text=True,
            timeout=READY_S,
            check=False,
        )
    assert process.returncode == 2
    assert process.stderr.startswith(
        "evd: descriptor 3 (evd.socket), announced by LISTEN_FDS, is no listening TCP socket"
    )
    assert process.stderr.count("\n") == 1
