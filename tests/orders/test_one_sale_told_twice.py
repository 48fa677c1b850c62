"""A sale that an event and an order tell is one: the event's statistics are marked, whichever comes first."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.db.database import Database
from app.domain.event_types.fields import FieldEntry
from app.domain.events.metrics import Telling, tell
from app.domain.events.processing import process_pending
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import record_orders
from app.domain.sales.references import SALE_KEYS, hold_sales, mark_told_by_orders, sale_reference_of
from app.tables.event_types import EventDataType, EventFieldKind
from tests.given import audience, events
from tests.given.events import NOON, Shop
from tests.given.statements import recorded

FIELDS = (
    FieldEntry(storage_key="email", data_type=EventDataType.EMAIL, identity="email"),
    FieldEntry(storage_key="order-reference"),
    FieldEntry(storage_key="turnover", kind=EventFieldKind.STATISTIC),
    FieldEntry(storage_key="margin", kind=EventFieldKind.STATISTIC),
    FieldEntry(storage_key="converted", kind=EventFieldKind.STATE),
)


@pytest.fixture
async def site(db: Database) -> AsyncIterator[Shop]:
    made = await events.shop(db, fields=FIELDS)
    await audience.customer(db, made.scope, "ada", email="ada@example.org")
    yield made
    await made.acceptor.close()


async def sale(site: Shop, reference: Any, **more: Any) -> UUID:
    data = {"email": "ada@example.org", "turnover": 80, "converted": 1, **more}
    return await site.send(data=data if reference is None else {**data, "order-reference": reference})


async def order(site: Shop, *references: str) -> None:
    async with site.db.transaction(site.scope) as tx:
        entries = [
            OrderEntry(reference=r, amount=Decimal(80), customer_external_id="ada") for r in references
        ]
        await record_orders(tx, entries, now=NOON)


async def marks(site: Shop, event: UUID) -> dict[str, bool]:
    found = await site.rows(
        "SELECT storage_key, is_told_by_order FROM event_metric WHERE event_id = $1", event
    )
    return {row["storage_key"]: row["is_told_by_order"] for row in found}


@pytest.mark.parametrize("order_first", [True, False])
async def test_whichever_comes_first_the_statistic_is_told_by_the_order(
    site: Shop, order_first: bool
) -> None:
    if order_first:
        await order(site, "o-1")
    event, other = await sale(site, "o-1"), await sale(site, "o-2")
    await site.process()
    if not order_first:
        assert await marks(site, event) == {"turnover": False, "converted": False}
        await order(site, "o-1")
    assert await marks(site, event) == {"turnover": True, "converted": False}
    assert await marks(site, other) == {"turnover": False, "converted": False}
    # What events say stays what they say.
    (sums,) = await site.rows("SELECT sum(value) AS value FROM event_rollup WHERE key = 'turnover'")
    assert sums["value"] == 160


async def test_a_statistic_that_is_told_later_is_marked_too(site: Shop) -> None:
    event = await sale(site, "o-1")
    await site.process()
    await order(site, "o-1")
    async with site.db.transaction(site.scope) as tx:
        told = Telling(storage_key="margin", value=Decimal(9), kind=EventFieldKind.STATISTIC, actor="me")
        await tell(tx, event, told, now=NOON)
    assert await marks(site, event) == {"turnover": True, "margin": True, "converted": False}


async def test_events_and_orders_that_come_at_once_find_one_another(site: Shop) -> None:
    references = [f"n-{n}" for n in range(32)]
    sent = {reference: await sale(site, reference) for reference in references}

    async def process() -> None:
        while await process_pending(site.db, site.group_id, limit=3, now=NOON):
            pass

    await asyncio.gather(process(), process(), *(order(site, one) for one in reversed(references)))
    for event in sent.values():
        assert (await marks(site, event))["turnover"]


async def both_at_once(site: Shop, *, holding: bool) -> bool:
    """An order and its event, written by two transactions that overlap; whether the event's statistic is marked."""
    event = await sale(site, "o-1")
    await site.process()
    await site.rows("UPDATE event SET sale_reference = NULL WHERE id = $1 RETURNING id", event)
    metrics = "UPDATE event SET sale_reference = 'o-1' WHERE id = $1"
    stored = asyncio.Event()

    async def tell_event() -> None:
        async with site.db.transaction(site.scope) as tx:
            await tx.execute(metrics, event)
            if holding:
                await hold_sales(tx, ["o-1"])
            await mark_told_by_orders(tx, ["o-1"])
            stored.set()
            await asyncio.sleep(0.05)

    async def tell_order() -> None:
        async with site.db.transaction(site.scope) as tx:
            await stored.wait()
            if holding:
                await hold_sales(tx, ["o-1"])
            customer = await tx.fetchval("SELECT min(id) FROM customer")
            await tx.execute(
                "INSERT INTO customer_order (group_id, reference, customer_id, store_id, amount, currency, ordered_at,"
                " ordered_on) SELECT $1, 'o-1', $2, min(id), 80, 'EUR', $3::timestamptz,"
                " ($3::timestamptz)::date FROM store",
                site.group_id, customer, NOON,
            )  # fmt: skip
            await mark_told_by_orders(tx, ["o-1"])

    await asyncio.gather(tell_event(), tell_order())
    return (await marks(site, event))["turnover"]


async def test_they_meet_on_the_reference_and_would_miss_one_another_without(site: Shop) -> None:
    assert not await both_at_once(site, holding=False)
    async with site.db.transaction(site.scope) as tx:
        await tx.execute("DELETE FROM customer_order WHERE reference = 'o-1'")
    assert await both_at_once(site, holding=True)


async def test_events_without_a_reference_take_no_further_statement(site: Shop) -> None:
    await sale(site, None)
    with recorded() as said:
        await site.process()
    assert not [sql for sql in said if "sale_reference" in sql and "UPDATE event e" not in sql]
    await sale(site, "o-1")
    with recorded() as said:
        await site.process()
    assert [sql for sql in said if "INSERT INTO sale_reference" in sql]


@pytest.mark.parametrize("key", SALE_KEYS)
def test_fields_that_hold_a_reference(key: str) -> None:
    assert sale_reference_of({"label": "x", key: " 1042 "}) == "1042"
    assert sale_reference_of({key: 1042}) == "1042"


@pytest.mark.parametrize("value", [None, "", "  ", True, ["1"], {"id": 1}, "x" * 256])
def test_values_that_are_no_reference(value: object) -> None:
    assert sale_reference_of({"order_id": value}) is None


def test_the_first_of_several_keys_counts() -> None:
    assert sale_reference_of({"transaction_id": "t", "order-reference": "", "order_id": "o"}) == "o"
    assert sale_reference_of(None) is None
