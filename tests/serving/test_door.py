"""What the door does for every request: id, bounds, log line, and a way out for whatever goes wrong."""

import asyncio
import json
import logging
from typing import Any

import pytest
from starlette.routing import Route, Router

from app.errors import Forbidden
from app.serving import metrics
from app.serving.bodies import read_body
from app.serving.exchange import exchange_of
from tests.serving.wire import get, hello, post, until, wire

MIB = 1024 * 1024


async def test_a_sane_request_id_is_kept_and_another_is_replaced() -> None:
    async with wire(hello) as server:
        kept = await server.ask(get("/", "X-Request-Id: from-the-caller-1"))
        made = await server.ask(get("/", "X-Request-Id: {evil}"))
        lines = server.lines
    assert b"x-request-id: from-the-caller-1\r\n" in kept
    assert b"{evil}" not in made
    assert b"x-request-id: " in made
    assert lines[0]["id"] == "from-the-caller-1"


async def test_the_log_names_the_route_and_nothing_secret() -> None:
    async def endpoint(scope: Any, receive: Any, send: Any) -> None:
        exchange = exchange_of(scope)
        exchange.principal, exchange.operation, exchange.execution = "key:7", "Screen", "planned"
        await hello(scope, receive, send)

    class Endpoint:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await endpoint(scope, receive, send)

    async with wire(Router([Route("/hooks/{token}", Endpoint())])) as server:
        await server.ask(get("/hooks/s3cret-token?signature=s3cret-sig", "X-API-KEY: s3cret-key"))
        (line,) = server.lines
        text = server.log.getvalue()
    assert b"s3cret" not in text
    assert line["route"] == "/hooks/{token}"
    assert {name: line[name] for name in ("method", "status", "principal", "operation", "execution")} == {
        "method": "GET",
        "status": 200,
        "principal": "key:7",
        "operation": "Screen",
        "execution": "planned",
    }
    assert line["ms"] >= 0


async def test_a_full_gateway_says_so_at_once_and_stays_watchable() -> None:
    release = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/healthz":
            exchange_of(scope).enter()
        if scope["path"] == "/slow":
            await release.wait()
        await hello(scope, receive, send)

    async with wire(slow, max_in_flight=2) as server:
        waiting = [asyncio.create_task(server.ask(get("/slow"))) for _ in range(2)]
        await until(lambda: server.door.in_flight == 2)
        refused = await server.ask(get("/other"))
        healthy = await server.ask(get("/healthz"))
        release.set()
        answered = await asyncio.gather(*waiting)
        after = await server.ask(get("/other"))
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert healthy.startswith(b"HTTP/1.1 200 ")
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answered)
    assert after.startswith(b"HTTP/1.1 200 ")


async def test_a_body_over_its_bound_is_refused_whether_declared_or_not() -> None:
    async def reading(scope: Any, receive: Any, send: Any) -> None:
        await read_body(receive)
        await hello(scope, receive, send)

    async with wire(reading) as server:
        declared = await server.ask(post(b"x" * (MIB + 1)))
        chunk = b"%x\r\n" % MIB + b"x" * MIB + b"\r\n"
        chunked = await server.ask(
            b"POST / HTTP/1.1\r\nHost: here\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunk
            + chunk
            + b"0\r\n\r\n"
        )
    assert declared.startswith(b"HTTP/1.1 413 ")
    assert chunked.startswith(b"HTTP/1.1 413 ")


async def test_the_largest_body_passes() -> None:
    async with wire(hello) as server:
        said = await server.ask(post(b"x" * MIB))
    assert said.endswith(b"hello 1048576")


async def test_a_fault_of_ours_is_masked_and_logged_with_the_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("the password is hunter2")

    async with wire(broken) as server:
        with caplog.at_level(logging.ERROR, logger="gateway"):
            said = await server.ask(get("/", "X-Request-Id: find-me-again"))
    assert said.startswith(b"HTTP/1.1 500 ")
    assert b"hunter2" not in said
    assert caplog.records[0].request_id == "find-me-again"  # type: ignore[attr-defined]  # an extra of ours


async def test_a_failure_no_surface_translated_is_still_answered() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise Forbidden("not you")

    async with wire(failing) as server:
        said = await server.ask(get())
    assert said.endswith(b"not you")


async def test_a_read_is_cancelled_when_its_client_leaves() -> None:
    outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        exchange_of(scope).cancel_with_client()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            outcome.set_result("cancelled")
            raise

    async with wire(reading) as server:
        _, writer = await server.connect()
        writer.write(get())
        await until(lambda: server.door.in_flight == 1)
        writer.close()
        assert await asyncio.wait_for(outcome, 2) == "cancelled"
        await asyncio.sleep(0.05)
        assert [line["status"] for line in server.lines] == [499]
        assert server.door.in_flight == 0


async def test_a_write_is_finished_though_its_client_left() -> None:
    finished = asyncio.Event()

    async def writing(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.3)
        finished.set()
        await hello(scope, receive, send)

    async with wire(writing) as server:
        _, writer = await server.connect()
        writer.write(get())
        await until(lambda: server.door.in_flight == 1)
        writer.close()
        await asyncio.wait_for(finished.wait(), 2)


async def test_what_was_accepted_is_finished_before_the_server_stops() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.5)
        await hello(scope, receive, send)

    async with wire(slow) as server:
        asked = asyncio.create_task(server.ask(get()))
        await until(lambda: server.door.in_flight == 1)
    assert (await asked).endswith(b"hello 0")


async def test_requests_are_counted_by_route_and_status() -> None:
    async with wire(Router([Route("/counted/{id}", _Counted())])) as server:
        await server.ask(get("/counted/1"))
        await server.ask(get("/counted/2"))
    text = metrics.exposition()[0].decode()
    wanted = 'gateway_request_seconds_count{method="GET",route="/counted/{id}",status="200"} 2.0'
    assert wanted in text


class _Counted:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await hello(scope, receive, send)


def test_log_records_are_json_lines_with_their_request() -> None:
    from app.serving.journal import JsonFormatter

    record = logging.LogRecord("gateway", logging.WARNING, "", 0, "took %d s", (3,), None)
    record.request_id = "abc"
    line = json.loads(JsonFormatter().format(record))
    assert (line["level"], line["message"], line["id"]) == ("warning", "took 3 s", "abc")


async def test_a_group_that_takes_all_places_leaves_some_for_others() -> None:
    release = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        turn = exchange_of(scope).enter(group=int(scope["path"][1:]))
        if turn is not None:
            await turn
        if scope["path"] != "/3":
            await release.wait()
        await hello(scope, receive, send)

    async with wire(slow, max_in_flight=4) as server:
        greedy = [asyncio.create_task(server.ask(get("/1"))) for _ in range(4)]
        await until(lambda: server.door.taken == 4)
        assert (await server.ask(get("/1"))).startswith(b"HTTP/1.1 503 ")
        quiet = asyncio.create_task(server.ask(get("/2")))
        await until(lambda: server.door.taken == 5)
        # Below its share it waits; over its share it is refused at once.
        waiting = asyncio.create_task(server.ask(get("/3")))
        await until(lambda: server.door.places.waiting() == 1)
        assert (await server.ask(get("/1"))).startswith(b"HTTP/1.1 503 ")
        release.set()
        for answer in (*await asyncio.gather(*greedy, quiet), await waiting):
            assert answer.startswith(b"HTTP/1.1 200 ")
        await until(lambda: server.door.in_flight == 0)
        assert server.door.taken == 0
