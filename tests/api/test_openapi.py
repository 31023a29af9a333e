"""/openapi.json and /docs: all that evd serves is described, and the description is right in itself."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from daemon_process import RunningDaemon
from openapi_operations import operations

from evd.auth.access import ACCESS
from evd.images.kinds import KINDS

SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def test_every_row_of_access_is_in_the_document_with_its_security(document: dict[str, Any]) -> None:
    described = {(method.upper(), path): operation for method, path, operation in operations(document)}
    assert len(described) == len(ACCESS)
    for row in ACCESS:
        path = (
            row.rule.replace("<int:", "<")
            .replace("<target:", "<")
            .replace("<path:", "<")
            .replace("<", "{")
            .replace(">", "}")
        )
        operation = described[row.method, path]
        roles = {role for way in operation["security"] for role in way.get("key", ())}
        assert roles == (set() if row.relation == "everyone" else row.key_roles), row
        assert operation["x-scope"] == row.scope


def test_each_operation_has_a_name_of_its_own_and_a_sentence(document: dict[str, Any]) -> None:
    described = [operation for _, _, operation in operations(document)]
    names = [operation["operationId"] for operation in described]
    assert sorted(names) == sorted(set(names))
    for operation in described:
        assert operation["summary"].endswith("."), operation["operationId"]
        assert operation["tags"][0] in {tag["name"] for tag in document["tags"]}


def test_every_body_and_json_answer_has_an_example_that_is_valid(document: dict[str, Any]) -> None:
    lacking = []
    for method, path, operation in operations(document):
        answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        for said in ([operation["requestBody"]] if "requestBody" in operation else [], answers):
            contents = [content for one in said for content in one.get("content", {}).values()]
            examples = [content for content in contents if "example" in content]
            for content in examples:
                assert not list(_errors(document, content)), (method, path)
            if said and not examples and all("application/json" in one.get("content", {}) for one in said):
                lacking.append((method, path))
    assert lacking == [("get", "/openapi.json")]


def _errors(document: dict[str, Any], content: dict[str, Any]) -> Iterator[str]:
    whole = {"$schema": SCHEMA, "components": document["components"], **content["schema"]}
    for error in jsonschema_rs.validator_for(whole).iter_errors(content["example"]):
        yield str(error)


def test_the_document_is_openapi(document: dict[str, Any]) -> None:
    """Every schema is JSON Schema 2020-12, every reference leads somewhere, and every path names its parameters.

    The structure as a whole is checked by what reads it: schemathesis and openapi-python-client.
    """
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": SCHEMA, **schema})
        assert jsonschema_rs.validator_for({**schema, "components": document["components"]}), name
    for _, path, operation in operations(document):
        in_path = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        assert {part[1:-1] for part in path.split("/") if part.startswith("{")} == in_path
        for way in operation["security"]:
            assert set(way) <= set(document["components"]["securitySchemes"])


def test_a_client_made_of_the_document_fetches_a_history(
    daemon: RunningDaemon, document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [1_764_277_200 + 600 * number for number in range(5)]
    for number, time in enumerate(times):
        message = {"device": "386625", "time": time, "data": "130a4c0f594e427e4bb45088", "seqNumber": number}
        key = {"x-api-key": daemon.keys["sigfox"]}
        assert httpx.post(f"{daemon.url}/sigfox/uplink", json=message, headers=key).status_code == 201

    (tmp_path / "openapi.json").write_text(json.dumps(document))
    # It knows bytes by this type only; docs/api.md says so.
    pictures = {kind.media: "application/octet-stream" for kind in KINDS}
    settings = {"post_hooks": [], "content_type_overrides": pictures}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    said = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"),
            *("--path", "openapi.json", "--output-path", "made_client", "--config", "settings.json"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout + said.stderr

    monkeypatch.syspath_prepend(str(tmp_path))
    made = importlib.import_module("made_client")
    fetch = importlib.import_module("made_client.api.legacy.range_").sync
    with made.AuthenticatedClient(
        daemon.url, token=daemon.keys["admin"], prefix="", auth_header_name="x-api-key", raise_on_unexpected_status=True
    ) as client:
        statuses = fetch(client=client, vehicle_id="386625", time_from=0, time_to=times[3] * 1000)
    assert [status.timestamp for status in statuses] == [time * 1000 for time in times[:4]]
