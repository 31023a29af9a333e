"""The bits of a status's payload: by the vehicle's format, with values, and not for whom its places are coarse."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from console_page import PAYLOAD, ask_as_admin, send
from daemon_process import RunningDaemon, running_daemon

VEHICLE = "C0FFE1"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("layouts") / "evd") as one:
        send(one, VEHICLE, 1)
        yield one


def asked(daemon: RunningDaemon, path: str) -> httpx.Response:
    return httpx.get(f"{daemon.url}/api/v1/vehicles/{VEHICLE}{path}", headers={"x-api-key": daemon.keys["admin"]})


def test_each_field_has_its_bits_and_its_value(daemon: RunningDaemon) -> None:
    status = asked(daemon, "/last").json()
    laid = asked(daemon, f"/statuses/{status['id']}/layout").json()
    assert (laid["format"], laid["payload"]) == ("ev", PAYLOAD)
    fields = {field["name"]: field for field in laid["fields"]}
    assert (fields["state"]["first_bit"], fields["state"]["last_bit"]) == (0, 2)
    assert (fields["current_charge"]["first_bit"], fields["current_charge"]["options"]["unit"]) == (3, "%")
    bits = f"{int(PAYLOAD, 16):096b}"
    assert int(bits[3:10], 2) == laid["values"]["current_charge"] == status["current_charge"]


def test_it_goes_by_the_vehicles_own_format(daemon: RunningDaemon) -> None:
    ask_as_admin(daemon, "PATCH", f"/vehicles/{VEHICLE}", {"format": "first::uint:8 beyond:20:uint:8"})
    laid = asked(daemon, f"/statuses/{asked(daemon, '/last').json()['id']}/layout").json()
    assert laid["values"] == {"first": int(PAYLOAD[:2], 16), "beyond": None}


def test_an_unknown_status_and_a_hidden_payload_look_the_same(daemon: RunningDaemon) -> None:
    status = asked(daemon, "/last").json()
    assert asked(daemon, "/statuses/0123456789abcdef/layout").status_code == 404
    ask_as_admin(daemon, "PATCH", f"/vehicles/{VEHICLE}/profile", {"coarseLocation": "everyone"})
    assert asked(daemon, f"/statuses/{status['id']}/layout").status_code == 404
