"""The application: a new route is a file and its row in ACCESS, and nothing else."""

from __future__ import annotations

from pathlib import Path

import httpx
from daemon_process import init, running_daemon
from extended_tree import extended_tree

TIDE = '''"""A route that evd does not have."""

from __future__ import annotations

from quart import Blueprint, Response

from evd.api.replies import V1, v1_json

routes = Blueprint("tide", __name__, url_prefix=V1)


@routes.get("/tide")
async def tide() -> Response:
    return v1_json({"tide": "high"})
'''


BEFORE = '    AccessRow("GET", "/stats", "admin", "read"),\n'
ROW = '    AccessRow("GET", "/tide", "admin", "read"),\n'


def test_a_new_file_is_a_new_route(tmp_path: Path) -> None:
    keys = init(tmp_path / "data")
    env = extended_tree(tmp_path, files={"api/v1/tide.py": TIDE}, edits={"auth/access.py": {BEFORE: ROW + BEFORE}})
    with running_daemon(tmp_path / "data", keys=keys, env=env) as daemon:
        answer = httpx.get(f"{daemon.url}/api/v1/tide", headers={"x-api-key": keys["admin"]})
        assert (answer.status_code, answer.json()) == (200, {"tide": "high"})
        assert httpx.get(f"{daemon.url}/api/v1/tide").status_code == 401
