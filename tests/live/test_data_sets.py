"""Data sets over HTTP, as JSON lines or CSV: what they hold, what they refuse, and how they break off."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest

from app.auth.keys import create_api_key
from app.db.database import Database, connect
from app.errors import Unavailable
from app.graph.http.data_sets import hand_over
from tests.given.groups import GivenGroup
from tests.live.conftest import Served, served_with, settings_of

JSON_LINES, NDJSON, CSV = "application/jsonl", "application/x-ndjson", "text/csv"
HOW_MANY = 2_345
INSERT = """
INSERT INTO customer (group_id, name, email, email_key, phone, store_id, tags, attributes, total_spent, loyalty_tier)
SELECT $1, (ARRAY['=1+1', '-2.50', '@home', 'a,"b"', E'line\\nfeed', 'Été'])[1 + n % 6] || CASE WHEN n % 6 = 1 THEN ''
           ELSE n::text END,
       'c' || n || '@example.org', 'c' || n || '@example.org', '+3361234' || n, CASE WHEN n % 2 = 0 THEN $2::bigint END,
       CASE WHEN n % 3 = 0 THEN ARRAY['=x', 'y'] ELSE ARRAY['y', 'z'] END,
       ('{"n":' || E'\\n ' || n || '.10, "text": "' || repeat('x', $3) || '"}')::json, n + 0.1000, NULL
  FROM generate_series(1, $4) n
"""


async def customers(db: Database, given: GivenGroup, *, count: int = HOW_MANY, text: int = 3) -> None:
    async with db.transaction(given.scope) as tx:
        await tx.execute(INSERT, given.group_id, given.store_id, text, count)


@pytest.fixture(scope="module")
async def full(served: Served) -> Served:
    """A gateway whose group has customers."""
    await customers(served.db, served.given)
    return served


async def ask(served: Served, query: str, *, accept: str = JSON_LINES, **variables: Any) -> httpx.Response:
    async with served.http as http:
        return await http.post(
            "/graphql", json={"query": query, "variables": variables}, headers={"Accept": accept}
        )


async def every_node(served: Served, fields: str, arguments: str = "") -> list[dict[str, Any]]:
    """The same rows, by ordinary pages."""
    nodes: list[dict[str, Any]] = []
    after = "null"
    while True:
        answer = await ask(
            served,
            f"{{ customers(first: 1000, after: {after} {arguments})"
            f" {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}",
            accept="application/json",
        )
        page = answer.json()["data"]["customers"]
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = json.dumps(page["pageInfo"]["endCursor"])


def lines(answer: httpx.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.split("\n")[:-1]]


@pytest.mark.parametrize("accept", [JSON_LINES, NDJSON])
async def test_every_row_is_a_line(full: Served, accept: str) -> None:
    fields = "id name email totalSpent tags attributes store { id name } orders(first: 2) { nodes { id } }"
    answer = await ask(full, f"{{ customers {{ nodes {{ {fields} }} }} }}", accept=accept)
    assert answer.headers["content-type"] == f"{accept}; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert "content-length" not in answer.headers
    shown = lines(answer)
    assert len(shown) == HOW_MANY
    assert shown == await every_node(full, fields)
    assert answer.text.endswith("}\n")


async def test_the_order_the_filter_and_the_variables_are_the_query_s(full: Served) -> None:
    query = """
      query People($order: [CustomerOrderBy!], $shown: Boolean!, $unused: Int) { ...List }
      fragment List on Query { people: customers(filter: {search: "Été"}) { rows: nodes { ...Row } } }
      fragment Row on Customer { id name @include(if: $shown) email @skip(if: $shown) }
    """.replace("$order: [CustomerOrderBy!], ", "").replace(", $unused: Int", "")
    shown = lines(await ask(full, query, shown=True))
    assert shown == await every_node(full, "id name", 'filter: {search: "Été"}')
    assert 0 < len(shown) < HOW_MANY
    assert shown[0].keys() == {"id", "name"}


async def test_first_says_how_many_and_after_where_to_begin(full: Served) -> None:
    every = await every_node(full, "id")
    assert lines(await ask(full, "{ customers(first: 1500) { nodes { id } } }")) == every[:1500]
    assert (
        lines(await ask(full, "query($n: Int) { customers(first: $n) { nodes { id } } }", n=7)) == every[:7]
    )
    assert lines(await ask(full, "{ customers(first: 0) { nodes { id } } }")) == []
    page = (
        await ask(full, "{ customers(first: 1000) { pageInfo { endCursor } } }", accept="application/json")
    ).json()["data"]["customers"]["pageInfo"]
    query = "query($pageAfter: String) { customers(after: $pageAfter) { nodes { id } } }"
    assert lines(await ask(full, query, pageAfter=page["endCursor"])) == every[1000:]


async def test_a_list_without_rows_is_no_line_and_a_sheet_with_its_header(full: Served) -> None:
    query = '{ customers(filter: {search: "nobody is called like that"}) { nodes { id } } }'
    assert (await ask(full, query)).text == ""
    assert (await ask(full, query, accept=CSV)).text == "id\r\n"


async def test_a_sheet_has_a_column_for_each_leaf(full: Served) -> None:
    fields = "key: id name phone totalSpent emailConsent loyaltyTier tags attributes shop: store { id name }"
    answer = await ask(full, f"{{ customers {{ nodes {{ {fields} }} }} }}", accept=CSV)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    head, *rows = csv.reader(io.StringIO(answer.text, newline=""))
    assert head == [
        "key", "name", "phone", "totalSpent", "emailConsent", "loyaltyTier", "tags", "attributes", "shop.id",
        "shop.name",
    ]  # fmt: skip
    nodes = await every_node(full, fields)
    assert len(rows) == len(nodes) == HOW_MANY
    by_key = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    for node in nodes:
        row = by_key[node["key"]]
        shop = node["shop"] or {"id": "", "name": ""}
        assert (row["shop.id"], row["shop.name"]) == (shop["id"], shop["name"])
        assert row["emailConsent"] == "false"
        assert row["loyaltyTier"] == ""
        assert json.loads(row["attributes"])["text"] == "xxx"
    # Digits stay, and what a spreadsheet would run does not run.
    assert {row["name"][:3] for row in by_key.values()} == {"'=1", "-2.", "'@h", 'a,"', "lin", "Été"}
    assert {row["tags"] for row in by_key.values()} == {"'=x;y", "y;z"}
    assert all(row["phone"].startswith("'+33") for row in by_key.values())
    text = (await ask(full, "{ customers { nodes { totalSpent } } }")).text
    sheet = (await ask(full, "{ customers { nodes { totalSpent } } }", accept=CSV)).text
    digits = [line.removeprefix('{"totalSpent":').removesuffix("}") for line in text.splitlines()]
    assert sheet.split("\r\n")[1:-1] == [one.strip('"') for one in digits]


REFUSED = {
    "two lists": ("{ customers { nodes { id } } stores { nodes { id } } }", "exactly one root field"),
    "no list": ("{ customer(id: \"cust_1\") { id } }", "exactly one root field"),
    "the schema": ("{ __schema { types { name } } }", "exactly one root field"),
    "more than rows": ("{ customers { nodes { id } totalCount } }", "nothing else inside of `customers`"),
    "edges": ("{ customers { edges { node { id } } } }", "nothing else inside"),
    "rows twice": ("{ customers { nodes { id } more: nodes { name } } }", "nothing else inside"),
    "backward": ("{ customers(last: 3) { nodes { id } } }", "leave out `last`"),
    "an offset": ("{ customers(offset: 3) { nodes { id } } }", "leave out `offset`"),
    "a bad cursor": ('{ customers(after: "x") { nodes { id } } }', "after"),
    "a negative number": ("{ customers(first: -1) { nodes { id } } }", "first lies between"),
    "too much inside": ("{ customers { nodes { orders(first: 1001) { nodes { id } } } } }", "first lies between"),
    "no such field": ("{ customers { nodes { nowhere } } }", "nowhere"),
    "a variable that is missing": ("query($n: Int!) { customers(first: $n) { nodes { id } } }", "$n"),
    "no text": ("{", "Syntax Error"),
    "a mutation": ('mutation { storeCreate(input: {name: "x"}) { store { id } } }', "send a query"),
    "a subscription": ("subscription { campaigns { nodes { id } } }", "subscription"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_no_data_set_is_refused_before_the_first_byte(full: Served, what: str) -> None:
    query, said = REFUSED[what]
    for accept in (JSON_LINES, CSV):
        answer = await ask(full, query, accept=accept)
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
        assert said in answer.json()["errors"][0]["message"], answer.text
        assert "data" not in answer.json()


async def test_what_needs_resolvers_is_refused(full: Served) -> None:
    answer = await ask(full, "{ customers { nodes { segments { id } } } }")
    assert answer.status_code == 400
    assert "cannot be answered as a data set: " in answer.json()["errors"][0]["message"]


async def test_a_cell_holds_no_list_of_objects(full: Served) -> None:
    answer = await ask(full, "{ customers { nodes { id orders { nodes { id } } } } }", accept=CSV)
    assert answer.status_code == 400
    assert "orders.nodes is one: leave it out" in answer.json()["errors"][0]["message"]


async def test_roles_hold_as_for_the_query(full: Served) -> None:
    made = await create_api_key(
        full.db, group_id=full.given.group_id, name="no personal data", now=datetime.now(UTC), access="read"
    )
    query = "{ customers { nodes { id email } } }"
    async with full.http as http:
        body = {"query": query}
        answer = await http.post(
            "/graphql", json=body, headers={"Accept": JSON_LINES, "X-API-KEY": made.secret}
        )
        assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN", answer.text
        assert answer.status_code == 403
        nobody = await http.post("/graphql", json=body, headers={"Accept": CSV, "X-API-KEY": "wrong"})
        assert nobody.status_code == 401


async def test_it_comes_by_get_and_json_stays_what_is_sent_unless_asked(full: Served) -> None:
    query = "{ customers(first: 2) { nodes { id } } }"
    async with full.http as http:
        answer = await http.get("/graphql", params={"query": query}, headers={"Accept": CSV})
        assert answer.text.count("\r\n") == 3
        for accept, kind in (
            ("*/*", "application/json"),
            (f"application/json, {CSV};q=0.5", "application/json"),
        ):
            plain = await http.post("/graphql", json={"query": query}, headers={"Accept": accept})
            assert plain.headers["content-type"].startswith(kind)


async def test_large_rows_come_in_smaller_pages(
    database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = settings_of(database_url, tmp_path_factory.mktemp("data"), MAX_ANSWER_BYTES="1000000")
    async with served_with(settings, db) as served:
        await customers(db, served.given, count=120, text=30_000)
        answer = await ask(served, "{ customers { nodes { id attributes } } }")
        assert len(lines(answer)) == 120
        await customers_too_large(db, served.given)
        cut = await ask(served, '{ customers(filter: {search: "huge"}) { nodes { id attributes } } }')
        assert cut.status_code == 413
        assert cut.json()["errors"][0]["extensions"]["code"] == "TOO_LARGE"


async def test_it_reads_behind_the_policies_where_reads_do(
    database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = settings_of(database_url, tmp_path_factory.mktemp("data"), READ_RLS="1")
    guarded = await connect(database_url, guarded=True)
    try:
        async with served_with(settings, guarded) as served:
            await customers(db, served.given, count=1_200)
            assert len(lines(await ask(served, "{ customers { nodes { id } } }"))) == 1_200
    finally:
        await guarded.close()


async def customers_too_large(db: Database, given: GivenGroup) -> None:
    async with db.transaction(given.scope) as tx:
        await tx.execute(
            "INSERT INTO customer (group_id, name, attributes) VALUES ($1, 'huge', to_json(repeat('x', 2000000)))",
            given.group_id,
        )


async def test_a_budget_is_spent_page_by_page(
    database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    more = {"BUDGET": "enforce", "BUDGET_PER_S": "10000", "BUDGET_BURST": "10000"}
    async with served_with(settings_of(database_url, tmp_path_factory.mktemp("data"), **more), db) as served:
        await customers(db, served.given)
        fields = " ".join(f"a{n}: name" for n in range(15))
        loop = asyncio.get_running_loop()
        started = loop.time()
        # 35,000 values: what is there at once, and two and a half seconds of what comes. That is more time than a
        # busy machine needs for them, or nothing would be spent at the end.
        assert len(lines(await ask(served, f"{{ customers {{ nodes {{ {fields} }} }} }}"))) == HOW_MANY
        assert loop.time() - started > 1.5
        refused = await ask(served, f"{{ customers {{ nodes {{ {fields} }} }} }}")
        assert refused.status_code == 429
        assert refused.headers["retry-after"]


BIG = "{ customers { nodes { id attributes } } }"


@pytest.fixture
async def slow(
    database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """A gateway whose group has more than fits between it and a client that does not read."""
    async with served_with(settings_of(database_url, tmp_path_factory.mktemp("data")), db) as served:
        await customers(db, served.given, count=2_000, text=20_000)
        yield served


async def begun(
    served: Served, stack: AsyncExitStack, *, parts: list[bytes] | None = None, key: str = ""
) -> AsyncIterator[bytes]:
    """A data set of which a little was read."""
    http = await stack.enter_async_context(served.http)
    answer = await stack.enter_async_context(
        http.stream(
            "POST",
            "/graphql",
            json={"query": BIG},
            headers={"Accept": JSON_LINES, "X-API-KEY": key or served.api_key},
        )
    )
    assert answer.status_code == 200, await answer.aread()
    pieces = answer.aiter_raw()
    first = await anext(pieces)
    if parts is not None:
        parts.append(first)
    return pieces


SNAPSHOTS = """
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
   AND query LIKE '%pageInfo%'
"""


async def snapshots(owner: Any, *, expected: int) -> list[int]:
    """The sessions that read data sets; there should soon be so many."""
    found: list[int] = []
    for _ in range(100):
        found = [row["pid"] for row in await owner.fetch(SNAPSHOTS)]
        if len(found) == expected:
            break
        await asyncio.sleep(0.05)
    assert len(found) == expected
    return found


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_all_pages_are_of_one_moment(slow: Served) -> None:
    async with AsyncExitStack() as stack:
        first: list[bytes] = []
        pieces = await begun(slow, stack, parts=first)
        async with slow.db.transaction(slow.given.scope) as tx:
            await tx.execute("DELETE FROM customer WHERE group_id = $1 AND id % 2 = 0", slow.given.group_id)
            await tx.execute("UPDATE customer SET attributes = '{}' WHERE group_id = $1", slow.given.group_id)
        rest = b"".join([*first, *[piece async for piece in pieces]])
    assert rest.count(b"\n") == 2_000
    assert rest.count(b'"attributes":{}') == 0


async def test_what_breaks_later_cuts_the_answer_off(slow: Served, owner: Any) -> None:
    async with AsyncExitStack() as stack:
        pieces = await begun(slow, stack)
        [pid] = await snapshots(owner, expected=1)
        await owner.execute("SELECT pg_terminate_backend($1)", pid)
        with pytest.raises(httpx.RemoteProtocolError):
            _ = [piece async for piece in pieces]
    await snapshots(owner, expected=0)


async def test_it_ends_with_its_credential(slow: Served, owner: Any) -> None:
    key_id, secret = await slow.key()
    async with AsyncExitStack() as stack:
        pieces = await begun(slow, stack, key=secret)
        await slow.revoke(key_id)
        await asyncio.sleep(5.5)
        with pytest.raises(httpx.RemoteProtocolError):
            _ = [piece async for piece in pieces]
    await snapshots(owner, expected=0)


async def test_it_is_cut_off_where_the_server_stops(
    database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory, owner: Any
) -> None:
    async with AsyncExitStack() as stack:
        settings = settings_of(database_url, tmp_path_factory.mktemp("data"))
        async with served_with(settings, db) as stopping:
            await customers(db, stopping.given, count=2_000, text=20_000)
            pieces = await begun(stopping, stack)
            stopping.server.should_exit = True
            await asyncio.sleep(0.5)
            with pytest.raises(httpx.RemoteProtocolError):
                _ = [piece async for piece in pieces]
    await snapshots(owner, expected=0)


async def test_a_client_that_does_not_read_is_not_waited_for_for_good() -> None:
    sent: list[int] = []

    async def send(message: Any) -> None:
        sent.append(len(message["body"]))
        if len(sent) == 2:
            await asyncio.Event().wait()

    with pytest.raises(Unavailable, match="did not read"):
        await hand_over(b"x" * 1_000_000, send, within_s=0.05)
    assert sent == [128 * 1024] * 2


async def test_a_group_has_two_at_once_and_a_client_that_leaves_makes_room(slow: Served, owner: Any) -> None:
    async with AsyncExitStack() as stack:
        kept = [await begun(slow, stack), await begun(slow, stack)]
        await snapshots(owner, expected=2)
        third = await ask(slow, BIG)
        assert third.status_code == 503
        assert third.headers["retry-after"]
        assert "Too many data sets" in third.text
        assert kept
    await snapshots(owner, expected=0)
    assert len(lines(await ask(slow, "{ customers { nodes { id } } }"))) == 2_000
