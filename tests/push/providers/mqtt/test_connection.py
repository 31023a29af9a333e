"""The connection: TLS, refusals, brokers that are silent; each failure is a sentence and an order to try again."""

from __future__ import annotations

import gc
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import trio
import trustme
from mosquitto import Mosquitto, mosquitto, needs_mosquitto

from evd.config.mqtt_settings import MqttSettings
from evd.errors import Pause, Unreachable
from evd.push.providers.mqtt import connection as module
from evd.push.providers.mqtt.address import broker_address
from evd.push.providers.mqtt.connection import BrokerConnection
from evd.push.providers.mqtt.topics import MqttMessage, Topics

MESSAGE = MqttMessage("evd/A/state", b"{}", True)
TOPICS = Topics("evd", "homeassistant")


@asynccontextmanager
async def connection(
    url: str, *, password: str = "", timeout_s: float = 5, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[BrokerConnection, trio.Event]]:
    """A connection that is being made, and an event that is set once it is there."""
    there = trio.Event()
    settings = MqttSettings(url=url, password=password, timeout_s=timeout_s)
    address = broker_address(url)
    one = BrokerConnection(address, settings, TOPICS, ssl_context=context, connected=there.set)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.run)
        with trio.fail_after(20):
            yield one, there
        nursery.cancel_scope.cancel()


async def refusal(one: BrokerConnection, word: str) -> Pause | Unreachable:
    """The error of a publication, once its sentence has this word."""
    while True:
        try:
            await one.publish([MESSAGE])
        except (Pause, Unreachable) as error:
            if word in str(error):
                return error
        await trio.sleep(0.01)


# paho-mqtt leaves the socket of a failed handshake to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed:ResourceWarning")
@needs_mosquitto
async def test_tls_and_a_password(tmp_path: Path) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    made.private_key_pem.write_to_path(tmp_path / "key.pem")
    made.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    await trio.run_process(["mosquitto_passwd", "-b", "-c", str(tmp_path / "users"), "evd", "right"])
    more = f"certfile {tmp_path}/cert.pem\nkeyfile {tmp_path}/key.pem\npassword_file {tmp_path}/users\n"
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    with mosquitto(tmp_path, more) as broker:
        url = f"mqtts://evd@127.0.0.1:{broker.port}"
        async with connection(url, password="right", context=context) as (one, there):
            await there.wait()
            # Far more than the broker takes at once, and than one TLS record holds.
            await one.publish([MqttMessage(f"evd/{number}/state", bytes(2000), True) for number in range(500)])
        async with connection(url, password="wrong", context=context) as (one, _):
            assert isinstance(await refusal(one, "see the user in mqtt.url, and mqtt.password"), Pause)
        async with connection(url, password="right", context=ssl.create_default_context()) as (one, _):
            assert isinstance(await refusal(one, "TLS failed (unable to get local issuer certificate)"), Unreachable)
    gc.collect()


@needs_mosquitto
async def test_a_broker_that_ends_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECONNECT_S", (0.05, 0.1))
    with mosquitto(tmp_path) as broker:
        async with connection(broker.url) as (one, there):
            await there.wait()
            await one.publish([MESSAGE])
            broker.stop()
            await refusal(one, "There is no connection to the MQTT broker mqtt://127.0.0.1:")
            await trio.to_thread.run_sync(broker.start)
            while True:
                try:
                    await one.publish([MESSAGE])
                    break
                except Unreachable:
                    await trio.sleep(0.01)


async def test_nobody_listens(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    async with connection(broker.url) as (one, _):
        assert isinstance(await refusal(one, "Connection refused"), Unreachable)


@pytest.mark.parametrize(("greets", "word"), [(b"", "did not greet"), (b"\x20\x02\x00\x00", "confirmed nothing")])
async def test_a_broker_that_falls_silent_is_given_up(greets: bytes, word: str) -> None:
    async def silent(stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError):
            await stream.send_all(greets)
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, silent, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        async with connection(f"mqtt://127.0.0.1:{port}", timeout_s=0.2) as (one, _):
            assert isinstance(await refusal(one, word), Unreachable)
        nursery.cancel_scope.cancel()
