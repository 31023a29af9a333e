"""A new type of the grammar is a row of TYPES with its two functions, and nothing else, whichever codec runs."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, running_daemon
from extended_tree import extended_tree

from evd.store.sqlite.connection import open_reader

BCD = """
def _read_bcd(raw: int, bits: int) -> str:
    return f"{raw:0{bits // 4}x}"


def _write_bcd(step: FieldStep, value: object) -> int:
    if not isinstance(value, str) or not value.isdecimal() or len(value) > step.bits // 4:
        raise refused(step, value, f"{step.bits // 4} decimal digits")
    return int(value, 16)


"""
ROW = """    "bcd": PayloadType(range(1, 9), "1 to 8 bytes", 8, _read_bcd, _write_bcd),
"""
AT_FUNCTIONS = "#: Name in the grammar → type.\n"
AT_ROW = '    "bool": PayloadType('
FORMAT = 'default_format = "meter"\n[formats.meter]\ngrammar = "state::uint:8 serial::bcd:3"\n'


def decoded(daemon: RunningDaemon) -> Any:
    """The fields of the one status."""
    with closing(open_reader(daemon.database)) as reader:
        ((fields,),) = reader.execute("SELECT fields FROM statuses")
        return json.loads(fields)


@pytest.mark.parametrize("codec", ["python", "cython"])
def test_a_new_type_is_decoded_and_encoded_by_its_row(tmp_path: Path, codec: str) -> None:
    env = extended_tree(tmp_path, edits={"payload/types.py": {AT_FUNCTIONS: BCD + AT_FUNCTIONS, AT_ROW: ROW + AT_ROW}})
    with running_daemon(tmp_path / "evd", env={**env, "EVD_CODEC": codec}, settings=f"[ingest]\n{FORMAT}") as daemon:
        api = f"{daemon.url}/api/v1/vehicles/386625"
        admin = {"x-api-key": daemon.keys["admin"]}
        message = {"device": "386625", "time": 1639400000, "data": "02123456"}
        sent = httpx.post(f"{daemon.url}/sigfox/uplink", json=message, headers={"x-api-key": daemon.keys["sigfox"]})
        assert sent.status_code == 201
        assert decoded(daemon) == {"state": 2, "serial": "123456"}
        queue = {"format": "meter", "fields": {"state": 1, "serial": "654321"}}
        queued = httpx.post(f"{api}/downlinks", json=queue, headers=admin)
        assert (queued.status_code, queued.json()["payload"]) == (201, "0165432100000000")
        wrong = httpx.post(f"{api}/downlinks", json={**queue, "fields": {"serial": "x"}}, headers=admin)
        assert wrong.status_code == 400
        assert wrong.json()["detail"].endswith("'x' does not fit; allowed: 6 decimal digits")
