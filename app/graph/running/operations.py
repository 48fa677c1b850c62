"""What a GraphQL request asks, however it came: an operation, and how it is read from JSON."""

from dataclasses import dataclass, field
from typing import Any

from app.errors import Invalid
from app.graph.documents.limits import holds_nul
from app.serving.bodies import MALFORMED_BODY
from app.values.json_text import kind_of, read_json

PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"


@dataclass(frozen=True, slots=True)
class Operation:
    """What is asked: a document's text, which of its operations, and with which variables. Nothing is checked yet."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    extensions: dict[str, Any] = field(default_factory=dict)
    read_only: bool = False
    """A GET: mutations are refused."""


def read_json_body(body: bytes) -> Operation:
    """The operation of a JSON body."""
    return from_json(decoded(body))


def from_json(request: object, *, read_only: bool = False) -> Operation:
    """The operation a decoded request asks for."""
    if not isinstance(request, dict):
        if isinstance(request, list):
            raise Invalid(
                "Batches are not answered here: send one operation per request.", code=MALFORMED_BODY
            )
        raise Invalid(
            f'A GraphQL request is a JSON object {{"query": …}}, not {kind_of(request)}.', code=MALFORMED_BODY
        )
    query = request.get("query")
    variables = request.get("variables")
    name = request.get("operationName")
    extensions = request.get("extensions")
    if type(query) is not str or not query:
        if isinstance(extensions, dict) and "persistedQuery" in extensions:
            # The exact words make Apollo clients send the whole document instead.
            raise Invalid("PersistedQueryNotSupported", code=PERSISTED_QUERY_NOT_SUPPORTED)
        raise Invalid(_wrong("query", query, "a text with the document"), code=MALFORMED_BODY)
    if holds_nul(query):
        # In JSON's texts it is refused by `read_json`, in the same words.
        raise Invalid(
            "A text in the document holds the character NUL (\\u0000), which cannot be stored.",
            code=MALFORMED_BODY,
        )
    if variables is not None and type(variables) is not dict:
        raise Invalid(_wrong("variables", variables, "an object or null"), code=MALFORMED_BODY)
    if name is not None and type(name) is not str:
        raise Invalid(_wrong("operationName", name, "a text or null"), code=MALFORMED_BODY)
    if extensions is not None and type(extensions) is not dict:
        raise Invalid(_wrong("extensions", extensions, "an object or null"), code=MALFORMED_BODY)
    return Operation(query, variables or {}, name or None, extensions or {}, read_only)


def decoded(body: bytes, *, what: str = "The body") -> object:
    """Decode JSON that was sent. Invalid where it is none; `what` says which part it is."""
    try:
        return read_json(body)
    except ValueError as error:
        raise Invalid(str(error).replace("The body", what, 1), code=MALFORMED_BODY) from None


def _wrong(member: str, value: object, right: str) -> str:
    if value is None or value == "":
        return f'The request has no "{member}": it must be {right}.'
    return f'"{member}" must be {right}, not {kind_of(value)}.'
