"""What a request to `/graphql` may look like, and what is said about one that may not."""

import json
from decimal import Decimal
from typing import Any

import pytest
from starlette.datastructures import UploadFile

from app.errors import Failure, TooLarge
from app.graph.http.negotiation import Form, negotiate
from app.graph.http.requests import close_files, read_get, read_post
from app.graph.running.entry import Operation

QUERY = "{ __typename }"


def chunks(body: bytes, size: int = 65_536) -> Any:
    """An ASGI `receive` for a body."""
    left = [body[i : i + size] for i in range(0, len(body), size)] or [b""]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    return receive


async def post(body: bytes, content_type: str | None = "application/json", **headers: str) -> Operation:
    """Read a POST; its files are closed."""
    sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    if content_type is not None:
        sent[b"content-type"] = content_type.encode()
    operation, files = await read_post(sent, chunks(body))
    await close_files(files)
    return operation


async def refused(body: bytes, content_type: str | None = "application/json", **headers: str) -> Failure:
    """The failure a POST meets."""
    with pytest.raises(Failure) as caught:
        await post(body, content_type, **headers)
    return caught.value


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, Form.JSON),
        ("", Form.JSON),
        ("*/*", Form.JSON),
        ("application/*", Form.JSON),
        ("application/json", Form.JSON),
        ("application/graphql-response+json", Form.RESPONSE),
        ("application/graphql-response+json; charset=utf-8, application/json;q=0.9", Form.RESPONSE),
        ("application/json;q=0.5, application/graphql-response+json;q=0.8", Form.RESPONSE),
        ("application/graphql-response+json;charset=latin1, application/json", Form.JSON),
        ("image/png, */*;q=0.1", Form.JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        ("application/json;q=many", None),
        ("nonsense", None),
    ],
)
def test_the_form_of_the_answer_is_negotiated(accept: str | None, form: Form | None) -> None:
    assert negotiate(accept, page=False) is form


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Form.PAGE),
        ("application/json, text/html;q=0.9", Form.JSON),
        ("*/*", Form.JSON),
    ],
)
def test_a_browser_gets_the_page(accept: str, form: Form) -> None:
    assert negotiate(accept, page=True) is form


async def test_an_operation_with_everything() -> None:
    body = {
        "query": QUERY,
        "variables": {"amount": 1.10},
        "operationName": "Q",
        "extensions": {"a": 1},
        "unknown": [],
    }
    assert await post(json.dumps(body).encode()) == Operation(
        QUERY, {"amount": Decimal("1.1")}, "Q", {"a": 1}, read_only=False
    )


async def test_no_digit_of_a_number_is_lost() -> None:
    operation = await post(b'{"query": "{a}", "variables": {"x": 1.10, "y": 0.1e-7}}')
    assert [str(operation.variables[name]) for name in "xy"] == ["1.10", "1E-8"]


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=UTF-8", "Application/JSON"]
)
async def test_json_media_types(content_type: str) -> None:
    assert (await post(b'{"query": "{a}"}', content_type)).query == "{a}"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
    ],
)
async def test_other_media_types_are_told_which_would_do(content_type: str | None) -> None:
    failure = await refused(b'{"query": "{a}"}', content_type)
    assert failure.reason == "UNSUPPORTED_MEDIA_TYPE"
    assert "application/json" in failure.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"7",
        b'"text"',
        b"true",
        b"[]",
        b'[{"query": "{a}"}]',
        b"{}",
        b'{"query": null}',
        b'{"query": 7}',
        b'{"query": ""}',
        b'{"query": "{a}", "variables": []}',
        b'{"query": "{a}", "variables": "{}"}',
        b'{"query": "{a}", "operationName": 7}',
        b'{"query": "{a}", "extensions": []}',
        b'{"query": "{a}"',
        b'{"query": "{a}"} {}',
        b"[" * 5000 + b"]" * 5000,
        b'{"query": "{a}", "variables": {"x": ' + b"[" * 5000 + b"]" * 5000 + b"}}",
        b'{"query": "\xff"}',
        b'{"query": "a\\u0000b"}',
        b'{"query": "{a}", "variables": {"x": "\\ud800"}}',
        b'{"query": "{a}", "variables": {"x\\u0000": 1}}',
        b'{"query": "{a}", "variables": {"x": 9223372036854775808}}',
        b'{"query": "{a}", "variables": {"x": NaN}}',
        b'{"query": "{a}", "variables": {"x": 1e999999999}}',
    ],
)
async def test_bodies_that_are_no_request(body: bytes) -> None:
    failure = await refused(body)
    assert failure.reason == "MALFORMED_BODY"
    assert failure.message.endswith(".")


async def test_of_a_repeated_member_the_last_counts() -> None:
    assert (await post(b'{"query": "{a}", "query": "{b}"}')).query == "{b}"


async def test_apollo_clients_fall_back_to_the_whole_document() -> None:
    failure = await refused(b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}')
    assert (failure.message, failure.reason) == (
        "PersistedQueryNotSupported",
        "PERSISTED_QUERY_NOT_SUPPORTED",
    )


def test_a_get_carries_the_same() -> None:
    operation = read_get(b"query=%7Ba%7D&variables=%7B%22x%22%3A1.10%7D&operationName=Q&extensions=")
    assert operation == Operation("{a}", {"x": Decimal("1.10")}, "Q", {}, read_only=True)


@pytest.mark.parametrize(
    "query_string",
    [
        b"",
        b"query=",
        b"query=%FF",
        b"query=%00",
        b"query={a}&variables=[]",
        b"query={a}&variables={",
        b"a&" * 60,
    ],
)
def test_gets_that_are_no_request(query_string: bytes) -> None:
    with pytest.raises(Failure) as caught:
        read_get(query_string)
    assert caught.value.reason == "MALFORMED_BODY"


def form(*parts: tuple[str, bytes] | tuple[str, bytes, str]) -> bytes:
    """A multipart body with the boundary `edge`; a third item makes a part a file."""
    made = b""
    for name, content, *file in parts:
        made += b"--edge\r\nContent-Disposition: form-data; name=" + json.dumps(name).encode()
        made += b"; filename=" + json.dumps(file[0]).encode() if file else b""
        made += b"\r\n\r\n" + content + b"\r\n"
    return made + b"--edge--\r\n"


FORM = "multipart/form-data; boundary=edge"
OPERATIONS = b'{"query": "mutation($f: [Upload!]) {a}", "variables": {"f": [null, null]}}'
MAP = b'{"0": ["variables.f.0"], "1": ["variables.f.1"]}'


async def test_files_take_the_places_the_map_names() -> None:
    body = form(("operations", OPERATIONS), ("map", MAP), ("0", b"first", "a.txt"), ("1", b"second", "b.txt"))
    headers = {b"content-type": FORM.encode(), b"graphql-require-preflight": b"1"}
    operation, files = await read_post(headers, chunks(body, 7))
    placed = operation.variables["f"]
    assert [(file.filename, await file.read()) for file in placed] == [
        ("a.txt", b"first"),
        ("b.txt", b"second"),
    ]
    assert files == placed
    await close_files(files)


async def test_one_file_may_go_to_several_places() -> None:
    body = form(
        ("operations", b'{"query": "{a}", "variables": {"a": {"b": null}, "c": null}}'),
        ("map", b'{"0": ["variables.a.b", "variables.c"]}'),
        ("0", b"x", "a.txt"),
    )
    operation = await post(body, FORM, x_requested_with="x")
    assert operation.variables["a"]["b"] is operation.variables["c"]
    assert isinstance(operation.variables["c"], UploadFile)


async def test_a_form_without_a_preflight_header_could_come_from_any_site() -> None:
    body = form(("operations", OPERATIONS), ("map", MAP), ("0", b"x", "a"), ("1", b"x", "b"))
    assert (await refused(body, FORM)).reason == "PREFLIGHT_REQUIRED"


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [("operations", OPERATIONS)],
        [("map", MAP), ("0", b"x", "a"), ("1", b"x", "b")],
        [("operations", OPERATIONS), ("map", MAP), ("0", b"x", "a")],
        [("operations", OPERATIONS), ("map", b"{}"), ("0", b"x", "a")],
        [("operations", OPERATIONS), ("map", b"[]"), ("0", b"x", "a")],
        [("operations", OPERATIONS), ("map", b'{"0": []}'), ("0", b"x", "a")],
        [("operations", OPERATIONS), ("map", b'{"0": "variables.f.0"}'), ("0", b"x", "a")],
        [("operations", OPERATIONS), ("map", b'{"0": ["variables.f.2"]}'), ("0", b"x", "a")],
        [("operations", OPERATIONS), ("map", b'{"0": ["variables.f.-1"]}'), ("0", b"x", "a")],
        [("operations", OPERATIONS), ("map", b'{"0": ["variables.g"]}'), ("0", b"x", "a")],
        [("operations", OPERATIONS), ("map", b'{"0": ["variables"]}'), ("0", b"x", "a")],
        [("operations", OPERATIONS), ("map", b'{"0": ["query"]}'), ("0", b"x", "a")],
        [("operations", OPERATIONS), ("map", b'{"0": [7]}'), ("0", b"x", "a")],
        [
            ("operations", b'{"query": "{a}", "variables": {"f": 1}}'),
            ("map", b'{"0": ["variables.f"]}'),
            ("0", b"x", "a"),
        ],
        [("operations", b"[" + OPERATIONS + b"]"), ("map", b'{"0": ["0.variables.f.0"]}'), ("0", b"x", "a")],
        [("operations", b"\xff"), ("map", b"{}")],
        [("operations", OPERATIONS), ("operations", OPERATIONS), ("map", b"{}")],
    ],
)
async def test_forms_that_are_no_request(parts: list[Any]) -> None:
    failure = await refused(form(*parts), FORM, graphql_require_preflight="1")
    assert failure.reason == "MALFORMED_BODY"


@pytest.mark.parametrize("content_type", ["multipart/form-data", FORM.replace("edge", "other")])
async def test_a_form_without_its_boundary(content_type: str) -> None:
    failure = await refused(form(("operations", OPERATIONS)), content_type, graphql_require_preflight="1")
    assert failure.reason == "MALFORMED_BODY"


async def test_forms_have_bounds() -> None:
    mib = 1024 * 1024
    many = form(*((str(i), b"x", "a") for i in range(21)))
    large = form(("0", b"x" * (25 * mib + 1), "a"))
    wordy = form(("operations", b"x" * mib), ("map", b"x"))
    for body in (many, large, wordy):
        failure = await refused(body, FORM, graphql_require_preflight="1")
        assert isinstance(failure, TooLarge)
