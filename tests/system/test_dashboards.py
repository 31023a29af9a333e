"""Datasette's metadata and Grafana's dashboard: each query runs on evd's tables, each metric is one of evd's."""

from __future__ import annotations

import json
import re
import subprocess
import venv
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import running_daemon
from folders import ROOT
from webhook_daemon import webhook_daemon

from evd.store.sqlite.connection import open_reader

DATASETTE = ROOT / "docs/dashboards/datasette.json"
METADATA = json.loads(DATASETTE.read_text("utf-8"))["databases"]["evd"]
GRAFANA = json.loads((ROOT / "docs/dashboards/grafana.json").read_text("utf-8"))
TARGETS = [target for panel in GRAFANA["panels"] for target in panel["targets"]]
VALUES = {"vehicle": "A", "percent": 20}
SECRETS = ("keys", "users", "sessions", "access_tokens", "invitations", "registrations")
"""Tables with hashes of secrets, or with phones' tokens."""


def test_every_query_and_every_metric_is_there(tmp_path: Path) -> None:
    with webhook_daemon(tmp_path / "evd") as daemon:  # so that there are metrics of pushes
        metrics = httpx.get(f"{daemon.url}/metrics", headers={"x-api-key": daemon.keys["admin"]}, timeout=20).text
        reader = open_reader(daemon.database)
        for query in METADATA["queries"].values():
            reader.execute(query["sql"], VALUES).fetchall()
        for target in TARGETS:
            if "queryText" in target:
                sql = re.sub(r"\$__(from|to)", "0", target["queryText"]).replace("$vehicle", "A")
                columns = [one[0] for one in reader.execute(sql).description]
                assert set(target["timeColumns"]) <= set(columns)
        reader.execute(GRAFANA["templating"]["list"][2]["query"]).fetchall()
        names = {name for (name,) in reader.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
        reader.close()
    assert METADATA["tables"].keys() <= names
    assert not METADATA["queries"].keys() & names, "Datasette would show the query in the table's place"
    assert all(METADATA["tables"][name]["allow"] is False for name in SECRETS) and METADATA["allow_sql"] is False
    known = set(re.findall(r"^# TYPE (\w+)", metrics, re.MULTILINE))
    used = {name for target in TARGETS for name in re.findall(r"\bevd_\w+", target.get("expr", ""))}
    assert used and {re.sub("_bucket$", "", name) for name in used} <= known


@pytest.mark.nightly
def test_datasette_itself_shows_the_views_and_no_secret(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    subprocess.run([tmp_path / "venv/bin/pip", "install", "-q", "datasette<1"], check=True, capture_output=True)
    with running_daemon(tmp_path / "evd") as daemon:

        def get(path: str) -> tuple[int, Any]:
            command = [tmp_path / "venv/bin/datasette", daemon.database, "-m", DATASETTE, "--get", path]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout

        for name in METADATA["queries"]:
            assert get(f"/evd/{name}.json?vehicle=A&percent=20")[1]["ok"]
        for name, table in METADATA["tables"].items():
            code, _ = get(f"/evd/{name}.json")
            assert (code == 0) is table.get("allow", True), name
        assert get("/evd.json?sql=SELECT+1")[0] != 0
