"""The OpenAPI 3.1 document, built from the route table that also runs."""

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from app.rest.failing import KEY_REUSED, Problem
from app.rest.route import Facade, LegacyRoute, Takes

PATH_PARAMETER = re.compile(r"\{([A-Za-z_]+)\}")
SHARED_FAILURES = ("UNAUTHORIZED", "FORBIDDEN", "UNAVAILABLE", "INTERNAL")
"""Failures that every route may answer with."""

PHRASES = {
    400: "The body cannot be read, or an input is malformed.",
    401: "No credential, or one that does not hold.",
    403: "A good credential that may not do this.",
    404: "Nothing of that name in this scope.",
    405: "Another method is needed.",
    409: "It clashes with what is stored.",
    413: "Too large.",
    415: "Another content type is needed.",
    422: "An input is wrong; the message says what would be right.",
    429: "Too many at once; try again after `Retry-After` seconds.",
    500: "A mistake of ours.",
    503: "Busy; try again after `Retry-After` seconds.",
}


def document(facades: Sequence[Facade]) -> dict[str, Any]:
    """The whole document, as plain data."""
    paths: dict[str, dict[str, Any]] = {}
    schemes: dict[str, Any] = {}
    schemas: dict[str, Any] = {"ExplainedRequest": EXPLAINED}
    for facade in facades:
        schemes |= {**facade.security, **facade.optional_security}
        schemas |= facade.schemas
        for route in facade.routes:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(facade, route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Campaign Gateway",
            "version": version("campaign-gateway"),
            "description": (
                "The legacy REST APIs. Each route runs the GraphQL document under `x-graphql`; send"
                " `X-Explain: 1` to see it with its variables and its SQL instead of running it."
            ),
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": facade.title, "description": facade.description} for facade in facades],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": schemes},
    }


def failure_statuses(facade: Facade, route: LegacyRoute) -> list[int]:
    """Every status this route may fail with, in order."""
    codes = (*SHARED_FAILURES, *route.fails)
    if route.writes:
        codes = (*codes, "CONFLICT", "INVALID", KEY_REUSED)  # of the Idempotency-Key
    return sorted({facade.failures.status_of(Problem(code, "")) for code in codes})


def operation_id(facade: Facade, route: LegacyRoute) -> str:
    """`lagriffe.LgCampaigns`: unique over all facades; an alias says which one it is."""
    return f"{facade.name}.{route.name}" + (f".{route.alias}" if route.alias else "")


def _operation(facade: Facade, route: LegacyRoute) -> dict[str, Any]:
    needed: dict[str, list[str]] = {name: [] for name in facade.security}
    every = {**needed, **{name: [] for name in facade.optional_security}}
    made: dict[str, Any] = {
        "operationId": operation_id(facade, route),
        "tags": [facade.title],
        "summary": route.summary,
        "description": route.description,
        "security": [] if route.open else [needed, every] if facade.optional_security else [needed],
        "parameters": _parameters(route),
        "responses": {
            str(route.status): {
                "description": "Created." if route.status == 201 else "Done.",
                "headers": {
                    name: {"description": says, "schema": {"type": "string"}}
                    for name, says in route.gives.headers.items()
                },
                "content": _json(route.gives.schema, route.gives.example),
            },
            **{
                str(status): {
                    "description": PHRASES[status],
                    "content": _json(facade.failure_schema, facade.failure_example(status)),
                }
                for status in failure_statuses(facade, route)
            },
        },
        "x-graphql": route.document,
    }
    if route.takes is not None:
        made["requestBody"] = _request_body(route.takes, facade.schemas[route.takes.schema])
    return made


def _parameters(route: LegacyRoute) -> list[dict[str, Any]]:
    described = {parameter.name: parameter for parameter in route.parameters}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": "42"}
        for name in PATH_PARAMETER.findall(route.path)
        if name not in described
    ]
    parameters += [
        {
            "name": parameter.name,
            "in": parameter.where,
            "required": parameter.required or parameter.where == "path",
            "description": parameter.description,
            "schema": dict(parameter.schema),
        }
        for parameter in route.parameters
    ]
    headers = dict(HEADERS) if route.writes else {n: d for n, d in HEADERS.items() if n != "Idempotency-Key"}
    if route.open:
        headers = {"X-Explain": HEADERS["X-Explain"]}
    parameters += [
        {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
        for name, description in headers.items()
    ]
    return parameters


HEADERS = {
    "X-Group-Id": "Which of the credential's customer groups to act in, where it has several.",
    "X-Explain": "`1`: answer with the GraphQL document, its variables and its SQL, and run nothing.",
    "Idempotency-Key": "Remembered for a day: the same key and request get the same answer again.",
}

EXPLAINED: dict[str, Any] = {
    "type": "object",
    "description": "What a request with `X-Explain: 1` gets.",
    "properties": {
        "document": {"type": "string"},
        "variables": {"type": "object"},
        "execution": {"type": "string", "description": "`planned` or `resolved`."},
        "reason": {"type": ["string", "null"], "description": "Why it is not planned."},
        "cost": {"type": ["number", "null"]},
        "sql": {"type": ["string", "null"]},
    },
    "required": ["document", "variables", "execution", "sql"],
}


def _json(schema: str, example: object) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": example}}


def _request_body(takes: Takes, schema: Mapping[str, Any]) -> dict[str, Any]:
    content = _json(takes.schema, dict(takes.example))
    if takes.form:
        lists = {name for name, inner in schema["properties"].items() if inner.get("type") == "array"}
        fields = {
            f"{name}[]" if name in lists else name: inner for name, inner in schema["properties"].items()
        }
        uploads = {
            name: {
                "type": "array",
                "items": {"type": "string", "contentMediaType": "application/octet-stream"},
            }
            for name in takes.file_fields
        }
        required = [f"{name}[]" if name in lists else name for name in schema["required"]]
        content["multipart/form-data"] = {
            "schema": {"type": "object", "properties": {**fields, **uploads}, "required": required}
        }
    return {"required": True, "content": content}
