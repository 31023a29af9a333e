"""One daemon for all tests of the API that need no settings of their own: each test has its own users and vehicles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import user_fleet
from api_asking import Asking
from api_site import SETTINGS
from builders import NOW, arrival, new_store
from daemon_process import RunningDaemon, init, running_daemon
from quart_trio import QuartTrio
from user_fleet import MINUTE, STATUSES, User, fields

from evd.api import app as application
from evd.api.documentation import openapi_document
from evd.model.operations import AddOwner, SetVehicle


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("api") / "evd", settings=SETTINGS) as one:
        yield one


@pytest.fixture(scope="module")
def client(daemon: RunningDaemon) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=daemon.url) as one:
        yield one


@pytest.fixture
def admin(daemon: RunningDaemon) -> dict[str, str]:
    """The headers of an administrator."""
    return {"x-api-key": daemon.keys["admin"]}


@pytest.fixture(scope="session")
def app() -> QuartTrio:
    """The application with all its routes, which serves nobody."""
    app = QuartTrio("evd", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    application.add_routes(app)
    return app


@pytest.fixture(scope="session")
def document(app: QuartTrio) -> dict[str, Any]:
    return openapi_document(app)


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A1 has a status each minute; anna owns it and the silent B1, and looks at C1; D1 is ben's."""
    directory = tmp_path_factory.mktemp("vehicles") / "evd"
    keys = init(directory)
    store = new_store(directory / "evd.db", capacity=1000)
    said = [
        arrival("A1", time=NOW + n * MINUTE, seq=n, now=NOW + n * MINUTE, fields=json.dumps(fields(n)).encode())
        for n in range(STATUSES)
    ]
    store.write([*said, arrival("C1", fields=b'{"state":3,"current_charge":9}'), arrival("D1")])
    store.write([AddOwner("anna", one, NOW) for one in ("A1", "B1")])
    store.write([AddOwner("anna", "C1", NOW, "viewer"), AddOwner("ben", "D1", NOW), SetVehicle("A1", NOW, format="ev")])
    store.close()
    with running_daemon(directory, keys=keys, settings=user_fleet.SETTINGS) as one:
        yield one


@pytest.fixture(scope="session")
def anna(fleet: RunningDaemon) -> Iterator[User]:
    with User(fleet, "anna") as one:
        yield one


@pytest.fixture(scope="session")
def root(fleet: RunningDaemon) -> Iterator[User]:
    with User(fleet, None) as one:
        yield one


@pytest.fixture(scope="module")
def ask(daemon: RunningDaemon, client: httpx.Client) -> Asking:
    return Asking(daemon, client)
