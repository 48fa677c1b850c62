"""A table is altered under load: statements that were prepared before are run once more, and nobody notices."""

import asyncio

import asyncpg
import httpx
import pytest

from app.db.database import Database
from tests.faults.conftest import Caller

READS = [
    "{ stores(first: 3) { nodes { id name } } }",
    "{ segmentPreview(criteria: {order_count: {gte: 1}}) { size } stores { totalCount } }",
]
WRITES = [
    'mutation { storeCreate(input: {name: "S"}) { store { id name } errors { code } } }',
    # Its first statement is about another table than its second.
    'mutation { a: campaignCreate(input: {name: "C"}) { campaign { id } errors { code } } }',
    'mutation { a: storeCreate(input: {name: "S"}) { store { id segments: id } }'
    ' b: storeCreate(input: {name: "S"}) { store { id name } } }',
]


@pytest.mark.parametrize("table", ["store", "campaign", "tenant", "api_key"])
async def test_nobody_notices(caller: Caller, database_url: str, table: str) -> None:
    async def all_of_them() -> list[httpx.Response]:
        asked = [caller.graphql(query) for query in READS + writes for _ in range(4)]
        asked += [
            caller.once(query, f"{table} {n} {asyncio.get_running_loop().time()}")
            for n, query in enumerate(writes)
        ]
        headers = {"X-API-KEY": caller.keys[1]}
        asked += [caller.http.get("/api/campaigns", headers=headers) for _ in range(4)]
        return await asyncio.gather(*asked)

    owner = await asyncpg.connect(database_url)
    made = await caller.graphql('mutation { campaignCreate(input: {name: "C"}) { campaign { id } } }')
    ident = made.json()["data"]["campaignCreate"]["campaign"]["id"]
    # It reads all columns; with a key that is not its first statement.
    change = f'mutation {{ campaignUpdate(input: {{id: "{ident}", name: "D"}}) {{ errors {{ code }} }} }}'
    writes = [*WRITES, change]
    for n in range(4):
        for _ in range(2):
            # Twice each, so that statements are prepared.
            for answer in await all_of_them():
                assert answer.status_code == 200, answer.text
                assert '"errors":[{' not in answer.text, (n, answer.text)
        column = {"store": "name", "campaign": "name", "tenant": "name", "api_key": "name"}[table]
        length = 100 + n
        if await owner.fetchval(
            "SELECT count(*) FROM information_schema.columns WHERE table_name = $1 AND column_name = $2",
            table, column,
        ):  # fmt: skip
            await owner.execute(
                f'ALTER TABLE {table} ALTER COLUMN {column} TYPE text COLLATE "{"C" if n % 2 else "pg_c_utf8"}"'
            )
        await owner.execute(f"ALTER TABLE {table} ADD COLUMN further_{length} int")
    await owner.close()


async def test_the_first_statement_of_a_transaction_and_those_after_it(
    db: Database, database_url: str
) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        "CREATE TABLE shapes (n int); INSERT INTO shapes VALUES (1); GRANT SELECT ON shapes TO gateway_app"
    )
    read, kind = "SELECT n FROM shapes", "int"

    async def first() -> object:
        async with db.directory() as connection:
            return await connection.fetchval(read)

    for _ in range(3):
        assert await first() == (1 if kind == "int" else "1")
    await owner.execute("ALTER TABLE shapes ALTER COLUMN n TYPE text")
    for _ in range(3):
        assert await first() == "1"
    # One that comes later cannot be repeated by itself: whoever began the transaction does.
    await owner.execute("ALTER TABLE shapes ALTER COLUMN n TYPE int USING n::int")

    async def later() -> None:
        async with db.directory() as connection:
            await connection.fetchval("SELECT 1")
            await connection.fetchval(read)

    with pytest.raises(asyncpg.InvalidCachedStatementError):
        await later()
    await later()
    assert await first() == 1
    await owner.close()
