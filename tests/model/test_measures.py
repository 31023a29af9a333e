"""The measures: a new field of the status is a row, and everything that knows fields has it then."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from daemon_process import init, running_daemon
from extended_tree import extended_tree

from evd.model.measures import ALIASES, EV_GRAMMAR, HALVES, MEASURES, NEUTRAL
from evd.store.sqlite.connection import open_reader
from evd.store.sqlite.views import views_sql

TIME = 1_700_000_000
ROW = '    "battery_temperature": Measure(AppType.FLOAT, "°C", ("batt_temp",), half=True, plausible=_CELSIUS),\n'
BEFORE = '    "location": Measure('
PARKED = "130a4c0f594e427e4bb45088"


def test_what_is_known_of_the_originals_fields_comes_from_their_rows() -> None:
    assert {"elec_consumption", "indoor_temperature", "outdoor_temperature", "desired_temperature"} == HALVES
    assert ALIASES.items() >= {("indoor_temp", "indoor_temperature"), ("outdoor_temp", "outdoor_temperature")}
    assert {"advanced", "location"} == NEUTRAL
    assert EV_GRAMMAR == (
        "state:0:uint:3:big-endian:7 current_charge:0:uint:7:big-endian:4 target_charge:1:uint:7:big-endian:5 "
        "current:2:uint:10:big-endian:6 elapsed_time:3:uint:13:big-endian:4 remain_time:5:uint:13:big-endian:7 "
        "range:6:uint:11:big-endian:2 elec_consumption:8:uint:16:big-endian:7 indoor_temp:10:uint:16:big-endian:7"
    )


@pytest.mark.parametrize("name", [name for name, measure in MEASURES.items() if "history" in measure.views])
def test_a_measure_has_its_column(name: str) -> None:
    assert f"->> '{name}'" in views_sql()


def test_a_new_row_is_read_kept_shown_and_has_its_column_in_a_database_that_was_there_before(tmp_path: Path) -> None:
    """Of an alias and the bits of a half float: 21.5 °C are 19808. What was derived before is gone on with."""
    keys, derives = init(tmp_path / "data"), {"EVD_RETENTION__ROLLUP_DAYS": "1826"}
    env = {**extended_tree(tmp_path, edits={"model/measures.py": {BEFORE: ROW + BEFORE}}), **derives}
    headers = {"x-api-key": keys["sigfox"], "connectivityMethod": "sigfox"}
    with running_daemon(tmp_path / "data", keys=keys, env=derives) as daemon:
        batch = "\n".join(f"386625;{TIME - 200 + second};{PARKED};{second};" for second in range(150))
        for part in (batch[: len(batch) // 2].rpartition("\n")[0], batch):
            text = {"x-api-key": keys["sigfox"], "content-type": "text/plain"}
            assert httpx.post(f"{daemon.url}/sigfox/batch", content=part, headers=text).status_code == 201
        reader = open_reader(daemon.database)
        assert reader.execute("SELECT count(*) FROM derived").fetchone() == (1,), "something is open"
        reader.close()
    with running_daemon(tmp_path / "data", keys=keys, env=env) as daemon:
        openapi = httpx.get(f"{daemon.url}/openapi.json").json()
        assert "battery_temperature" in openapi["components"]["schemas"]["StatusDocument"]["properties"]
        body = {"vehicleId": "386625", "timestamp": TIME, "state": 1, "batt_temp": 19808}
        assert httpx.post(f"{daemon.url}/v2/sigfox/uplink", json=body, headers=headers).status_code == 201
        reader = open_reader(daemon.database)
        newest = "SELECT battery_temperature, fields FROM history WHERE state = 'charging'"
        ((warm, fields),) = reader.execute(newest).fetchall()
        reader.close()
    assert warm == 21.5
    assert json.loads(fields) == {"state": 1, "battery_temperature": 21.5}
    with running_daemon(tmp_path / "data", keys=keys) as daemon:
        reader = open_reader(daemon.database)
        columns = [row[1] for row in reader.execute("PRAGMA table_info(history)")]
        reader.close()
        assert "battery_temperature" not in columns, "an evd without the row has its own views again"
