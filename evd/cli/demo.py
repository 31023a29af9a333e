"""`evd demo`: the whole chain in one process: a simulated fleet, the daemon, and a fake FCM."""

from __future__ import annotations

import contextlib
import math
import os
import shlex
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson
import trio
from rich.console import Console
from rich.live import Live
from rich.table import Table

from evd.auth.api_keys import ROLES
from evd.auth.secret_texts import new_secret_text
from evd.cli.common import json_option, settings, sources
from evd.cli.fake_fcm import write_credentials
from evd.cli.printing import cell, say_styled, show_line
from evd.cli.serve import make
from evd.cli.simulate import DEMO_KEYS, keys_of_file
from evd.config.data_dir import DataDirectory, Lock
from evd.dev.fake_fcm.server import FakeFcm
from evd.dev.fleet import FIRST_VEHICLE, Fleet
from evd.dev.load import LoadGenerator, LoadReport
from evd.dev.traffic import CHANNELS, Traffic
from evd.errors import ConfigError, ControlError
from evd.log import logger as log
from evd.model.daemon_state import PushOutcome
from evd.net.client import control_socket
from evd.net.client.http import HttpClient
from evd.net.client.push_pool import PushPool
from evd.store.engines import DEFAULT, ENGINES

if TYPE_CHECKING:
    from evd.daemon.lifecycle import Daemon

OWNER = "demo"
PHONE = "demo-phone"  # the fake FCM delivers to any token that does not begin with the name of a behaviour

VEHICLES = 10
NAMES = ("Zoe", "Kangoo", "Leaf", "Enyaq", "Kona", "Twingo", "Niro", "Golf", "Ariya", "Spring")
RATE = 2.0  # callbacks a second: each vehicle sends every 5 s
DUPLICATES = LATE = 3.0  # % of the callbacks
CONNECTIONS = 4
TIMEOUT_S = 10.0
ANSWER_MAX = 1 << 20
LIVE_EVERY_S = 0.5

#: The original system's own callback, as its Sigfox configuration made it; the shell puts the time in.
CALLBACK = (
    '{"timestamp":\'$(date +%s)\',"vehicleId":"386625","seqNumber":118,"rawdata":"130a4c0f594e427e4bb45088",'
    '"advanced":false,"connectivity":1,"state":0,"current_charge":76,"target_charge":20,"current":608,'
    '"elapsed_time":3929,"remain_time":2504,"range":638,"elec_consumption":19380,"indoor_temp":20616}'
)


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """The files of a demo's directory; `shown` is its path as the user gave it."""

    data_dir: DataDirectory
    shown: Path

    @property
    def keys(self) -> Path:
        return self.data_dir.directory / DEMO_KEYS

    @property
    def credentials(self) -> Path:
        return self.data_dir.directory / "fcm.json"

    @property
    def pushes(self) -> Path:
        return self.data_dir.directory / "pushes.jsonl"

    @property
    def log(self) -> Path:
        return self.data_dir.directory / "demo.log"


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default="evd-data",
    show_default=True,
    help="The demo's data directory.",
)
@click.option("--bind", metavar="HOST:PORT", default="127.0.0.1:8080", show_default=True, help="Listen here.")
@click.option(
    "--for", "seconds", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Stop after so long."
)
@json_option
def demo(directory: Path, bind: str, seconds: float | None, as_json: bool) -> None:
    """Run the whole chain: a simulated fleet sends to evd, which keeps the statuses and pushes them to a fake FCM.

    Nothing leaves this machine. The directory is created if it does not exist, and can be used again.
    """
    trio.run(_probe, bind)
    files = DemoPlace(DataDirectory(directory.absolute()), directory)
    keys = _keys(files)
    os.umask(0o077)
    lock = Lock(files.data_dir)
    try:
        files.pushes.unlink(missing_ok=True)
        with _logs_into(files.log):
            trio.run(_Demo(files, keys, bind, seconds, as_json).run, strict_exception_groups=True)
    finally:
        lock.release(orderly=True)


async def _probe(bind: str) -> None:
    """Raises ConfigError if the demo cannot listen at `bind`, before anything is created."""
    from evd.daemon.listening import parse_bind

    host, port = parse_bind(bind)
    try:
        for listener in await trio.open_tcp_listeners(port, host=host):
            await listener.aclose()
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)
        raise ConfigError(f"the demo cannot listen at {bind} ({reason}): choose another --bind HOST:PORT") from None


def _keys(files: DemoPlace) -> dict[str, str]:
    """A key of each role: those of an earlier demo, else new ones, which are kept in a file for the next run."""
    if not files.data_dir.database.exists():
        keys = make(files.data_dir)
    elif files.keys.exists():
        return keys_of_file(files.keys, list(ROLES))
    else:
        keys = _more_keys(files.data_dir)
    text = orjson.dumps({"dir": str(files.data_dir.directory), "keys": keys}, option=orjson.OPT_INDENT_2)
    descriptor = os.open(files.keys, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # an older file keeps its mode otherwise
        file.write(text + b"\n")
    return keys


def _more_keys(data_dir: DataDirectory) -> dict[str, str]:
    """New keys for a directory whose own keys are lost, since only hashes are stored."""
    from evd.daemon import process as serving

    log.configure(level="error")

    def fresh(socket: Path) -> dict[str, str]:
        wishes = {role: {"role": role, "name": "demo"} for role in ROLES}
        return {role: control_socket.call(socket, "POST", "/keys", wish)["key"] for role, wish in wishes.items()}

    without_push = settings(data_dir, {"push.credentials": ""})  # the file may be missing, and keys do not need it
    made: dict[str, str] = serving.briefly(data_dir, without_push, fresh)
    return made


@contextlib.contextmanager
def _logs_into(path: Path) -> Iterator[None]:
    """Send every log line to the file, so that the screen stays readable."""
    with path.open("w", encoding="utf-8", buffering=1) as file:
        with contextlib.redirect_stderr(file):
            log.configure(level="info", format="json")
        try:
            yield
        finally:
            log.configure(level="error")


class _Demo:
    """One run. It stops in the order of the chain: the fleet, the daemon, the fake FCM."""

    def __init__(self, files: DemoPlace, keys: dict[str, str], bind: str, seconds: float | None, as_json: bool) -> None:
        self._files = files
        self._keys = keys
        self._bind = bind
        self._seconds = seconds or math.inf
        self._as_json = as_json
        self._screen = Console()
        self._end = trio.Event()
        self._tally = LoadReport()

    async def run(self) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._signals, signals, nursery.cancel_scope)
                fake = FakeFcm(self._files.pushes, requests_max=1)  # the file records them all
                await nursery.start(fake.serve)
                daemon = self._build(fake)
                try:
                    await self._serve(daemon)
                finally:
                    daemon.close()
                nursery.cancel_scope.cancel()
        if self._as_json:
            taken, trouble = self._tally.answers[201], self._tally.first_trouble
            show_line({"sent": self._tally.sent, "taken": taken, "pushed": _sent(daemon), "trouble": trouble or None})
            return
        self._say(
            f"Stopped. Callbacks sent: {self._tally.sent}, taken: {self._tally.answers[201]}; "
            f"pushes delivered: {_sent(daemon)}. All is kept in {self._files.shown}."
        )
        if self._tally.first_trouble:
            self._say(f"The first callback that was not taken: {self._tally.first_trouble}")

    async def _signals(self, signals: Any, scope: trio.CancelScope) -> None:
        """The first signal stops in order, a second one at once."""
        await anext(signals)
        self._end.set()
        await anext(signals)
        scope.cancel()

    def _build(self, fake: FakeFcm) -> Daemon:
        from evd.daemon.lifecycle import Daemon

        try:
            write_credentials(self._files.credentials, fake.token_uri)
        except OSError as error:
            raise ConfigError(f"the demo needs a service account of its own: {error}") from None
        # Flags override the directory's evd.toml: a demo must not push to real phones.
        flags = {
            "server.bind": [self._bind],
            "server.tls_cert": "",
            "server.tls_key": "",
            "push.credentials": str(self._files.credentials),
            "push.endpoint": fake.url,
            "app.trust_user_header": True,
        }
        loaded = sources(self._files.data_dir, flags)
        return Daemon(self._files.data_dir, loaded.config, env=os.environ, dev=True, demo=True, origins=loaded.origins)

    async def _serve(self, daemon: Daemon) -> None:
        """Run the daemon for as long as the fleet runs."""
        addresses: list[str] = []

        async def until() -> None:
            await self._drive(daemon, f"http://{addresses[0]}")

        await daemon.run(daemon.parts.config.server.binds, until=until, ready=addresses.extend)

    async def _drive(self, daemon: Daemon, url: str) -> None:
        """Run the fleet until a signal or the end of the time."""
        pool = PushPool(url, connections_max=CONNECTIONS, timeout_s=TIMEOUT_S, body_max=ANSWER_MAX)
        fleet = Fleet(VEHICLES, 1)
        traffic = Traffic(fleet, channels=CHANNELS["both"], duplicates=DUPLICATES, late=LATE)
        simulator = LoadGenerator(pool, traffic, self._keys, connections=CONNECTIONS, rate=RATE)
        self._tally = simulator.tally
        async with contextlib.aclosing(pool):
            self._explain(url, await self._register(url, fleet.vehicles))
            with trio.move_on_after(self._seconds):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(simulator.run)
                    nursery.start_soon(self._show, daemon)
                    await self._end.wait()
                    nursery.cancel_scope.cancel()

    async def _register(self, url: str, vehicles: Sequence[str]) -> str:
        """Register the owner and a phone, as an administrator and the app would; returns the code of a sign-in link.

        The user of the console has a password that nobody knows: each run has a link of its own.
        """
        owner = {"uid": OWNER, "vehicle": FIRST_VEHICLE}
        phone = {"vehicleId": FIRST_VEHICLE, "fcmToken": PHONE, "register": True}
        as_admin, as_app = {"x-api-key": self._keys["admin"]}, {"x-api-key": self._keys["app"], "userId": OWNER}
        user = {"uid": OWNER, "password": new_secret_text("demo"), "admin": True}
        async with HttpClient(connections_max=1, timeout_s=TIMEOUT_S, body_max=ANSWER_MAX) as client:
            await client.request("POST", f"{url}/api/v1/users", as_admin, orjson.dumps(user))  # 400: of an earlier demo
            for path, headers, body in (
                ("/api/v1/owners", as_admin, owner),
                (f"/android/fcm-register?vehicleId={FIRST_VEHICLE}", as_app, phone),
            ):
                answer = await client.request("POST", url + path, headers, orjson.dumps(body))
                if answer.status >= 300:
                    raise ControlError(
                        f"the demo's keys in {self._files.keys} do not work ({path} answered {answer.status}): "
                        "remove that file, and the demo makes new ones"
                    )
            for vehicle, name in zip(vehicles, NAMES, strict=True):
                await client.request(
                    "PATCH", f"{url}/api/v1/vehicles/{vehicle}", as_admin, orjson.dumps({"name": name})
                )
            made = await client.request("POST", f"{url}/api/v1/users/{OWNER}/link", as_admin, b"{}")
        code: str = orjson.loads(made.body)["code"]
        return code

    def _explain(self, url: str, code: str) -> None:
        if self._as_json:
            link = f"{url}/#/signin?code={code}"
            show_line({"url": url, "sign_in": link, "keys": self._keys, "dir": str(self._files.shown)})
        else:
            self._teach(url, code)

    def _teach(self, url: str, code: str) -> None:
        """Commands to try; each line can be pasted, so none is wrapped."""
        files, keys = self._files, self._keys
        shown = {name: shlex.quote(str(files.shown / name)) for name in ("pushes.jsonl", "demo.log")}
        steps = {
            "See the fleet in a browser; this link signs you in, once:": f"{url}/#/signin?code={code}",
            "Send the original system's own Sigfox callback (201 means it is on disk):": (
                f"curl -i {url}/sigfox/uplink -H 'x-api-key: {keys['sigfox']}' -H 'connectivityMethod: sigfox' "
                f"-H 'content-type: application/json' -d '{CALLBACK}'"
            ),
            "Request the last status as the phone app does:": (
                f"curl -s '{url}/android/last?vehicleId={FIRST_VEHICLE}' -H 'x-api-key: {keys['app']}' "
                f"-H 'userId: {OWNER}'"
            ),
            "Query the fleet in SQL:": ENGINES[DEFAULT].fleet_command(files.shown / "evd.db"),
            "See the pushes as FCM gets them:": f"tail -f {shown['pushes.jsonl']}",
        }
        say = self._say
        say(f"evd is at {url}, with {VEHICLES} simulated vehicles and a fake FCM.", style="bold")
        for title, command in steps.items():
            say(f"\n{title}", style="dim")
            say(f"  {command}")
        say(f"\nIts log is {shown['demo.log']}. Ctrl-C stops everything.", style="dim")

    def _say(self, text: str, style: str = "") -> None:
        say_styled(self._screen, text, style)

    async def _show(self, daemon: Daemon) -> None:
        """Live counts, on a terminal only."""
        if self._as_json or not self._screen.is_terminal:
            return
        self._say("")
        with Live(console=self._screen, auto_refresh=False, transient=True) as live:
            while True:
                live.update(_counts(self._tally, daemon), refresh=True)
                await trio.sleep(LIVE_EVERY_S)


def _sent(daemon: Daemon) -> int:
    push = daemon.state().push
    return push.outcomes.get(PushOutcome.SENT, 0) if push else 0


def _counts(tally: LoadReport, daemon: Daemon) -> Table:
    taken = ", ".join(f"{number} {verdict}" for verdict, number in daemon.parts.ingest.outcomes.most_common())
    table = Table.grid(padding=(0, 2))
    table.add_row("fleet", f"{tally.sent} sent, {tally.answers[201]} answered 201")
    table.add_row("evd", taken)
    table.add_row("pushes", f"{_sent(daemon)} delivered")
    if tally.first_trouble:
        table.add_row("trouble", cell(tally.first_trouble))
    return table
