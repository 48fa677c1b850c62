"""What a dashboard narrows its lists down by, and sorts them by: planned and resolved alike."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from app.db.database import Database
from app.domain.customers.entries import CustomerEntry
from app.domain.promos.campaigns import lives_of
from app.domain.promos.fields import terms_of
from app.domain.promos.rules import standing
from app.domain.promos.terms import PromoStatus
from app.values.scope import Scope
from tests.given import audience, campaigns, groups, promos
from tests.given.asking import NOW, Asker
from tests.given.audience import order

DAY = timedelta(days=1)


@dataclass(frozen=True)
class World:
    """Two stores, some customers with orders, promos and events; names by the ids the graph shows."""

    scope: Scope
    store_scope: Scope
    names: Mapping[str, str]
    """From a name to its id."""


@pytest.fixture(scope="module")
async def world(db: Database) -> World:
    group = await groups.group(db)
    other = await groups.store(db, group.group_id, name="Other")
    scope = group.scope
    spring, autumn = [
        await campaigns.campaign(db, scope, name=name, channels=["email"]) for name in ("spring", "autumn")
    ]
    entries = [
        CustomerEntry(external_id="ann", store_id=group.store_id, email_consent=True),
        CustomerEntry(external_id="bob", store_id=other.store_id, sms_consent=True),
        CustomerEntry(external_id="cat", store_id=other.store_id),
    ]
    ann, bob, cat = (await audience.customers(db, scope, *entries, now=NOW - 30 * DAY)).ids
    coupon = await promos.promo(db, scope, "COUPON", now=NOW - 40 * DAY, campaign_id=autumn)
    await audience.orders(
        db, scope,
        order("a1", "ann", "10", ordered_at=NOW - 20 * DAY, campaign_id=spring),
        order("a2", "ann", "90", ordered_at=NOW - 2 * DAY, promo_code="COUPON"),
        order("b1", "bob", "50", ordered_at=NOW - 10 * DAY, store_id=group.store_id),
        now=NOW,
    )  # fmt: skip
    listed = await promos.segment(db, group.group_id, members=[ann])
    dynamic = await promos.segment(db, group.group_id, kind="dynamic", criteria='{"order_count": {"gte": 0}}')
    ever: dict[str, dict[str, Any]] = {
        "COMING": {"valid_from": NOW + DAY},
        "OVER": {"valid_from": NOW - 3 * DAY, "valid_until": NOW},
        "USED-UP": {"usage_limit": 1, "segment_id": listed},
        "RUNNING": {"usage_limit": 9, "valid_from": NOW, "valid_until": NOW + 9 * DAY},
        "FIXED": {"type": "fixed_amount", "value": Decimal("5.50")},
    }
    named = {code: await promos.promo(db, scope, code, now=NOW, **terms) for code, terms in ever.items()}
    async with db.transaction(scope) as tx:
        await tx.execute("UPDATE promo SET used = 1 WHERE group_id = $1 AND code = 'USED-UP'", group.group_id)
        await tx.execute("UPDATE promo SET used = 3 WHERE group_id = $1 AND code = 'RUNNING'", group.group_id)
        for kind, campaign, channel, whom in (
            ("opened", spring, "email", ann), ("sent", spring, "sms", bob), ("clicked", autumn, "email", bob),
        ):  # fmt: skip
            await tx.execute(
                "INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at, campaign_id,"
                " channel, customer_id) VALUES ($1, uuidv7(), 'test', $2, $3, $4, $4, $5, $6, $7)",
                group.group_id, uuid4().hex, kind, NOW, campaign, channel, whom,
            )  # fmt: skip
    return World(
        scope,
        Scope(group.group_id, store_id=group.store_id),
        {
            "$here": f"store_{group.store_id}", "$there": f"store_{other.store_id}", "$spring": f"camp_{spring}",
            "$autumn": f"camp_{autumn}", "$ann": f"cust_{ann}", "$bob": f"cust_{bob}", "$cat": f"cust_{cat}",
            "$listed": f"seg_{listed}", "$dynamic": f"seg_{dynamic}", "$coupon": f"promo_{coupon}",
            "$running": f"promo_{named['RUNNING']}",
        },
    )  # fmt: skip


SHOWN = {"customers": "externalId", "orders": "reference", "promos": "code", "events": "eventType"}


async def listed(
    asker: Asker, world: World, name: str, arguments: str, *, scope: Scope | None = None
) -> list[str]:
    """What the list shows, by either execution."""
    for word in sorted(world.names, key=len, reverse=True):
        arguments = arguments.replace(word, f'"{world.names[word]}"')
    query = f"{{ {name}({arguments}) {{ totalCount nodes {{ {SHOWN[name]} }} }} }}"
    planned, resolved = await asker.both(scope or world.scope, query)
    assert (planned.execution, resolved.execution) == ("planned", "resolved"), (planned, query)
    found = json.loads(planned.body)
    assert found == json.loads(resolved.body)
    assert "errors" not in found, found
    rows: list[dict[str, Any]] = found["data"][name]["nodes"]
    assert found["data"][name]["totalCount"] == len(rows)
    return [row[SHOWN[name]] for row in rows]


@pytest.mark.parametrize(
    ("name", "asked", "found"),
    [
        ("customers", "storeIds: [$there]", "bob cat"),
        ("customers", "storeIds: [$here, $there]", "ann bob cat"),
        ("customers", "ids: [$cat, $ann]", "ann cat"),
        ("customers", "memberOf: $listed", "ann"),
        ("customers", "memberOf: $dynamic", ""),
        ('customers', 'minTotalSpent: "50"', "ann bob"),
        ("customers", 'minTotalSpent: "50.01"', "ann"),
        ("customers", "maxTotalSpent: 50", "bob cat"),
        ("customers", "minOrderCount: 1, maxOrderCount: 1", "bob"),
        ("customers", "maxOrderCount: 0", "cat"),
        ("customers", 'lastOrderSince: "2025-06-13T12:00:00Z"', "ann"),
        ("customers", 'lastOrderUntil: "2025-06-13T12:00:00Z"', "bob"),
        ("customers", 'createdSince: "2025-05-16T12:00:00Z"', "ann bob cat"),
        ("customers", 'createdUntil: "2025-05-16T12:00:00Z"', ""),
        ("customers", "emailConsent: true", "ann"),
        ("customers", "smsConsent: false", "ann cat"),
        ("orders", "storeIds: [$there]", ""),
        ("orders", "storeIds: [$here]", "a1 a2 b1"),
        ("orders", "campaignIds: [$spring]", "a1"),
        ("orders", "campaignIds: [$spring, $autumn]", "a1 a2"),
        ("orders", 'channels: ["email"]', "a1 a2"),
        ("orders", "promoId: $coupon", "a2"),
        ("orders", "customerId: $bob", "b1"),
        ("orders", "memberOf: $listed", "a1 a2"),
        ("orders", 'minAmount: "10.01", maxAmount: "90"', "a2 b1"),
        ("orders", 'currency: "JPY"', ""),
        ("promos", "status: [SCHEDULED]", "COMING"),
        ("promos", "status: [EXPIRED]", "OVER"),
        ("promos", "status: [USED_UP]", "USED-UP"),
        ("promos", "status: [ACTIVE]", "FIXED RUNNING"),
        ("promos", "status: [USED_UP, EXPIRED]", "OVER USED-UP"),
        ("promos", "status: []", ""),
        ("promos", "type: [FIXED_AMOUNT, FREE_ITEM]", "FIXED"),
        ("promos", 'typeCodes: ["fixed_amount", "none"]', "FIXED"),
        ("promos", "campaignIds: [$autumn]", "COUPON"),
        ("promos", "segmentId: $listed", "USED-UP"),
        ("promos", "ids: [$running]", "RUNNING"),
        ("events", "campaignIds: [$spring]", "opened sent"),
        ("events", 'campaignIds: [$spring], channels: ["sms"]', "sent"),
        ("events", 'channels: ["email"], customerId: $bob', "clicked"),
    ],
)  # fmt: skip
async def test_a_list_is_narrowed_down(asker: Asker, world: World, name: str, asked: str, found: str) -> None:
    assert sorted(await listed(asker, world, name, f"filter: {{ {asked} }}")) == found.split()


@pytest.mark.parametrize(
    ("name", "order", "found"),
    [
        ("customers", "TOTAL_SPENT, direction: DESC", "ann bob cat"),
        ("customers", "ORDER_COUNT, direction: DESC", "ann bob cat"),
        ("customers", "LAST_ORDER_AT", "cat bob ann"),
        ("customers", "LAST_ORDER_AT, direction: DESC", "ann bob cat"),
        ("orders", "AMOUNT, direction: DESC", "a2 b1 a1"),
        ("promos", "USED, direction: DESC", "RUNNING USED-UP COUPON FIXED OVER COMING"),
        ("promos", "VALID_UNTIL", "OVER RUNNING COUPON COMING USED-UP FIXED"),
        ("promos", "VALID_FROM, direction: DESC", "COMING RUNNING OVER FIXED USED-UP COUPON"),
    ],
)
async def test_a_list_is_sorted_and_read_page_by_page(
    asker: Asker, world: World, name: str, order: str, found: str
) -> None:
    by = f"orderBy: [{{field: {order}}}]"
    shown = await listed(asker, world, name, by)
    assert shown == found.split()
    after, pages = "", []
    while True:
        shows = f"nodes {{ {SHOWN[name]} }} pageInfo {{ endCursor hasNextPage }}"
        query = f"{{ {name}({by}, first: 1{after}) {{ {shows} }} }}"
        planned, resolved = await asker.both(world.scope, query)
        assert json.loads(planned.body) == json.loads(resolved.body)
        page = json.loads(planned.body)["data"][name]
        pages += [row[SHOWN[name]] for row in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = f', after: "{page["pageInfo"]["endCursor"]}"'
    assert pages == await listed(asker, world, name, by)


async def test_whom_a_store_may_not_see_is_on_no_list_for_it(asker: Asker, world: World) -> None:
    """An order in the store of a customer elsewhere tells nothing of the customer's segments."""
    assert await listed(
        asker, world, "customers", "filter: { memberOf: $listed }", scope=world.store_scope
    ) == ["ann"]
    found = await listed(asker, world, "orders", "filter: { memberOf: $listed }", scope=world.store_scope)
    assert sorted(found) == ["a1", "a2"]


async def test_a_promo_says_where_it_stands_as_the_rules_do(asker: Asker, db: Database, world: World) -> None:
    query = "{ promos(first: 200) { nodes { code status } } }"
    planned, resolved = await asker.both(world.scope, query)
    assert json.loads(planned.body) == json.loads(resolved.body)
    async with db.transaction(world.scope) as tx:
        rows = await tx.fetch("SELECT *, applies_to::text AS applies_to_text FROM promo")
        lives = await lives_of(tx, [row["id"] for row in rows])
    told = {row["code_key"]: standing(terms_of(row, lives[row["id"]]), now=NOW).name for row in rows}
    shown = json.loads(planned.body)["data"]["promos"]["nodes"]
    assert {one["code"]: one["status"] for one in shown} == told
    assert set(told.values()) == {status.name for status in PromoStatus}
