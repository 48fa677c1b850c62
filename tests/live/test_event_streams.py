"""The same over server-sent events: "distinct connections mode" of GraphQL over SSE."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.live.conftest import Served
from tests.serving.wire import until

STREAM = {"Accept": "text/event-stream"}
COUNT = "subscription { campaigns { totalCount } }"


@dataclass
class Stream:
    """An open event stream."""

    response: httpx.Response
    lines: AsyncIterator[str]

    async def event(self, *, within_s: float = 8) -> tuple[str, Any]:
        """The next event and its data, as a browser would read it; comments are passed over."""
        name = ""
        data: list[str] = []
        async with asyncio.timeout(within_s):
            async for line in self.lines:
                if not line and name:
                    text = "\n".join(data)
                    return name, json.loads(text) if text else None
                field, _, value = line.partition(":")
                if field == "event":
                    name = value.strip()
                elif field == "data":
                    data.append(value.removeprefix(" "))
        return "end", None


@asynccontextmanager
async def stream(served: Served, query: str, **headers: str) -> AsyncIterator[Stream]:
    """POST an operation and read its stream."""
    async with (
        served.http as http,
        http.stream("POST", "/graphql", json={"query": query}, headers={**STREAM, **headers}) as response,
    ):
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response, response.aiter_lines())


async def test_results_until_the_client_leaves(served: Served) -> None:
    async with stream(served, COUNT) as one:
        kind, first = await one.event()
        assert kind == "next"
        await served.campaign()
        assert await one.event() == (
            "next", {"data": {"campaigns": {"totalCount": first["data"]["campaigns"]["totalCount"] + 1}}},
        )  # fmt: skip
        assert "gateway_live_subscriptions 1.0" in await served.metrics()
        # It only waits, so it takes no place among the requests under way: that is the one that asks.
        assert "gateway_requests_in_flight 1.0" in await served.metrics()
    for _ in range(100):
        if "gateway_live_subscriptions 0.0" in await served.metrics():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the subscription outlived its client")


async def test_a_get_subscribes_too_and_may_not_write(served: Served) -> None:
    async with (
        served.http as http,
        http.stream("GET", "/graphql", params={"query": COUNT}, headers=STREAM) as response,
    ):
        assert (await Stream(response, response.aiter_lines()).event())[0] == "next"
    async with served.http as http:
        wrote = await http.get(
            "/graphql",
            params={"query": 'mutation { storeCreate(input: {name: "x"}) { store { id } } }'},
            headers=STREAM,
        )
    assert "METHOD_NOT_ALLOWED" in wrote.text


async def test_queries_and_mutations_are_one_result_and_complete(served: Served) -> None:
    for query in (
        "{ stores { totalCount } }",
        'mutation { storeCreate(input: {name: "y"}) { store { name } } }',
    ):
        async with stream(served, query) as one:
            kind, result = await one.event()
            assert (kind, list(result)) == ("next", ["data"])
            assert await one.event() == ("complete", None)
            assert await one.event() == ("end", None)


async def test_what_is_wrong_is_said_in_the_stream(served: Served) -> None:
    for query, code in (
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { campaigns(every: 4000) { totalCount } }", "INVALID"),
        ("subscription { campaigns(first: 5000) { totalCount } }", "INVALID"),
    ):
        async with stream(served, query) as one:
            kind, result = await one.event()
            assert (kind, result["errors"][0]["extensions"]["code"]) == ("next", code), query
            assert await one.event() == ("complete", None)


async def test_a_stranger_gets_a_status(served: Served) -> None:
    async with served.http as http:
        refused = await http.post("/graphql", json={"query": COUNT}, headers={**STREAM, "X-API-KEY": "wrong"})
    assert refused.status_code == 401


async def test_an_event_s_own_line_breaks_do_not_end_the_message(served: Served) -> None:
    async with stream(served, "subscription { events { eventType body } }") as one:
        await asyncio.sleep(0.4)
        async with served.db.transaction(served.given.scope) as tx:
            await tx.execute(
                "INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at, body)"
                " VALUES ($1, uuidv7(), 'lines', 'l', 'l', clock_timestamp(), now(), $2::text::json)",
                served.given.group_id, '{"a":\n\r\n1,\r"b": 2}',
            )  # fmt: skip
        assert await one.event() == (
            "next",
            {"data": {"events": [{"eventType": "l", "body": {"a": 1, "b": 2}}]}},
        )


async def test_without_the_header_a_subscription_is_told_where_to_go(served: Served) -> None:
    async with served.http as http:
        told = await http.post("/graphql", json={"query": COUNT})
    assert "graphql-transport-ws" in told.text
    assert "text/event-stream" in told.text


async def test_a_client_that_was_cut_off_is_forgotten(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    body = json.dumps({"query": COUNT}).encode()
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: here\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n"
        b"X-API-KEY: %b\r\nContent-Length: %d\r\n\r\n%b" % (served.api_key.encode(), len(body), body)
    )
    await reader.readuntil(b"event: next")
    tasks = served.server.server_state.tasks
    assert tasks
    writer.transport.abort()
    await until(lambda: not tasks)


async def test_a_form_with_files_does_not_subscribe(served: Served) -> None:
    operations = json.dumps({"query": COUNT, "variables": {"file": None}})
    async with served.http as http:
        told = await http.post(
            "/graphql",
            data={"operations": operations, "map": '{"0": ["variables.file"]}'},
            files={"0": ("a.txt", b"a")},
            headers={**STREAM, "GraphQL-Require-Preflight": "1"},
        )
    assert "answered again and again" in told.text
