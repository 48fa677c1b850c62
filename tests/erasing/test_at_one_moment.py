"""Erasing while others write of the same person: what comes before is erased, what comes after is somebody new."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.db.auditing import OPERATOR
from app.db.database import Database, connect
from app.domain.customers import meanwhile as meanwhile_module
from app.domain.customers.entries import CustomerEntry
from app.domain.erasing import operations
from app.domain.erasing.operations import Cleaned, erase_customer
from app.domain.interactions.recording import Visit, record_online
from app.errors import NotFound
from app.settings import read_settings
from tests.given import audience, events, webhooks
from tests.given.asking import NOW as WEBHOOK_NOW
from tests.given.asking import Asker
from tests.given.events import Shop

EMAIL = "ann@example.org"
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Shop]:
    made = await events.shop(db)
    yield made
    await made.acceptor.close()


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    database = await connect(database_url, readers=1, writers=12)
    yield database
    await database.close()


async def known(shop: Shop) -> int:
    """A customer with an event; the id."""
    await shop.send(data={"basket": 1, "email": EMAIL}, tracker_id="tracker-a")
    await shop.process()
    (row,) = await shop.rows("SELECT id FROM customer WHERE email = $1", EMAIL)
    return int(row["id"])


async def erase(db: Database, shop: Shop, customer: int) -> Any:
    async with db.transaction(shop.scope) as tx:
        return await erase_customer(tx, customer, cleaned=Cleaned(), by=OPERATOR, now=NOW)


async def left_of(shop: Shop, customer: int) -> list[Any]:
    """Her own rows that are not empty."""
    return await shop.rows(
        "SELECT id, status, body::text FROM event WHERE customer_id = $1"
        " AND num_nonnulls(body, data, user_data, tracker_id) > 0",
        customer,
    )


async def test_events_that_are_processed_meanwhile_are_hers_before_or_somebody_elses_after(
    shop: Shop, other: Database
) -> None:
    for _ in range(6):
        customer = await known(shop)

        async def send(n: int) -> None:
            await shop.send(data={"basket": n, "email": EMAIL}, tracker_id="tracker-a")
            await shop.process()

        done, *_ = await asyncio.gather(erase(other, shop, customer), *(send(n) for n in range(8)))
        assert done.erased_at == NOW
        await shop.process()
        assert await left_of(shop, customer) == []
        (row,) = await shop.rows("SELECT email, name FROM customer WHERE id = $1", customer)
        assert (row["email"], row["name"]) == (None, "")
        # Nobody is known by her keys who is not somebody else, with events of their own.
        assert await shop.rows("SELECT 1 FROM customer_identity WHERE customer_id = $1", customer) == []


async def test_without_a_second_look_an_event_would_slip_through(
    shop: Shop, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = await known(shop)
    slipped = asyncio.Event()
    real = operations._Work.do

    async def slow(work: Any, table: str) -> int:
        found = await real(work, table)
        if table == "event" and not slipped.is_set():
            slipped.set()
            await shop.send(data={"basket": 9, "email": EMAIL}, tracker_id="tracker-a")
            await shop.process()
        return found

    monkeypatch.setattr(operations._Work, "do", slow)
    monkeypatch.setattr(operations, "_LEFT", "SELECT $1::bigint + $2::bigint < 0")
    await erase(other, shop, customer)
    assert len(await left_of(shop, customer)) == 1  # what the look is for

    slipped.clear()
    monkeypatch.undo()
    customer = await known(shop)
    monkeypatch.setattr(operations._Work, "do", slow)
    await erase(other, shop, customer)
    assert slipped.is_set()
    assert await left_of(shop, customer) == []


async def test_an_upsert_that_waits_makes_somebody_new(shop: Shop, other: Database) -> None:
    customer = await known(shop)
    async with other.transaction(shop.scope) as tx:
        await erase_customer(tx, customer, cleaned=Cleaned(), by=OPERATOR, now=NOW)
        waiting = asyncio.create_task(
            audience.customers(shop.db, shop.scope, CustomerEntry(email=EMAIL, name="Ann"))
        )
        await asyncio.sleep(0.3)
        assert not waiting.done()
    made = await waiting
    assert made.ids[0] != customer
    (row,) = await shop.rows("SELECT email, name FROM customer WHERE id = $1", customer)
    assert (row["email"], row["name"]) == (None, "")


async def test_a_visit_and_a_delivery_that_wait_are_nobodys(
    shop: Shop, other: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asker = Asker(shop.db, read_settings({"DATA_DIR": str(tmp_path)}))
    connected = await webhooks.connection(shop.db, shop.group_id)

    async def visit(n: int) -> None:
        seen = Visit(
            project_id=shop.project_id, tracker_id="tracker-a", landing_url=f"https://x.example/{n}", referrer=None,
            occurred_at=NOW, dedup_key=f"visit {n}",
        )  # fmt: skip
        async with shop.db.transaction(shop.scope) as tx:
            await record_online(tx, [seen], now=NOW)

    async def deliver(n: int) -> None:
        said = {
            "event": "open",
            "email": EMAIL,
            "timestamp": int(WEBHOOK_NOW.timestamp()),
            "sg_event_id": f"sg {n}",
        }
        await webhooks.post(asker, webhooks.documented(connected, [said]))

    async def meanwhile(n: int) -> int:
        customer = await known(shop)
        async with other.transaction(shop.scope) as tx:
            await erase_customer(tx, customer, cleaned=Cleaned(), by=OPERATOR, now=NOW)
            waiting = asyncio.gather(visit(n), deliver(n))
            await asyncio.sleep(0.5)
            assert not waiting.done()
        await waiting
        return customer

    customer = await meanwhile(1)
    for table in ("event", "interaction"):
        kept = "landing_url IS NOT NULL" if table == "interaction" else "body IS NOT NULL"
        sql = f"SELECT count(*) AS n FROM {table} WHERE {kept} AND customer_id = $1"
        assert (await shop.rows(sql, customer))[0]["n"] == 0
    monkeypatch.setattr(meanwhile_module, "_INTERACTIONS", "SELECT $1::bigint, $2::bigint[]")
    customer = await meanwhile(2)
    slipped = "SELECT 1 FROM interaction WHERE customer_id = $1 AND landing_url IS NOT NULL"
    assert len(await shop.rows(slipped, customer)) == 1  # what it is for


async def test_twice_at_once_is_once(shop: Shop, other: Database) -> None:
    customer = await known(shop)
    done = await asyncio.gather(*(erase(other, shop, customer) for _ in range(4)))
    assert all(one == done[0] for one in done)
    assert len(await shop.rows("SELECT 1 FROM audit_entry WHERE action = 'customer.erase'")) == 1


async def test_an_erased_row_cannot_be_filled_again(shop: Shop) -> None:
    customer = await known(shop)
    await erase(shop.db, shop, customer)
    for change in ("name = 'Ann'", "email = 'x@example.org'", "deleted_at = NULL", "email_consent = true"):
        with pytest.raises(asyncpg.CheckViolationError):
            await shop.rows(f"UPDATE customer SET {change} WHERE id = $1 RETURNING 1", customer)


async def test_another_groups_customers_are_not_reached(db: Database, shop: Shop) -> None:
    theirs = await events.shop(db)
    customer, same = await known(shop), await known(theirs)
    with pytest.raises(NotFound):
        await erase(db, shop, same if same != customer else same + 1_000)
    await erase(db, shop, customer)
    (row,) = await theirs.rows("SELECT email FROM customer WHERE id = $1", same)
    assert row["email"] == EMAIL
    assert len(await left_of(theirs, same)) == 1
    await theirs.acceptor.close()
