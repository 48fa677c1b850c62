"""`/graphql` keeps to "GraphQL over HTTP", as its audit asks."""

import gzip
import json

import pytest

from tests.serving.conftest import Caller

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
GOOD = {"query": "{ __typename }"}
ANSWER = {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("accept", "answered_as"),
    [
        ("*/*", JSON),
        (JSON, JSON),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}, {JSON};q=0.9", RESPONSE),
        (f"{RESPONSE}; charset=utf-8", RESPONSE),
    ],
)
async def test_a_good_query_is_200_in_every_form(caller: Caller, accept: str, answered_as: str) -> None:
    answer = await caller.post(GOOD, accept=accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{answered_as}; charset=utf-8"
    assert answer.json() == ANSWER
    assert answer.headers["x-request-id"]


async def test_a_query_may_come_by_get(caller: Caller) -> None:
    answer = await caller.get(
        query="query Q($x: Boolean!) { __typename @include(if: $x) }",
        variables='{"x": true}',
        operationName="Q",
    )
    assert (answer.status_code, answer.json()) == (200, ANSWER)


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{"},
        {"query": "{ nowhere }"},
        {"query": "query($x: Boolean!) { __typename @skip(if: $x) }"},
        {"query": "query A { __typename } query B { __typename }"},
        {"query": "{ __typename }", "operationName": "Missing"},
    ],
    ids=["syntax", "validation", "variables", "which operation", "no such operation"],
)
async def test_a_refused_operation_is_200_in_json_and_400_in_the_graphql_form(
    caller: Caller, body: dict[str, str]
) -> None:
    for accept, status in ((JSON, 200), (RESPONSE, 400)):
        answer = await caller.post(body, accept=accept)
        said = answer.json()
        assert answer.status_code == status
        assert "data" not in said
        assert said["errors"][0]["message"]
        assert said["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
@pytest.mark.parametrize(
    "body", [b"", b"null", b"7", b"[]", b'{"query": 7}', b"[" * 5000, b"\xff", b'{"query"']
)
async def test_what_is_no_request_is_400_in_every_form(caller: Caller, accept: str, body: bytes) -> None:
    answer = await caller.post(body, accept=accept)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == f"{accept}; charset=utf-8"
    assert answer.json()["errors"][0]["extensions"]["code"] == "MALFORMED_BODY"


async def test_a_media_type_we_do_not_write_is_406(caller: Caller) -> None:
    assert (await caller.post(GOOD, accept="image/png")).status_code == 406


async def test_a_media_type_we_do_not_read_is_415(caller: Caller) -> None:
    answer = await caller.post(json.dumps(GOOD).encode(), content_type="text/plain")
    assert answer.status_code == 415


async def test_what_is_packed_is_415_at_every_door(caller: Caller) -> None:
    packed = gzip.compress(b'{"query": "{ viewer { name } }"}')
    answer = await caller.post(packed, Content_Encoding="gzip")
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    )
    for path in ("/api/campaigns", "/api/v1/marketing/campaigns", "/campaigns", "/oauth2/token"):
        refused = await caller.http.post(path, content=packed, headers={"Content-Encoding": "gzip"})
        assert refused.status_code == 415, path
    assert (
        await caller.post({"query": "{ viewer { name } }"}, Content_Encoding="identity")
    ).status_code == 200


@pytest.mark.parametrize("path", ["nope", "", "graphiql.js.map", "%00", "..%2f..%2fide.py", "a/b/c"])
async def test_a_file_that_is_not_there_is_404(caller: Caller, path: str) -> None:
    assert (await caller.http.get(f"/graphql/static/{path}")).status_code == 404
    assert (await caller.http.post(f"/graphql/static/{path or 'graphiql.js'}")).status_code in (404, 405)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
async def test_other_methods_are_405_and_told_which_would_do(caller: Caller, method: str) -> None:
    answer = await caller.http.request(method, "/graphql", headers={"X-API-KEY": caller.api_key})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


async def test_a_body_over_a_mebibyte_is_413_in_graphql_words(caller: Caller) -> None:
    answer = await caller.post({"query": "{ __typename }", "extensions": {"x": "x" * 1024 * 1024}})
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["extensions"]["code"] == "TOO_LARGE"


async def test_without_a_credential_it_is_401_in_graphql_words(caller: Caller) -> None:
    for headers in ({}, {"X-API-KEY": "cgk_wrong"}, {"Authorization": "Bearer nonsense"}):
        answer = await caller.http.post("/graphql", json=GOOD, headers=headers)
        assert answer.status_code == 401
        assert answer.json() == {
            "errors": [{"message": "Unauthorized", "extensions": {"code": "UNAUTHORIZED"}}]
        }


async def test_a_foreign_beacon_key_is_403(caller: Caller) -> None:
    answer = await caller.post(GOOD, x_beacon_key="not-of-this-group")
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_stranger_s_body_is_not_even_read(caller: Caller) -> None:
    answer = await caller.http.post("/graphql", content=b"x" * 1024, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 401


async def test_browsers_of_known_origins_may_call(caller: Caller) -> None:
    asked = {
        "Origin": "https://dashboard.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, x-api-key, graphql-require-preflight",
    }
    known = await caller.http.options("/graphql", headers=asked)
    foreign = await caller.http.options("/graphql", headers=asked | {"Origin": "https://evil.example"})
    assert known.status_code == 200
    assert known.headers["access-control-allow-origin"] == "https://dashboard.example"
    assert "access-control-allow-origin" not in foreign.headers


async def test_the_page_for_browsers_asks_nobody_outside(caller: Caller) -> None:
    answer = await caller.http.get("/graphql", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert "default-src 'none'; script-src 'self'" in answer.headers["content-security-policy"]
    assert caller.api_key not in answer.text


async def test_the_other_doors_stand_beside_it(caller: Caller) -> None:
    alive = await caller.http.get("/healthz")
    ready = await caller.http.get("/readyz")
    counted = await caller.http.get("/metrics", headers={"Authorization": "Bearer scraper"})
    nowhere = await caller.http.get("/nowhere")
    assert (alive.status_code, ready.json()) == (200, {"status": "ready"})
    assert "gateway_request_seconds_count" in counted.text
    assert (nowhere.status_code, nowhere.json()) == (404, {"message": "There is no route /nowhere here."})
