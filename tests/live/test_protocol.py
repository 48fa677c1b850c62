"""graphql-transport-ws to the letter: what closes a socket, and what is answered on it."""

import asyncio
import json

import pytest
from websockets import InvalidStatus
from websockets.asyncio.client import connect

from app.graph.live.topics import MAX_TOPICS_OF_ONE
from tests.live.conftest import ORIGIN, Served

NAMES = "{ campaigns { totalCount } }"


@pytest.mark.parametrize(
    "message",
    [
        "no json", '"text"', "[]", "{}", '{"type":"hello"}', '{"type":"subscribe"}', '{"type":"complete"}',
        '{"type":"subscribe","id":""}', '{"type":"subscribe","id":7,"payload":{"query":"{x}"}}',
        '{"type":"subscribe","id":"a"}', '{"type":"subscribe","id":"a","payload":{}}',
        '{"type":"subscribe","id":"a","payload":{"query":1}}', '{"type":"ping","payload":1}', b"bytes",
        json.dumps({"type": "subscribe", "id": "x" * 257, "payload": {"query": NAMES}}),
    ],
)  # fmt: skip
async def test_what_is_no_message_closes_the_socket(served: Served, message: str | bytes) -> None:
    async with served.welcome() as socket:
        await socket.bare.send(message)
        code, reason = await socket.end()
        assert code == 4400
        assert reason


async def test_nothing_is_answered_before_the_acknowledgement(served: Served) -> None:
    async with served.socket() as socket:
        await socket.ask("a", NAMES)
        assert await socket.end() == (4401, "Unauthorized")


async def test_who_never_introduces_itself_is_shown_out(served: Served) -> None:
    async with served.socket() as socket:
        assert await socket.end() == (4408, "Connection initialisation timeout")


async def test_an_introduction_is_made_once(served: Served) -> None:
    async with served.welcome() as socket:
        await socket.say(type="connection_init")
        assert (await socket.end())[0] == 4429


@pytest.mark.parametrize(
    "payload", [{}, {"X-API-KEY": "wrong"}, {"X-API-KEY": 7}, {"Authorization": "Bearer x"}]
)
async def test_without_a_good_credential_the_socket_is_closed(
    served: Served, payload: dict[str, object]
) -> None:
    async with served.socket() as socket:
        await socket.say(type="connection_init", payload=payload)
        assert (await socket.end())[0] == 4403


async def test_the_credential_may_come_with_the_handshake(served: Served) -> None:
    async with served.socket(**{"X-API-KEY": served.api_key}) as socket:
        await socket.say(type="connection_init")
        assert await socket.hear() == {"type": "connection_ack"}


async def test_a_beacon_in_the_introduction_narrows_to_its_store(served: Served) -> None:
    async with served.welcome(
        **{"x-api-key": served.api_key, "X-Beacon-Key": served.given.beacon_key}
    ) as socket:
        await socket.ask("a", "{ viewer { store { id } } }")
        assert (await socket.hear())["payload"]["data"]["viewer"]["store"][
            "id"
        ] == f"store_{served.given.store_id}"


async def test_another_protocol_is_not_spoken(served: Served) -> None:
    async with connect(served.address, proxy=None) as bare:
        await bare.wait_closed()
        assert bare.close_code == 4406


async def test_pings_are_answered_with_what_they_brought(served: Served) -> None:
    async with served.socket() as socket:
        await socket.say(type="ping")
        assert await socket.hear() == {"type": "pong"}
        await socket.say(type="ping", payload={"at": 1.50})
        assert await socket.hear() == {"type": "pong", "payload": {"at": 1.5}}
        await socket.say(type="pong")


async def test_queries_and_mutations_are_answered_too(served: Served) -> None:
    async with served.welcome() as socket:
        await socket.ask("q", NAMES)
        assert (await socket.hear())["payload"] == {"data": {"campaigns": {"totalCount": 0}}}
        assert await socket.hear() == {"id": "q", "type": "complete"}
        await socket.ask(
            "m",
            "mutation ($name: String!) { storeCreate(input: {name: $name}) { store { name } errors { message } } }",
            name="Neue",
        )
        made = await socket.hear()
        assert (made["id"], made["type"]) == ("m", "next")
        assert made["payload"]["data"]["storeCreate"]["store"] == {"name": "Neue"}
        assert await socket.hear() == {"id": "m", "type": "complete"}


async def test_an_operation_that_cannot_run_is_refused_and_the_socket_lives_on(served: Served) -> None:
    async with served.welcome() as socket:
        for query, code in (
            ("{", "GRAPHQL_PARSE_FAILED"),
            ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("subscription { campaigns { totalCount } events { id } }", "GRAPHQL_VALIDATION_FAILED"),
            ("subscription { campaigns(every: 0) { totalCount } }", "INVALID"),
            ("subscription { campaigns(first: 5000) { totalCount } }", "INVALID"),
            ("subscription ($id: ID!) { campaign(id: $id) { id } }", "BAD_USER_INPUT"),
            (
                "subscription { campaigns(first: 1000) { nodes { promos(first: 1000) { nodes { id } } } } }",
                "TOO_LARGE",
            ),
        ):
            await socket.ask("a", query)
            refused = await socket.hear()
            assert (refused["id"], refused["type"]) == ("a", "error"), query
            assert refused["payload"][0]["extensions"]["code"] == code, query
        await socket.ask("a", NAMES)
        assert (await socket.hear())["type"] == "next"


async def test_what_is_shared_shows_no_plans(served: Served) -> None:
    async with served.welcome() as one, served.welcome() as another:
        payload = {"query": "subscription { campaigns { totalCount } }", "extensions": {"plan": True}}
        await one.say(id="a", type="subscribe", payload=payload)
        heard = await one.hear()
        assert (heard["id"], heard["type"]) == ("a", "error")
        assert "send the same selection as a query" in heard["payload"][0]["message"]
        await another.ask("b", "subscription { campaigns { totalCount } }")
        assert "extensions" not in (await another.hear())["payload"]


async def test_an_id_names_one_operation_at_a_time(served: Served) -> None:
    async with served.welcome() as socket:
        await socket.ask("a", "subscription { campaigns { totalCount } }")
        assert (await socket.hear())["type"] == "next"
        await socket.ask("a", "subscription { campaigns { totalCount } }")
        assert await socket.end() == (4409, "Subscriber for a already exists")


async def test_a_completed_id_is_free_again_and_hears_nothing_more(served: Served) -> None:
    async with served.welcome() as socket:
        await socket.ask("a", "subscription { campaigns { totalCount } }")
        assert (await socket.hear())["type"] == "next"
        await socket.say(id="a", type="complete")
        await served.campaign()
        assert await socket.silence(for_s=1.5)
        await socket.ask("a", NAMES)
        assert (await socket.hear())["type"] == "next"


async def test_operations_under_way_are_bounded(served: Served) -> None:
    async with served.welcome() as socket:
        for number in range(101):
            await socket.ask(str(number), "subscription { campaigns(every: 60) { totalCount } }")
        heard = [await socket.hear() for _ in range(101)]
        assert [m["id"] for m in heard if m["type"] == "error"] == ["100"]


async def test_a_message_is_a_megabyte_at_most(served: Served) -> None:
    async with served.welcome() as socket:
        await socket.say(type="ping", payload={"x": "x" * 1024 * 1024})
        assert (await socket.end())[0] == 1009


async def test_pages_of_foreign_origins_may_not_connect(served: Served) -> None:
    with pytest.raises(InvalidStatus):
        async with served.socket(Origin="https://elsewhere.example"):
            pass
    for origin in (ORIGIN, f"http://127.0.0.1:{served.port}"):
        async with served.socket(Origin=origin) as socket:
            await socket.say(type="ping")
            assert await socket.hear() == {"type": "pong"}


async def test_no_other_path_has_sockets(served: Served) -> None:
    with pytest.raises(InvalidStatus):
        async with connect(f"ws://127.0.0.1:{served.port}/api/campaigns", proxy=None):
            pass


async def test_a_mutation_nobody_waits_for_is_done_all_the_same(served: Served) -> None:
    store = 'mutation { storeCreate(input: {name: "unheard"}) { store { name } } }'
    async with served.welcome() as socket:
        await socket.ask("a", store)
        await socket.say(id="a", type="complete")
        await socket.ask("a", "{ viewer { group { id } } }")
        assert "viewer" in (await socket.hear())["payload"]["data"]
        assert (await socket.hear())["type"] == "complete"
        await socket.ask("b", store)
    async with served.welcome() as socket:
        for _ in range(50):
            await socket.ask("c", '{ stores(filter: {search: "unheard"}) { totalCount } }')
            counted = (await socket.hear())["payload"]["data"]["stores"]["totalCount"]
            assert (await socket.hear())["type"] == "complete"
            if counted == 2:
                return
            await asyncio.sleep(0.05)
    raise AssertionError(counted)


async def test_one_group_s_topics_are_bounded_and_given_back(served: Served) -> None:
    query = "subscription ($first: Int) { campaigns(first: $first, every: 600) { totalCount } }"
    async with served.welcome() as one, served.welcome() as other, served.welcome() as third:
        for number in range(MAX_TOPICS_OF_ONE):
            await (one if number % 2 else other).ask(str(number), query, first=number)
        heard = [await (one if number % 2 else other).hear() for number in range(MAX_TOPICS_OF_ONE)]
        assert {message["type"] for message in heard} == {"next"}
        await third.ask("more", query, first=900)
        refused = await third.hear()
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "UNAVAILABLE")
        # What others watch already costs nothing.
        await third.ask("same", query, first=0)
        assert (await third.hear())["type"] == "next"
        await one.say(id="1", type="complete")
        await asyncio.sleep(0.1)
        await third.ask("more", query, first=900)
        assert (await third.hear())["type"] == "next"
