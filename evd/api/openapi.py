"""The OpenAPI 3.1 document of all routes. Pure.

Each part comes from the one place that holds it: paths and their arguments from the app's rules, security from
evd.auth.access, summaries from the views' docstrings, bodies and answers from the types of `described`, of which
msgspec makes JSON Schema 2020-12.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from types import UnionType
from typing import Any, NamedTuple, get_args

import msgspec

from evd.api.attribute_docs import attribute_docs
from evd.api.described import JSON, Described
from evd.auth.access import AccessRow
from evd.auth.csrf import SAFE_METHODS
from evd.auth.sessions import COOKIE, SECURE_COOKIE

Json = dict[str, Any]

VERSION = "3.1.0"
REF = "#/components/schemas/{name}"
PROBLEM = "application/problem+json"
V1 = "/api/v1"


class Problem(msgspec.Struct):
    """An error (RFC 9457): `detail` says what is wrong, where, and what to do."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


class OriginalError(msgspec.Struct):
    """An error in the original's form."""

    error: str = msgspec.field(name="Error")
    detail: str


class ApiOperation(NamedTuple):
    """A method of a path."""

    method: str
    rule: str
    """As in Flask: `/vehicles/<given>`."""
    arguments: Mapping[str, Json]
    """The path's arguments, with their JSON Schemas."""
    row: AccessRow
    name: str
    subject: str
    doc: str
    """The view's docstring."""
    about: Described


class Subject(NamedTuple):
    """A group of operations."""

    name: str
    doc: str


ERRORS = {
    400: "The request is invalid.",
    401: "Nothing, or nothing valid, says who asks.",
    403: "Whoever asks may not do this.",
    404: "It does not exist, or is not yours to see.",
    405: "The path takes other methods: Allow names them.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    415: "The body is compressed, which only posts over WLAN may be.",
    429: "Too many requests: Retry-After says when to come again.",
    503: "evd cannot do this now: Retry-After says when to come again.",
}

FORMATS = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
"""A query's `format` → the media type of the answer."""

BEFORE_ROUTES = frozenset({408, 413, 415, 503})
"""What evd.net.server also answers before the route is known: in the original's form."""

TEAPOT = 418
"""What the original answers where it serves nothing: a text."""

SCHEMES: Json = {
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "A key: `evd key create`."},
    "password": {"type": "http", "scheme": "basic", "description": "The key as password, with any user name."},
    "firebase": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A Firebase ID token, which says who the app's user is, beside the app's key.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A personal access token with the scope: POST /api/v1/tokens, or `evd token create`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SECURE_COOKIE,
        "description": f"A session's cookie, from POST /api/v1/session; without TLS it is called {COOKIE}.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "A session's CSRF token, for what changes something: GET /api/v1/session.",
    },
}

LIST_QUERY: Sequence[Json] = (
    {
        "name": "cursor",
        "in": "query",
        "description": "Where the page begins: from the Link of the page before.",
        "schema": {"type": "string", "maxLength": 1024},
    },
)


#: A callback by GET has in its query what one by POST has in its body.
_VARIABLES: Json = {
    "name": "variables",
    "in": "query",
    "description": "The callback's variables, each a parameter of its own name.",
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}


def document(operations: Iterable[ApiOperation], subjects: Iterable[Subject], version: str) -> Json:
    """The whole document."""
    known = list(operations)
    types = [Problem, OriginalError]
    for one in known:
        about = one.about
        further = [kind for kind, _ in about.answers.values()]
        for kind in (about.answer, about.body, about.query, *further):
            types += _members(kind) if kind is not None else ()
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    for schema in [*schemas, *components.values()]:
        _say_items(schema)
    for name, docs in attribute_docs(types).items():
        _docs(components.get(name, {}), docs)
    schema_of = _Schemas(types, schemas, components)
    paths: dict[str, Json] = {}
    for one in known:
        path = paths.setdefault(_path(one.rule), {})
        if one.about.original:
            path["servers"] = [{"url": "/"}, {"url": "/v2"}, {"url": "/v3"}]
        path[one.method.lower()] = _operation(one, schema_of)
    return {
        "openapi": VERSION,
        "info": {
            "title": "evd",
            "version": version,
            "summary": "Vehicles that report over Sigfox: their callbacks in, their history and pushes out.",
            "description": "docs/api.md says how to sign in, and what pages, times and errors look like.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": subject.name, "description": _summary(subject.doc)} for subject in subjects],
        "paths": dict(sorted(paths.items(), key=lambda one: (not one[0].startswith(V1), one[0]))),
        "components": {
            "schemas": dict(sorted(schema_of.used().items())),
            "securitySchemes": SCHEMES,
        },
    }


class _Schemas:
    """The JSON Schemas of types."""

    def __init__(self, types: Sequence[Any], schemas: Sequence[Json], components: Json) -> None:
        self._types, self._schemas, self._components = types, schemas, components

    def __getitem__(self, kind: Any) -> Json:
        members = [self._of(one) for one in _members(kind)]
        return members[0] if len(members) == 1 else {"anyOf": members}

    def _of(self, kind: Any) -> Json:
        if kind is bytes:
            return {"type": "string", "format": "binary"}
        return self._schemas[next(index for index, one in enumerate(self._types) if one is kind)]

    def fields(self, struct: Any) -> Json:
        """The JSON Schema of a struct, not the reference to it."""
        component: Json = self._components[self[struct]["$ref"].rpartition("/")[2]]
        return component

    def used(self) -> Json:
        """All components but those that only say what a query has."""
        queries = {kind.__name__ for kind in self._types if getattr(kind, "__name__", "").endswith("Query")}
        return {name: schema for name, schema in self._components.items() if name not in queries}


def _members(kind: Any) -> tuple[Any, ...]:
    """Those of a union: msgspec describes them one by one only, if it could not tell them apart when it reads."""
    return get_args(kind) if isinstance(kind, UnionType) else (kind,)


def _operation(one: ApiOperation, schemas: _Schemas) -> Json:
    about = one.about
    summary, description = _summary(one.doc), _rest(one.doc)
    shown: Json = {"operationId": one.name, "tags": [one.subject], "summary": summary}
    if description:
        shown["description"] = description
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": schema} for name, schema in one.arguments.items()
    ]
    parameters += _query(about, schemas)
    if about.body is not None and one.method == "GET":
        parameters.append(_VARIABLES)
    if parameters:
        shown["parameters"] = parameters
    if about.body is not None and one.method != "GET":
        content: Json = {"schema": schemas[about.body]}
        if about.body_example is not None:
            content["example"] = about.body_example
        shown["requestBody"] = {
            "required": about.body_needed,
            "content": dict.fromkeys(about.body_media, content),
        }
    shown["responses"] = _answers(one, schemas)
    shown["security"] = security(one.row)
    shown["x-scope"], shown["x-relation"] = one.row.scope, one.row.relation
    return shown


def _query(about: Described, schemas: _Schemas) -> list[Json]:
    found: list[Json] = []
    if about.query is not None:
        struct = schemas.fields(about.query)
        needed = struct.get("required", [])
        for name, given in struct["properties"].items():
            schema = {key: value for key, value in given.items() if key not in ("description", "examples")}
            if schema.get("default", 0) is None:
                del schema["default"]
                schema = _without_null(schema)
            parameter: Json = {"name": name, "in": "query", "required": name in needed}
            if "description" in given:
                parameter["description"] = given["description"]
            parameter["schema"] = schema
            if name in about.repeated:
                parameter |= {"schema": {"type": "array", "items": schema}, "style": "form", "explode": True}
            if given.get("examples"):
                parameter["example"] = given["examples"][0]
            found.append(parameter)
    if about.listed:
        limit = {"type": "integer", "minimum": 1, "maximum": about.listed}
        found.append({"name": "limit", "in": "query", "description": "Entries of a page.", "schema": limit})
        found += LIST_QUERY
    return found


def _text_media(about: Described, schemas: _Schemas) -> list[str]:
    """Media types that the query's `format` may choose."""
    asked: Json = next((one for one in _query(about, schemas) if one["name"] == "format"), {"schema": {}})
    return [FORMATS[choice] for choice in asked["schema"].get("enum", ()) if choice in FORMATS]


def _without_null(schema: Json) -> Json:
    """A query has no null: what may be missing is not required."""
    if "anyOf" in schema:
        kept = [one for one in schema["anyOf"] if one != {"type": "null"}]
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**rest, **kept[0]} if len(kept) == 1 else {**rest, "anyOf": kept}
    if "enum" in schema:
        return {**schema, "enum": [value for value in schema["enum"] if value is not None]}
    return schema


def _answers(one: ApiOperation, schemas: _Schemas) -> Json:
    about = one.about
    success: Json = {"description": HTTPStatus(about.status).phrase}
    if about.answer is not None:
        content: Json = {"schema": schemas[about.answer]}
        if about.example is not None:
            content["example"] = about.example
        texts: Json = {media: {"schema": {"type": "string"}} for media in _text_media(about, schemas)}
        success["content"] = {**texts, **dict.fromkeys((about.media, *about.other_media), content)}
    headers = {name: {"description": text, "schema": {"type": "string"}} for name, text in about.headers.items()}
    if about.listed:
        said = 'The next page, rel="next" (RFC 8288); missing at the last page.'
        headers["Link"] = {"description": said, "schema": {"type": "string"}}
    if headers:
        success["headers"] = headers
    found: Json = {str(about.status): success}
    for status, (kind, text) in about.answers.items():
        found[str(status)] = {"description": text, "content": {JSON: {"schema": schemas[kind]}}}
    media, schema = (JSON, schemas[OriginalError]) if about.original else (PROBLEM, schemas[Problem])
    errors = {status: ERRORS[status] for status in _errors(one)} | dict(about.also)
    for status, text in errors.items():
        if status == TEAPOT:
            found[str(status)] = {"description": text, "content": {"text/plain": {"schema": {"type": "string"}}}}
        elif status >= 400 and one.method != "HEAD":
            content = {JSON: {"schema": schemas[OriginalError]}} if status in BEFORE_ROUTES else {}
            found.setdefault(str(status), {"description": text, "content": {media: {"schema": schema}, **content}})
        else:
            found.setdefault(str(status), {"description": text})
    return dict(sorted(found.items()))


def _errors(one: ApiOperation) -> list[int]:
    """Statuses of errors that the operation may answer with."""
    has_body = one.about.body is not None
    if one.row.relation == "everyone" and not has_body:
        return []
    codes = [401, 403, 429, 503]
    if one.arguments or one.about.query or has_body or one.about.listed:
        codes.append(400)
    if has_body:
        codes += [408, 413, 415]
    if not one.about.original and one.rule.startswith(V1):
        codes.append(404)
    return sorted(codes)


def security(row: AccessRow) -> list[Json]:
    """What may prove who asks: one of these, each with the roles that a key, or the scope that a token needs."""
    if row.relation == "everyone":
        return []
    found: list[Json] = []
    for role in sorted(row.key_roles):
        if role == "admin" or row.relation == "key":
            found += [{"key": [role]}, {"password": [role]}]
        else:
            found.append({"key": [role], "firebase": []})
    if row.relation == "key":
        return [*found, {"token": [row.scope]}] if "device" in row.roles else found
    if row.relation != "admin" and not row.person:
        found.append({"token": [row.scope]})
    csrf: Json = {} if row.method in SAFE_METHODS else {"csrf": []}
    return [*found, {"session": [], **csrf}]


def _say_items(schema: Any) -> None:
    """Say what a list may hold as generators of clients expect it: always, and never by `false`, as for a tuple."""
    if isinstance(schema, list):
        for one in schema:
            _say_items(one)
    elif isinstance(schema, dict):
        if schema.get("items") is False:
            del schema["items"]
        elif schema.get("type") == "array" and "prefixItems" not in schema:
            schema.setdefault("items", {})
        for one in schema.values():
            _say_items(one)


def _docs(component: Json, docs: Mapping[str, str]) -> None:
    """Add to a component what stands below each attribute in the source."""
    for name, schema in component.get("properties", {}).items():
        if name in docs:
            schema.setdefault("description", docs[name])


def _path(rule: str) -> str:
    """`/vehicles/<int:number>` → `/vehicles/{number}`."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def _summary(doc: str) -> str:
    """The first paragraph, on one line."""
    return " ".join(inspect.cleandoc(doc).partition("\n\n")[0].split())


def _rest(doc: str) -> str:
    return inspect.cleandoc(doc).partition("\n\n")[2]
