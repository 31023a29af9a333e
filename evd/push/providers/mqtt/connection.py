"""Connections to the broker, one after the other: paho-mqtt has the protocol, trio waits for the socket.

Once connected, paho-mqtt's client for foreign event loops (`loop_read`, `loop_write`, `loop_misc`) never waits; it
connects in a thread. A client is used for one connection only, so nothing of a lost one is sent again.
"""

from __future__ import annotations

import contextlib
import secrets
import ssl
from collections.abc import Callable, Iterable
from typing import Any

import paho.mqtt.client as paho
import trio
from paho.mqtt.enums import CallbackAPIVersion

from evd.config.mqtt_settings import MqttSettings
from evd.errors import Pause, Unreachable
from evd.log.logger import log
from evd.net.client.retry_delay import FIRST_S
from evd.push.providers.mqtt.address import BrokerAddress
from evd.push.providers.mqtt.topics import OFFLINE, ONLINE, MqttMessage, Topics

RECONNECT_S = 1.0, 60.0
"""The first wait before a lost connection is made anew, and the longest; each is twice the one before."""

REFUSED_S = 60.0
"""How long pushes pause if the broker refuses evd: somebody has to change a setting, here or there."""

WINDOW = 20
"""Messages that the broker has not confirmed; mosquitto takes 20 at once (max_inflight_messages)."""


class Broken(Exception):
    """A connection ended or could not be made; the text is for a person."""


class Refused(Broken):
    """The broker answered, and refuses evd."""


class BrokerConnection:
    """One long task, `run`; `publish` works while it is connected. `connected` is called at the start of each one."""

    def __init__(
        self,
        address: BrokerAddress,
        settings: MqttSettings,
        topics: Topics,
        *,
        ssl_context: ssl.SSLContext | None,
        connected: Callable[[], None],
    ) -> None:
        self._address = address
        self._settings = settings
        self._topics = topics
        self._ssl_context = ssl_context
        self._connected = connected
        self._client: paho.Client | None = None
        self._confirmed: dict[int, trio.Event] = {}
        """Packet → set once the broker has confirmed it."""
        self._unsent = trio.Event()
        self._lost = trio.Event()
        self._trouble: Broken | None = None

    async def publish(self, messages: Iterable[MqttMessage]) -> None:
        """Send these in order, and return when the broker has confirmed all. Raises Pause or Unreachable.

        All are queued before the first wait, so that two calls never mix.
        """
        client = self._client
        if client is None:
            raise self._why_not()
        waiting: dict[int, trio.Event] = {}
        for topic, payload, retain in messages:
            sent = client.publish(topic, payload, qos=1, retain=retain)
            waiting[sent.mid] = self._confirmed[sent.mid] = trio.Event()
        try:
            with trio.fail_after(self._settings.timeout_s):
                for confirmed in waiting.values():
                    await confirmed.wait()
        except trio.TooSlowError:
            self._lose(Broken(f"it confirmed nothing within {self._settings.timeout_s:g} s"))
        finally:
            for packet in waiting:
                self._confirmed.pop(packet, None)
        if self._client is not client:
            raise self._why_not()

    async def run(self) -> None:
        """Be connected, for ever. Cancelling is safe; the broker then says that evd is offline."""
        wait_s, longest_s = RECONNECT_S
        while True:
            try:
                await self._one_connection()
            except Broken as error:
                if self._client is not None:
                    wait_s = RECONNECT_S[0]
                self._lose(error)
                log.warning(
                    "no connection to the MQTT broker", broker=str(self._address), reason=str(error), retry_s=wait_s
                )
            await trio.sleep(wait_s)
            wait_s = min(2 * wait_s, longest_s)

    def _why_not(self) -> Unreachable | Pause:
        sentence = f"There is no connection to the MQTT broker {self._address}: {self._trouble or 'it is being made'}."
        return Pause(sentence, REFUSED_S) if isinstance(self._trouble, Refused) else Unreachable(sentence, FIRST_S)

    async def _one_connection(self) -> None:
        """Until it breaks: raises Broken."""
        client = self._new_client()
        accepted, self._lost, self._unsent = trio.Event(), trio.Event(), trio.Event()
        refusal: list[str] = []

        def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if reason.is_failure:
                refusal.append(str(reason))
            accepted.set()

        def on_publish(_client: Any, _data: Any, packet: int, _reason: Any, _properties: Any) -> None:
            if packet in self._confirmed:
                self._confirmed[packet].set()

        client.on_connect, client.on_publish = on_connect, on_publish
        await self._open(client)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, client)
                nursery.start_soon(self._read, client)
                nursery.start_soon(self._write, client)
                nursery.start_soon(self._keep_alive, client)
                with trio.move_on_after(self._settings.timeout_s):
                    await accepted.wait()
                if refusal:
                    raise Refused(f"it refuses evd ({refusal[0].lower()}): see the user in mqtt.url, and mqtt.password")
                if not accepted.is_set():
                    raise Broken(f"it did not greet within {self._settings.timeout_s:g} s")
                client.publish(self._topics.bridge, ONLINE, qos=1, retain=True)
                self._client, self._trouble = client, None
                log.info("connected to the MQTT broker", broker=str(self._address))
                self._connected()
        except BaseExceptionGroup as group:
            broken, others = group.split(Broken)
            if others is not None:  # at the end of the daemon: Cancelled
                raise others from None
            assert broken is not None
            raise _first(broken) from None
        finally:
            _close(client)

    def _new_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"evd{secrets.token_hex(8)}", protocol=paho.MQTTv311
        )
        client.connect_timeout = self._settings.timeout_s
        client.max_inflight_messages_set(WINDOW)
        client.will_set(self._topics.bridge, OFFLINE, qos=1, retain=True)
        if self._address.user:
            client.username_pw_set(self._address.user, self._settings.password or None)
        if self._ssl_context is not None:
            client.tls_set_context(self._ssl_context)
        return client

    async def _open(self, client: paho.Client) -> None:
        """Names, TCP and TLS, in a thread, which ends with its own timeouts. Raises Broken."""
        address = self._address

        def connect() -> None:
            client.connect(address.host, address.port, self._settings.keepalive_s)

        try:
            with trio.fail_after(2 * self._settings.timeout_s):
                await trio.to_thread.run_sync(connect, abandon_on_cancel=True)
        except trio.TooSlowError:
            raise Broken("it does not answer") from None
        except ssl.SSLError as error:
            raise Broken(f"TLS failed ({getattr(error, 'verify_message', '') or error.reason})") from None
        except (OSError, ValueError) as error:
            raise Broken(getattr(error, "strerror", None) or str(error)) from None
        # From here on all of it runs in the loop.
        client.on_socket_close = lambda _client, _data, sock: trio.lowlevel.notify_closing(sock)
        client.on_socket_register_write = lambda _client, _data, _sock: self._unsent.set()

    async def _watch(self, client: paho.Client) -> None:
        await self._lost.wait()
        raise self._trouble or Broken("the connection was given up")

    async def _read(self, client: paho.Client) -> None:
        while (sock := client.socket()) is not None:
            with contextlib.suppress(trio.ClosedResourceError):
                await trio.lowlevel.wait_readable(sock)
            result = client.loop_read()
            while result == paho.MQTT_ERR_SUCCESS and _has_more(client.socket()):
                result = client.loop_read()
            if result != paho.MQTT_ERR_SUCCESS:
                raise Broken(paho.error_string(result).rstrip("."))
        raise Broken("it closed the connection")

    async def _write(self, client: paho.Client) -> None:
        while (sock := client.socket()) is not None:
            if not client.want_write():
                self._unsent = trio.Event()
                await self._unsent.wait()
                continue
            with contextlib.suppress(trio.ClosedResourceError):
                await trio.lowlevel.wait_writable(sock)
            result = client.loop_write()
            if result not in (paho.MQTT_ERR_SUCCESS, paho.MQTT_ERR_AGAIN):
                raise Broken(paho.error_string(result).rstrip("."))
        raise Broken("it closed the connection")

    async def _keep_alive(self, client: paho.Client) -> None:
        while True:
            await trio.sleep(self._settings.keepalive_s / 4)
            result = client.loop_misc()
            if result != paho.MQTT_ERR_SUCCESS:
                raise Broken(paho.error_string(result).rstrip("."))

    def _lose(self, why: Broken) -> None:
        """Whoever waits for a confirmation is called, and told that there is none."""
        self._client, self._trouble = None, why
        for confirmed in self._confirmed.values():
            confirmed.set()
        self._lost.set()


def _first(group: BaseExceptionGroup[Broken]) -> Broken:
    """The group's first error; a refusal, which the end of the connection follows, before others."""
    leaves: list[Broken] = []
    rest: list[BaseException] = [group]
    while rest:
        one = rest.pop(0)
        if isinstance(one, BaseExceptionGroup):
            rest += one.exceptions
        elif isinstance(one, Broken):
            leaves.append(one)
    return next((one for one in leaves if isinstance(one, Refused)), leaves[0])


def _has_more(sock: Any) -> bool:
    """Whether TLS has decrypted more than was read: the socket does not become readable for that."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0


def _close(client: paho.Client) -> None:
    """Close the socket without a farewell, so that the broker says by evd's last will that it is offline."""
    sock = client.socket()
    client.on_socket_close = None  # it is also called when the client is collected, outside the loop
    if sock is not None:
        trio.lowlevel.notify_closing(sock)
        with contextlib.suppress(OSError):
            sock.close()
