"""Customers in bulk: known ones are changed, the others made; a call is done as a whole or not at all."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database, Transaction
from app.domain.customers.entries import MAX_CUSTOMERS, CustomerEntry
from app.domain.customers.operations import upsert_customers
from app.errors import Forbidden, Several, TooLarge
from app.values.scope import Scope
from tests.given import audience as given
from tests.given import groups


async def row_of(db: Database, scope: Scope, ident: int) -> dict[str, Any]:
    async with db.transaction(scope) as tx:
        row = await tx.fetchrow("SELECT *, attributes::text AS kept FROM customer WHERE id = $1", ident)
        assert row is not None
        return dict(row)


async def test_a_second_call_with_the_same_customers_changes_nothing_but_the_date(db: Database) -> None:
    group = await groups.group(db)
    entries = [
        CustomerEntry(external_id="c1", email="Ada@Example.org", name="Ada", tags=["vip", "vip", "new"]),
        CustomerEntry(
            email="bo@example.org", loyalty_tier="gold", attributes={"shoe": 42, "pi": Decimal("3.10")}
        ),
    ]
    first = await given.customers(db, group.scope, *entries)
    again = await given.customers(db, group.scope, *entries)
    assert (first.created, first.updated) == (2, 0)
    assert (again.created, again.updated, again.ids) == (0, 2, first.ids)
    ada, bo = [await row_of(db, group.scope, ident) for ident in first.ids]
    assert ada["tags"] == ["vip", "new"]
    assert (bo["name"], bo["loyalty_tier"], bo["kept"]) == ("bo@example.org", "gold", '{"shoe":42,"pi":3.10}')


async def test_what_is_left_out_stays_and_what_is_null_is_cleared(db: Database) -> None:
    group = await groups.group(db)
    facts: dict[str, Any] = {
        "name": "Ada", "phone": "+33", "loyalty_tier": "gold", "email_consent": True, "tags": ["a"],
        "attributes": {"a": 1}, "order_count": 3, "total_spent": Decimal("9.5"), "last_order_at": given.NOON,
    }  # fmt: skip
    ident = await given.customer(db, group.scope, "c1", email="ada@example.org", **facts)
    await given.customers(db, group.scope, CustomerEntry(email="ADA@example.org", sms_consent=True))
    row = await row_of(db, group.scope, ident)
    assert {name: row[name] for name in facts if name != "attributes"} == {
        name: value for name, value in facts.items() if name != "attributes"
    }
    assert row["sms_consent"] is True
    await given.customers(db, group.scope, CustomerEntry(external_id="c1", **dict.fromkeys(facts)))
    row = await row_of(db, group.scope, ident)
    assert [row[name] for name in ("phone", "loyalty_tier", "kept", "last_order_at")] == [None] * 4
    assert [row[n] for n in ("email_consent", "tags", "order_count", "total_spent")] == [False, [], 0, 0]
    assert row["name"] == "c1"


async def test_an_address_finds_its_customer_who_then_gets_the_external_id(db: Database) -> None:
    group = await groups.group(db)
    made = await given.customers(db, group.scope, CustomerEntry(email="ada@example.org"))
    again = await given.customers(db, group.scope, CustomerEntry(external_id="c1", email="ada@EXAMPLE.org"))
    assert again.ids == made.ids
    assert (await row_of(db, group.scope, made.ids[0]))["external_id"] == "c1"


async def test_every_fault_is_told_by_entry_and_nothing_is_stored(db: Database) -> None:
    group = await groups.group(db)
    await given.customer(db, group.scope, "known", email="taken@example.org")
    with pytest.raises(Several) as refused:
        await given.customers(
            db,
            group.scope,
            CustomerEntry(name="Nobody"),
            CustomerEntry(external_id="ok"),
            CustomerEntry(external_id="ok"),
            CustomerEntry(email="no address"),
            CustomerEntry(external_id="other", email="Taken@example.org"),
            CustomerEntry(external_id="s", store_id=10**12),
            CustomerEntry(external_id="t", tags=[""]),
            CustomerEntry(external_id="u", attributes={"a": "\0"}),
            CustomerEntry(external_id="v", order_count=-1),
        )
    assert [(f.reason, [str(p) for p in f.path]) for f in refused.value.failures] == [
        ("CUSTOMER_UNNAMED", ["customers", "0"]),
        ("REPEATED", ["customers", "2", "externalId"]),
        ("INVALID", ["customers", "3", "email"]),
        ("EMAIL_EXISTS", ["customers", "4", "email"]),
        ("NOT_FOUND", ["customers", "5", "storeId"]),
        ("INVALID", ["customers", "6", "tags", "0"]),
        ("INVALID", ["customers", "7", "attributes"]),
        ("INVALID", ["customers", "8", "orderCount"]),
    ]
    async with db.transaction(group.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM customer") == 1
    with pytest.raises(TooLarge):
        await given.customers(db, group.scope, *[CustomerEntry(external_id="x")] * (MAX_CUSTOMERS + 1))


async def test_ten_customers_cost_as_many_statements_as_one(db: Database) -> None:
    group = await groups.group(db)
    counts = []
    for prefix, many in (("a", 1), ("b", 10), ("c", 200)):
        async with db.transaction(group.scope) as tx:
            counter = _Counting(tx)
            entries = [
                CustomerEntry(external_id=f"{prefix}{n}", store_id=group.store_id) for n in range(many)
            ]
            await upsert_customers(counter, entries, now=given.NOON)  # type: ignore[arg-type]  # it passes everything on
            counts.append(counter.statements)
    assert counts[0] == counts[1] == counts[2]


class _Counting:
    def __init__(self, tx: Transaction) -> None:
        self.tx, self.scope, self.statements = tx, tx.scope, 0

    def __getattr__(self, name: str) -> Any:
        self.statements += 1
        return getattr(self.tx, name)


async def test_many_at_once_make_each_customer_once(db: Database) -> None:
    group = await groups.group(db)
    entries = [CustomerEntry(external_id=f"c{n}", email=f"c{n}@example.org") for n in range(50)]
    done = await asyncio.gather(
        *(given.customers(db, group.scope, *(entries if n % 2 else entries[::-1])) for n in range(8))
    )
    assert sum(one.created for one in done) == 50
    assert len({ident for one in done for ident in one.ids}) == 50


async def test_a_store_sees_and_makes_its_own_customers_alone(db: Database) -> None:
    group = await groups.group(db)
    other = await groups.store(db, group.group_id)
    ours, theirs = Scope(group.group_id, group.store_id), Scope(group.group_id, other.store_id)
    mine = await given.customer(db, ours, "mine")
    assert (await row_of(db, group.scope, mine))["store_id"] == group.store_id
    with pytest.raises(Several) as refused:
        await given.customer(db, theirs, "mine")
    assert refused.value.reason == "CUSTOMER_OF_ANOTHER_STORE"
    with pytest.raises(Several) as refused:
        await given.customer(db, theirs, "new", store_id=group.store_id)
    assert refused.value.failures[0].reason == "NOT_FOUND"
    with pytest.raises(Forbidden):
        await given.customer(db, Scope(group.group_id, project_ids=(1,)), "c")
