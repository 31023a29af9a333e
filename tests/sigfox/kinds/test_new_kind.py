"""A new kind of callback is a file in sigfox/kinds/ with its row in the registry, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from daemon_process import run_evd, running_daemon
from extended_tree import extended_tree

BEACON = '''
"""SERVICE/BEACON: which beacon a device is near."""

from __future__ import annotations

from evd.model.operations import Operation
from evd.sigfox.kinds.kind import BARE, DEVICE, QUOTED, TIME, FormRow, Kind, MenuEntry
from evd.sigfox.kinds.readers import ReadCallback


def report(callback: ReadCallback) -> tuple[Operation, ...]:
    return (callback.note("info", f"The device is near the beacon {callback.text('beaconId')}."),)


KIND = Kind(
    name="beacon",
    summary="SERVICE/BEACON: a beacon was near.",
    example={"device": "386625", "time": 1764277200, "beaconId": "b1"},
    type=MenuEntry("SERVICE", 1),
    subtype=MenuEntry("BEACON", 9),
    required=(DEVICE, TIME, ("beaconId",)),
    marks=(("beaconId",),),
    report=report,
    form=FormRow(
        order=7,
        template={"device": QUOTED, "time": BARE, "beaconId": QUOTED},
        purpose="which beacon a device is near",
    ),
)
'''
ROW = {
    "import acknowledge, advanced, ": "import acknowledge, advanced, beacon, ",
    "    bidir.KIND,\n": "    beacon.KIND,\n    bidir.KIND,\n",
}
SAID = {"{device}": "386625", "{time}": "1639400000", "{beaconId}": "B-17"}


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return extended_tree(tmp_path, files={"sigfox/kinds/beacon.py": BEACON}, edits={"sigfox/kinds/registry.py": ROW})


def test_a_new_kind_is_set_up_received_and_written_by_its_file_and_its_row(tmp_path: Path, env: dict[str, str]) -> None:
    with running_daemon(tmp_path / "evd", env=env) as daemon:
        configured = run_evd("sigfox", "config", "--url", "https://evd.example.org", "--json", env=env)
        form = {one["kind"]: one for one in json.loads(configured.stdout)}["beacon"]
        assert (form["type"], form["subtype"]) == ("SERVICE", "BEACON")
        route = form["url"].removeprefix("https://evd.example.org")
        body = form["body"]
        for variable, value in SAID.items():
            body = body.replace(variable, value)
        sent = [
            httpx.post(
                daemon.url + path,
                content=body,
                headers={"x-api-key": daemon.keys["sigfox"], "content-type": form["content_type"]},
            )
            for path in (route, "/sigfox/callback")
        ]
        assert [answer.status_code for answer in sent] == [201, 201]
        logged = run_evd("vehicle", "log", "386625", "--json", "--dir", daemon.directory, env=env)
    (entry,) = json.loads(logged.stdout)
    assert (entry["kind"], entry["time"]) == ("beacon", 1639400000_000)
    assert entry["text"] == "The device is near the beacon B-17."
    assert entry["document"] == body
