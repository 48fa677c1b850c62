"""Totals counted elsewhere say up to when they count: what happened until then is in them, what came later adds."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.domain.customers.entries import CustomerEntry
from app.domain.metrics.entries import MetricEntry, Mode
from app.domain.metrics.operations import record_metrics
from app.domain.orders.refunding import cancel_order
from app.domain.promos.redeeming import Asked, redeem, release
from app.domain.promos.terms import Basket, BasketLine
from app.errors import Several
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.importing.reading.sources import find_sources
from app.importing.reading.told import read_told
from app.importing.records import Verdict
from app.importing.report import Report
from app.importing.running import import_files
from app.settings import read_settings
from tests.given import audience as given
from tests.given import groups
from tests.given.groups import GivenGroup

NOON = given.NOON
HOUR = timedelta(hours=1)
ORDERS = """
mutation($orders: [OrderInput!]!) { ordersRecord(input: {orders: $orders}) {
  recorded errors { code message } } }
"""
UPSERT = """
mutation($customers: [CustomerInput!]!) { customersUpsert(input: {customers: $customers}) {
  customers { orderCount totalSpent } errors { code message path } } }
"""


@pytest.fixture
async def shop(db: Database) -> GivenGroup:
    return await groups.group(db)


async def bring(
    db: Database,
    shop: GivenGroup,
    folder: Path,
    what: str,
    *rows: dict[str, Any],
    now: datetime = NOON,
    **told: Any,
) -> Report:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return await import_files(db, shop.scope, what, find_sources(str(file)), told=read_told(**told), now=now)


def verdict(report: Report, concept: str) -> str:
    assert report.refused == 0, report.lines()
    (found,) = [verdict for verdict in Verdict if report.concepts[concept][verdict]]
    return found.value


async def facts(db: Database, shop: GivenGroup, who: str = "ada") -> tuple[int, str, datetime | None]:
    async with db.transaction(shop.scope) as tx:
        row = await tx.fetchrow(
            "SELECT order_count, total_spent, last_order_at FROM customer WHERE external_id = $1", who
        )
    assert row is not None
    return row["order_count"], f"{row['total_spent']:.2f}", row["last_order_at"]


async def ask(
    db: Database, shop: GivenGroup, folder: Path, query: str, *, now: datetime, **variables: Any
) -> Any:
    settings = read_settings({"DATA_DIR": str(folder)})
    principal = Principal("test", shop.scope, frozenset({Role.WRITE, Role.PERSONAL_DATA}))
    context = Context(Services(settings, db, AssetStorage(settings)), principal, now=now)
    return json.loads((await answer(Operation(query, variables), context)).body)["data"]


async def order(
    db: Database, shop: GivenGroup, folder: Path, reference: str, amount: str, at: datetime, **more: Any
) -> None:
    sent = {
        "reference": reference,
        "customerExternalId": "ada",
        "amount": amount,
        "orderedAt": at.isoformat(),
        **more,
    }
    said = await ask(db, shop, folder, ORDERS, now=max(NOON + 3 * HOUR, at), orders=[sent])
    assert said["ordersRecord"] == {"recorded": 1, "errors": []}


# ── customers ─────────────────────────────────────────────────────────────────

ADA = {"id": "ada", "order_count": 3, "total_spent": 99.9, "last_order_at": "2025-06-10T10:00:00Z"}
LAST = datetime(2025, 6, 10, 10, tzinfo=UTC)


async def test_an_order_that_the_totals_have_adds_nothing_and_the_same_file_takes_nothing_back(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    assert verdict(await bring(db, shop, tmp_path, "customers", ADA), "customers") == "made"
    await order(db, shop, tmp_path, "o1", "33.3", LAST)
    assert await facts(db, shop) == (3, "99.90", LAST)
    await order(db, shop, tmp_path, "o2", "10", NOON + HOUR)
    assert await facts(db, shop) == (4, "109.90", NOON + HOUR)
    # The same file again, later: it is known up to when it counted.
    assert (
        verdict(await bring(db, shop, tmp_path, "customers", ADA, now=NOON + 2 * HOUR), "customers") == "same"
    )
    assert await facts(db, shop) == (4, "109.90", NOON + HOUR)
    # A newer export has that order.
    newer = {**ADA, "order_count": 4, "total_spent": 109.9, "last_order_at": (NOON + HOUR).isoformat()}
    assert (
        verdict(await bring(db, shop, tmp_path, "customers", newer, now=NOON + 2 * HOUR), "customers")
        == "changed"
    )
    assert await facts(db, shop) == (4, "109.90", NOON + HOUR)
    await order(db, shop, tmp_path, "o3", "5", NOON + 3 * HOUR)
    assert await facts(db, shop) == (5, "114.90", NOON + 3 * HOUR)
    # An older one is no news.
    older = {**ADA, "order_count": 2, "total_spent": 50, "totals_as_of": (NOON - HOUR).isoformat()}
    assert (
        verdict(await bring(db, shop, tmp_path, "customers", older, now=NOON + 4 * HOUR), "customers")
        == "same"
    )
    assert await facts(db, shop) == (5, "114.90", NOON + 3 * HOUR)


async def test_the_moment_is_the_rows_else_what_is_told_else_now(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    at = NOON - 10 * HOUR
    rows = [{"id": "ada", "order_count": 3, "totals_as_of": at.isoformat()}, {"id": "bo", "order_count": 1}]
    await bring(
        db,
        shop,
        tmp_path,
        "customers",
        *rows,
        {"id": "cy", "name": "Cy"},
        totals_as_of="2025-06-15T03:00:00Z",
    )
    async with db.transaction(shop.scope) as tx:
        found = await tx.fetch("SELECT external_id, totals_as_of FROM customer ORDER BY 1")
    assert [tuple(row) for row in found] == [("ada", at), ("bo", NOON - 9 * HOUR), ("cy", None)]
    await order(db, shop, tmp_path, "o1", "10", at + HOUR)
    assert (await facts(db, shop))[:2] == (4, "10.00")


async def test_orders_that_came_before_the_totals_count_once(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    await given.customer(db, shop.scope, "ada")
    await order(db, shop, tmp_path, "o1", "10", LAST)
    await order(db, shop, tmp_path, "o2", "20", NOON + HOUR)
    await order(db, shop, tmp_path, "o3", "7", NOON + HOUR, currency="JPY")
    assert (await facts(db, shop))[:2] == (3, "30.00")
    told = {**ADA, "totals_as_of": NOON.isoformat()}
    for expected in ("changed", "same"):
        report = await bring(db, shop, tmp_path, "customers", told, now=NOON + 2 * HOUR)
        assert verdict(report, "customers") == expected
        # Three that are told, and two since; yen are not added up.
        assert await facts(db, shop) == (5, "119.90", NOON + HOUR)


async def test_orders_imported_from_a_file_are_known_to_the_totals(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    await bring(db, shop, tmp_path, "customers", {**ADA, "email": "Ada@example.org"})
    rows: list[dict[str, Any]] = [
        {"reference": "A-1", "customer": "ada", "amount": "33.30", "ordered_at": "2025-06-01T00:00:00Z"},
        {
            "id": "77",
            "order_number": "A-2",
            "email": "ADA@example.org",
            "total": 33.3,
            "ordered_at": "2025-06-02",
        },
        {"reference": "A-3", "customer": "ada", "amount": 10, "ordered_at": (NOON + HOUR).isoformat()},
    ]
    for expected in ("made", "same"):
        assert (
            verdict(await bring(db, shop, tmp_path, "orders", *rows, now=NOON + 2 * HOUR), "orders")
            == expected
        )
        assert (await facts(db, shop))[:2] == (4, "109.90")
    async with db.transaction(shop.scope) as tx:
        found = await tx.fetch("SELECT reference, ordered_at, known_as_id FROM customer_order ORDER BY 1")
    assert [(row["reference"], row["known_as_id"]) for row in found] == [
        ("A-1", []),
        ("A-2", ["77"]),
        ("A-3", []),
    ]
    assert found[0]["ordered_at"] == datetime(2025, 6, 1, tzinfo=UTC)
    refused = await bring(db, shop, tmp_path, "orders", {**rows[0], "customer": "nobody", "reference": "A-4"})
    assert (refused.refused, [r.code for r in refused.reasons.values()]) == (1, ["NOT_FOUND"])


async def test_through_the_graph(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    sent = [{"externalId": "ada", "orderCount": 3, "totalSpent": "99.9", "totalsAsOf": NOON.isoformat()}]

    async def upsert() -> Any:
        return (await ask(db, shop, tmp_path, UPSERT, now=NOON + 2 * HOUR, customers=sent))["customersUpsert"]

    assert (await upsert())["customers"] == [{"orderCount": 3, "totalSpent": "99.9"}]
    await order(db, shop, tmp_path, "o1", "1", NOON)
    await order(db, shop, tmp_path, "o2", "10", NOON + HOUR)
    assert (await upsert())["customers"] == [{"orderCount": 4, "totalSpent": "109.9"}]
    sent[0]["totalsAsOf"] = (NOON + timedelta(days=3)).isoformat()
    assert (await upsert())["errors"][0]["path"][-1] == "totalsAsOf"


async def test_consent_keeps_its_moment_and_the_later_word(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    row = {"id": "ada", "email_consent": True, "email_consent_at": "2024-01-01T00:00:00Z",
           "created_at": "2023-05-01T00:00:00Z"}  # fmt: skip
    for expected in ("made", "same"):
        assert verdict(await bring(db, shop, tmp_path, "customers", row), "customers") == expected
    async with db.transaction(shop.scope) as tx:
        found = await tx.fetchrow(
            "SELECT email_consent, email_consent_at, created_at, sms_consent_at FROM customer"
        )
    assert found is not None
    assert tuple(found) == (True, datetime(2024, 1, 1, tzinfo=UTC), datetime(2023, 5, 1, tzinfo=UTC), None)
    # Here it was taken back since.
    await given.customers(db, shop.scope, CustomerEntry(external_id="ada", email_consent=False))
    assert verdict(await bring(db, shop, tmp_path, "customers", row), "customers") == "same"
    async with db.transaction(shop.scope) as tx:
        assert await tx.fetchval("SELECT email_consent FROM customer") is False


async def test_customers_have_ids_in_systems(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    row = {"id": "ada", "external_ids": {"benji": "17"}}
    for expected in ("made", "same"):
        assert verdict(await bring(db, shop, tmp_path, "customers", row), "customers") == expected
    # Known by that id alone.
    named = {"external_ids": {"benji": "17"}, "name": "Ada"}
    assert verdict(await bring(db, shop, tmp_path, "customers", named), "customers") == "changed"
    async with db.transaction(shop.scope) as tx:
        rows = await tx.fetch("SELECT external_id, name, known_as_id FROM customer")
    assert [tuple(one) for one in rows] == [("ada", "Ada", ["17"])]
    touch = {"customer": "17", "stage": "purchase", "at": "2025-06-01T00:00:00Z"}
    for expected in ("made", "same"):
        report = await bring(db, shop, tmp_path, "touches", touch, system="benji")
        assert verdict(report, "touches") == expected


# ── promos ────────────────────────────────────────────────────────────────────

PROMO = {"id": "promo_9", "code": "WELCOME20", "type": "percentage", "value": 20, "usage_limit": 10,
         "per_customer_limit": 1, "used": 7, "created_at": "2025-01-01T00:00:00Z"}  # fmt: skip


async def used(db: Database, shop: GivenGroup) -> int:
    async with db.transaction(shop.scope) as tx:
        return int(await tx.fetchval("SELECT used FROM promo"))


async def test_limits_of_promos_go_on_from_what_was_used(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    who = {name: await given.customer(db, shop.scope, name) for name in ("ada", "bo", "cy", "di", "ed")}
    assert verdict(await bring(db, shop, tmp_path, "crm", PROMO), "promos") == "made"
    uses: list[dict[str, Any]] = [
        {"code": "welcome20", "customer": "ada", "reference": "A-1", "amount": 50, "discount": 10,
         "at": "2025-02-01T00:00:00Z"},
        {"code": "WELCOME20", "customer": "bo", "reference": "A-2", "amount": 50, "at": "2025-02-02T00:00:00Z"},
    ]  # fmt: skip
    for expected in ("made", "same"):
        report = await bring(db, shop, tmp_path, "promo_redemptions", *uses)
        assert verdict(report, "promo_redemptions") == expected
        assert await used(db, shop) == 7

    async def use(name: str, at: datetime) -> int:
        basket = Basket(lines=(BasketLine(sku="s", quantity=1, unit_price=Decimal(50)),))
        asked = Asked(code="WELCOME20", basket=basket, customer_id=who[name])
        async with db.transaction(shop.scope) as tx:
            return await redeem(tx, asked, key=f"{name}-new", now=at)

    later = NOON + HOUR
    with pytest.raises(Several):
        await use("ada", later)  # once is enough for each
    first = await use("cy", later)
    await use("di", later)
    assert await used(db, shop) == 9
    assert verdict(await bring(db, shop, tmp_path, "crm", PROMO, now=later + HOUR), "promos") == "same"
    assert await used(db, shop) == 9
    await use("ed", later)
    async with db.transaction(shop.scope) as tx:
        await release(tx, first, now=later + HOUR)
        # A use of before is given back.
        old = await tx.fetchval("SELECT id FROM promo_redemption WHERE key = 'A-1'")
        await release(tx, old, now=later + HOUR)
    assert await used(db, shop) == 8
    assert verdict(await bring(db, shop, tmp_path, "crm", PROMO, now=later + 2 * HOUR), "promos") == "same"
    assert await used(db, shop) == 8
    newer = {**PROMO, "used": 9}
    assert verdict(await bring(db, shop, tmp_path, "crm", newer, now=later + 2 * HOUR), "promos") == "changed"
    assert await used(db, shop) == 9


# ── campaigns ─────────────────────────────────────────────────────────────────

ROW: dict[str, Any] = {
    "id": "camp_001", "name": "Summer", "type": "promotion", "status": "active", "channels": ["email"],
    "segment_id": None, "start_date": "2025-01-01T00:00:00Z", "end_date": None,
    "metrics": {"sent": 5420, "opened": 2180, "clicked": 845, "converted": 156},
}  # fmt: skip


async def sums(db: Database, shop: GivenGroup) -> dict[str, Any]:
    names = ("sent", "delivered", "opened", "clicked", "clicks", "conversions", "revenue", "impressions")
    found: list[dict[str, Any]] = []
    for table in ("campaign_metric", "metric_rollup"):
        async with db.transaction(shop.scope) as tx:
            row = await tx.fetchrow(f"SELECT {', '.join(f'sum({n}) AS {n}' for n in names)} FROM {table}")
        assert row is not None
        found.append({name: Decimal(row[name]) for name in names if row[name]})
    assert found[0] == found[1]
    return found[0]


async def days(db: Database, shop: GivenGroup) -> list[tuple[str, str, int, int]]:
    async with db.transaction(shop.scope) as tx:
        rows = await tx.fetch("SELECT day, channel, sent, clicked FROM campaign_metric ORDER BY day, channel")
    return [(str(row["day"]), row["channel"], row["sent"], row["clicked"]) for row in rows]


PRINTED = {"sent": 5420, "opened": 2180, "clicked": 845, "conversions": 156}
IMPLIED = {**PRINTED, "delivered": 2180}
"""A list does not tell how many it was delivered to: as many as opened, at least."""


async def test_orders_that_a_campaigns_totals_have_add_nothing(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    await bring(db, shop, tmp_path, "customers", ADA)
    report = await bring(db, shop, tmp_path, "crm", ROW)
    assert verdict(report, "campaign_totals") == "changed"
    assert await sums(db, shop) == IMPLIED
    assert await days(db, shop) == [("2025-06-15", "email", 5420, 845)]
    async with db.transaction(shop.scope) as tx:
        campaign = f"camp_{await tx.fetchval('SELECT id FROM campaign')}"
    await order(db, shop, tmp_path, "o1", "33.3", LAST, campaignId=campaign)
    await order(db, shop, tmp_path, "o2", "10", NOON - HOUR, campaignId=campaign)
    assert await sums(db, shop) == {**IMPLIED, "revenue": Decimal("43.30")}
    await order(db, shop, tmp_path, "o3", "5", NOON + HOUR, campaignId=campaign)
    assert await sums(db, shop) == {**IMPLIED, "conversions": 157, "revenue": Decimal("48.30")}
    assert (
        verdict(await bring(db, shop, tmp_path, "crm", ROW, now=NOON + 2 * HOUR), "campaign_totals") == "same"
    )
    assert (await sums(db, shop))["conversions"] == 157
    # The detail says more, and the same of what was said.
    detail = {
        **ROW,
        "metrics": {**ROW["metrics"], "delivered": 5380, "revenue_attributed": 4680.0, "open_rate": 40.5},
    }
    assert verdict(await bring(db, shop, tmp_path, "crm", detail, totals_as_of=NOON.isoformat(), now=NOON + 2 * HOUR),
                   "campaign_totals") == "changed"  # fmt: skip
    assert await sums(db, shop) == {
        **PRINTED,
        "conversions": 157,
        "delivered": 5380,
        "revenue": Decimal("4685.00"),
    }


async def test_what_becomes_of_an_order_that_a_campaigns_totals_have_changes_no_total(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    await bring(db, shop, tmp_path, "customers", ADA)
    await bring(db, shop, tmp_path, "crm", ROW)
    async with db.transaction(shop.scope) as tx:
        campaign = f"camp_{await tx.fetchval('SELECT id FROM campaign')}"
    await order(db, shop, tmp_path, "o1", "33.3", LAST, campaignId=campaign)
    await order(db, shop, tmp_path, "o2", "5", NOON + HOUR, campaignId=campaign)
    assert await sums(db, shop) == {**IMPLIED, "conversions": 157, "revenue": Decimal("38.30")}
    # Nobody told the campaign's revenue: that is the orders' alone.
    await cancel(db, shop, "o1")
    assert await sums(db, shop) == {**IMPLIED, "conversions": 157, "revenue": Decimal("5.00")}
    await cancel(db, shop, "o2")
    assert await sums(db, shop) == IMPLIED


async def cancel(db: Database, shop: GivenGroup, reference: str) -> None:
    async with db.transaction(shop.scope) as tx:
        await cancel_order(tx, order_id=None, order=reference, now=NOON + 3 * HOUR)


@pytest.mark.parametrize("first", ["days", "totals"])
async def test_days_that_another_system_prints_are_in_the_totals(
    db: Database, shop: GivenGroup, tmp_path: Path, first: str
) -> None:
    """In either order: the sums are those that were printed, and no day is shown that nobody printed."""
    file = [
        {
            "external_ids": {"crm": "camp_001"},
            "day": "2025-06-01",
            "channel": "email",
            "clicked": 400,
            "impressions": 9,
        },
        {
            "external_ids": {"crm": "camp_001"},
            "day": "2025-06-02",
            "channel": "push",
            "clicked": 445,
            "impressions": 1,
        },
    ]
    bare = {name: value for name, value in ROW.items() if name != "metrics"}
    await bring(db, shop, tmp_path, "crm", bare)
    for step in (("days", "totals") if first == "days" else ("totals", "days")) * 2:
        if step == "days":
            await bring(db, shop, tmp_path, "campaign_metrics", *file)
        else:
            await bring(db, shop, tmp_path, "crm", ROW)
    assert await sums(db, shop) == {**IMPLIED, "impressions": 10}
    # Whoever clicked was sent something.
    assert await days(db, shop) == [("2025-06-01", "email", 400, 400), ("2025-06-02", "push", 5020, 445)]
    async with db.transaction(shop.scope) as tx:
        entry = MetricEntry(
            campaign_id=await tx.fetchval("SELECT id FROM campaign"), day=NOON.date() + timedelta(days=1),
            channel="email", clicked=5,
        )  # fmt: skip
        await record_metrics(tx, [entry], mode=Mode.ADD, now=NOON + 24 * HOUR)
    assert (await sums(db, shop))["clicked"] == 850
    assert (
        verdict(await bring(db, shop, tmp_path, "crm", ROW, now=NOON + 30 * HOUR), "campaign_totals")
        == "same"
    )
    assert (await sums(db, shop))["clicked"] == 850


async def test_conversions_that_a_platform_reports_are_not_the_orders(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    """Orders of a reported day, before the totals' moment or after it, change no conversions; revenue is theirs."""
    await bring(db, shop, tmp_path, "customers", ADA)
    await bring(db, shop, tmp_path, "crm", {name: value for name, value in ROW.items() if name != "metrics"})
    async with db.transaction(shop.scope) as tx:
        ident = await tx.fetchval("SELECT id FROM campaign")
        entry = MetricEntry(campaign_id=ident, day=NOON.date(), channel="email", conversions=Decimal(100))
        await record_metrics(tx, [entry], now=NOON)
    await order(db, shop, tmp_path, "o1", "7", NOON + HOUR, campaignId=f"camp_{ident}")
    told = {"conversions": Decimal(156), "revenue": Decimal(80)}
    detail = {**ROW, "metrics": {"converted": 156, "revenue_attributed": 80}}
    await bring(db, shop, tmp_path, "crm", detail, totals_as_of=NOON.isoformat(), now=NOON + 2 * HOUR)
    assert await sums(db, shop) == {**told, "revenue": 87}
    for reference, at in (("o2", NOON - HOUR), ("o3", NOON + 2 * HOUR)):
        await order(db, shop, tmp_path, reference, "30", at, campaignId=f"camp_{ident}")
    # The first of them is in the totals already.
    assert await sums(db, shop) == {**told, "revenue": 117}


# ── segments and providers ────────────────────────────────────────────────────


async def test_a_list_is_as_large_as_was_told_until_more_members_are_known(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    for name in ("ada", "bo", "cy"):
        await given.customer(db, shop.scope, name, email=f"{name}@example.org")
    row = {"id": "seg_1", "name": "Friends", "type": "static", "size": 2, "criteria": {},
           "last_updated": "2025-01-01T00:00:00Z"}  # fmt: skip
    assert verdict(await bring(db, shop, tmp_path, "crm", row), "segments") == "made"
    for size, who in ((2, "ada"), (2, "BO@example.org"), (3, "cy")):
        report = await bring(db, shop, tmp_path, "segment_members", {"segment": "seg_1", "customer": who})
        assert verdict(report, "segment_members") == "made"
        async with db.transaction(shop.scope) as tx:
            assert await tx.fetchval("SELECT size FROM segment") == size
    again = [{"segment": "seg_1", "customer": who} for who in ("ada", "bo@example.org", "cy", "ada")]
    assert verdict(await bring(db, shop, tmp_path, "segment_members", *again), "segment_members") == "same"


async def test_what_providers_sent_before_counts_once(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    row = {"id": "sendgrid", "name": "SendGrid", "status": "connected", "events_received": 15420,
           "last_event": "2025-01-24T18:30:00Z"}  # fmt: skip
    assert verdict(await bring(db, shop, tmp_path, "crm", row), "webhook_providers") == "changed"
    async with db.transaction(shop.scope) as tx:
        await tx.execute(
            "UPDATE webhook_provider SET events_received = events_received + 5, last_event_at = $1", NOON
        )
    for received, expected in ((15420, "same"), (15430, "changed")):
        report = await bring(db, shop, tmp_path, "crm", {**row, "events_received": received})
        assert verdict(report, "webhook_providers") == expected
        async with db.transaction(shop.scope) as tx:
            found = await tx.fetchrow("SELECT events_received, last_event_at FROM webhook_provider")
        assert found is not None
        assert tuple(found) == (received + 5, NOON)
