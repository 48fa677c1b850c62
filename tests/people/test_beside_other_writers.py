"""What is told of somebody while they are joined with somebody else is told of who they are afterwards."""

import asyncio
from typing import Any

from app.db.database import Database
from app.domain.identities.joining import merge_customers
from tests.given.asking import NOW
from tests.people.asking import asking

RECORD = """
mutation($orders: [OrderInput!]!) { ordersRecord(input: {orders: $orders}) { recorded errors { code message path } } }
"""


async def test_an_order_that_waits_for_a_merge_is_the_heirs(db: Database, tmp_path: Any) -> None:
    ask = await asking(db, tmp_path)
    gone, into = [
        int(one.removeprefix("cust_"))
        for one in await ask.upsert({"email": "a@example.com"}, {"email": "b@example.com"})
    ]
    order = {"reference": "o-1", "amount": "5", "customerEmail": "a@example.com"}
    async with db.transaction(ask.scope) as tx:
        await merge_customers(tx, gone=gone, into=into, actor="test", now=NOW)
        recording = asyncio.create_task(ask(RECORD, orders=[order]))
        await asyncio.sleep(0.3)
        assert not recording.done(), "it waits for the customer's row"
    assert (await recording)["ordersRecord"] == {"recorded": 1, "errors": []}
    async with db.transaction(ask.scope) as tx:
        [row] = await tx.fetch(
            "SELECT o.customer_id, c.order_count FROM customer_order o"
            " JOIN customer c ON c.group_id = o.group_id AND c.id = o.customer_id WHERE o.group_id = $1",
            tx.scope.group_id,
        )
    assert (row["customer_id"], row["order_count"]) == (into, 1)
