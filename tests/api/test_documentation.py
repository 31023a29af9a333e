"""The pages that show the document, and what it takes of each route and its view."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon
from openapi_operations import operations
from quart_trio import QuartTrio

from evd.api.documentation import _arguments, openapi_document, undescribed
from evd.store.records import NUMBER_MAX


def test_a_view_without_a_description_fails_the_build(app: QuartTrio) -> None:
    assert undescribed(app) == []

    async def bare() -> str:
        return ""

    more = QuartTrio("evd", static_folder=None)
    more.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    more.add_url_rule("/bare", "bare", bare)
    assert undescribed(more) == ["GET /bare"]
    with pytest.raises(LookupError, match="GET /bare"):
        openapi_document(more)


def test_the_document_and_the_page_are_served_to_everyone_and_known_ones_not_again(daemon: RunningDaemon) -> None:
    with httpx.Client(base_url=daemon.url) as client:
        for path, media in (
            ("/openapi.json", "application/json"),
            ("/docs", "text/html; charset=utf-8"),
            ("/docs/script", "text/javascript; charset=utf-8"),
            ("/docs/style", "text/css; charset=utf-8"),
        ):
            whole = client.get(path)
            assert (whole.status_code, whole.headers["content-type"]) == (200, media)
            head = client.head(path)
            assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", whole.headers["etag"])
            assert head.headers["content-length"] == str(len(whole.content))
            known = client.get(path, headers={"If-None-Match": f'"other", {whole.headers["etag"]}'})
            assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", whole.headers["etag"])
            if path.startswith("/docs"):
                assert "default-src 'none'" in whole.headers["content-security-policy"]
                assert "unsafe" not in whole.headers["content-security-policy"]
                assert "://" not in whole.text  # no other host


def rules(app: QuartTrio, *given: str) -> dict[str, Any]:
    """The arguments' schemas of each rule."""
    found = {}
    for rule in app.url_map.iter_rules():
        if rule.rule in given:
            found[rule.rule] = _arguments(rule)
    return found


def test_the_arguments_of_a_path_are_as_its_rule_takes_them(app: QuartTrio) -> None:
    found = rules(app, "/api/v1/downlinks/<int:number>", "/api/v1/vehicles/<given>", "/api/v1/<target:noun>", "/docs")
    assert found["/docs"] == {}
    assert found["/api/v1/downlinks/<int:number>"]["number"] == {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}
    assert found["/api/v1/vehicles/<given>"]["given"]["examples"] == ["386625"]
    assert "webhooks" in found["/api/v1/<target:noun>"]["noun"]["enum"]


def test_an_operation_whose_name_another_subject_has_too_gets_its_subject_before_it(document: dict[str, Any]) -> None:
    names = {operation["operationId"]: operation["tags"][0] for _, _, operation in operations(document)}
    for name, subject in names.items():
        assert (
            not name.startswith(f"{subject}_")
            or sum(one.endswith(name.removeprefix(f"{subject}_")) for one in names) > 1
        )
    assert "post_sigfox_uplink" in names, "a view of several routes is named by its path"
