"""Debian's mosquitto on a free port of this machine, and a client that remembers what it receives."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="no mosquitto here: apt-get install mosquitto")
WAIT_S = 20.0


class Mosquitto:
    """`more` are lines of its configuration. Nothing is kept beyond its process."""

    def __init__(self, folder: Path, more: str = "allow_anonymous true\n") -> None:
        with socket.create_server(("127.0.0.1", 0)) as one:
            self.port: int = one.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        # Run by root, it would change to a user who may not read the test's folder.
        self._config.write_text(f"user root\nlistener {self.port} 127.0.0.1\n{more}")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

        def listens() -> bool:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                return False
            return True

        wait_until(listens)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(WAIT_S)
            self._process = None


@contextmanager
def mosquitto(folder: Path, more: str = "allow_anonymous true\n") -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, more)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Subscriber:
    """All that the broker has retained and is sent: the last payload of each topic, and every message in order."""

    def __init__(self) -> None:
        self.last: dict[str, bytes] = {}
        self.messages: list[tuple[str, bytes, bool]] = []
        """Topic, payload, and whether the broker had retained it."""
        self._changed = threading.Condition()

    def took(self, message: paho.MQTTMessage) -> None:
        with self._changed:
            self.last[message.topic] = message.payload
            self.messages.append((message.topic, message.payload, message.retain))
            self._changed.notify_all()

    def until(self, holds: Callable[[Subscriber], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self), WAIT_S), sorted(self.last)


@contextmanager
def subscriber(broker: Mosquitto) -> Iterator[Subscriber]:
    one = Subscriber()
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _data, message: one.took(message)
    client.on_connect = lambda *_: client.subscribe("#", qos=1)
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        assert subscribed.wait(WAIT_S), "what the broker gets before that comes in any order"
        yield one
    finally:
        client.disconnect()
        client.loop_stop()


def wait_until(holds: Callable[[], bool]) -> None:
    end = monotonic() + WAIT_S
    pause = threading.Event()
    while not holds():
        assert monotonic() < end
        pause.wait(0.01)
