"""Recording orders in bulk: the order, the customer's facts and the campaign's metrics change together.

Rows are locked in one order by all writers: orders by reference, customers by id, campaigns by id, rollups.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, CUSTOMER_BORDERS, PROMO_BORDERS, borders
from app.domain.customers.operations import whole_audience
from app.domain.groups.finding import store_to_write
from app.domain.metrics.entries import only_channel
from app.domain.metrics.opening import take_from_totals
from app.domain.metrics.operations import Measured, count_measured
from app.domain.orders.entries import OrderEntry, check_orders
from app.domain.segments.changes import note_audience_change
from app.errors import MAX_TOLD, Conflict, Failure, NotFound, Several
from app.tables.metrics import Source
from app.values.instants import read_instant, zone_of

_IN_REACH = f"{CUSTOMER_BORDERS} AND customer.deleted_at IS NULL"
# One branch per way to name a customer, so that each goes through its index.
_CUSTOMERS = f"""
WITH g AS MATERIALIZED (
  SELECT id, external_id, lower(email) AS email, place - 1 AS place
    FROM unnest($4::bigint[], $5::text[], $6::text[]) WITH ORDINALITY AS given (id, external_id, email, place))
SELECT g.place, customer.id, customer.store_id FROM g JOIN customer ON customer.id = g.id AND {_IN_REACH}
UNION ALL
SELECT g.place, customer.id, customer.store_id
  FROM g JOIN customer ON customer.external_id = g.external_id AND {_IN_REACH}
UNION ALL
SELECT g.place, customer.id, customer.store_id FROM g JOIN customer ON customer.email_key = g.email AND {_IN_REACH}
"""
_CAMPAIGNS = f"""
SELECT campaign.id, campaign.currency, campaign.channels, campaign.opening ->> 'until' AS totals_until,
       coalesce(store.time_zone, customer_group.time_zone) AS zone
  FROM campaign
  JOIN store ON store.group_id = campaign.group_id AND store.id = campaign.store_id
  JOIN customer_group ON customer_group.id = campaign.group_id
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = ANY ($4) AND campaign.deleted_at IS NULL
"""
_PROMOS = f"""
SELECT id, upper(code) AS code, campaign_id FROM promo
 WHERE {PROMO_BORDERS} AND upper(code) = ANY ($4) AND deleted_at IS NULL
"""
_STORES = "SELECT id FROM store WHERE group_id = $1 AND id = ANY ($2) AND deleted_at IS NULL"
_CURRENCY = "SELECT currency FROM customer_group WHERE id = $1"
# An order whose reference exists stays as it is and does not come back: it has counted already.
_INSERT = """
INSERT INTO customer_order
  (group_id, created_at, reference, customer_id, store_id, campaign_id, promo_id, channel, amount, currency,
   ordered_at)
SELECT $1, $2, given.*
  FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::numeric[],
              $10::text[], $11::timestamptz[]) AS given
ON CONFLICT (group_id, reference) DO NOTHING
RETURNING id, reference
"""
_LOCK = """
SELECT id, totals_as_of FROM customer WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
_MOVE_FACTS = """
UPDATE customer c
   SET order_count = c.order_count + given.orders, total_spent = c.total_spent + given.spent,
       last_order_at = greatest(c.last_order_at, given.latest), updated_at = $2
  FROM unnest($3::bigint[], $4::bigint[], $5::numeric[], $6::timestamptz[]) AS given (id, orders, spent, latest)
 WHERE c.group_id = $1 AND c.id = given.id
"""


@dataclass(frozen=True, slots=True)
class OrdersRecorded:
    """What a call changed."""

    ids: tuple[int, ...]
    """The new orders, in the order of the entries."""
    repeated: int
    """Entries whose reference was recorded before; nothing was changed for them."""


@dataclass(slots=True)
class _Order:
    """An entry with everything it leaves out."""

    entry: OrderEntry
    customer_id: int
    store_id: int
    currency: str
    ordered_at: datetime
    campaign_id: int | None
    promo_id: int | None
    channel: str | None
    day: date | None
    """The day in the zone of the campaign's store."""
    in_totals: bool
    """Whether the campaign's totals, counted elsewhere, have it already."""


async def record_orders(tx: Transaction, entries: Sequence[OrderEntry], *, now: datetime) -> OrdersRecorded:
    """Store all orders or none, each reference once, in the same number of statements however many there are.

    An order of a campaign, or of a promo of one, adds a conversion and its amount to the campaign's metrics of
    that day and channel. Several has every fault, by entry.
    """
    whole_audience(tx)
    faults = check_orders(entries, now=now)
    if faults:
        raise Several(faults[:MAX_TOLD])
    first: dict[str, OrderEntry] = {}
    for entry in entries:
        first.setdefault(entry.reference, entry)
    orders = await _Settling(tx, entries, now).orders()
    by_reference = {
        order.entry.reference: order for order in orders if first[order.entry.reference] is order.entry
    }
    sorted_orders = [by_reference[reference] for reference in sorted(by_reference)]
    if not sorted_orders:
        return OrdersRecorded((), 0)
    with refusals():
        rows = await _insert(tx, sorted_orders, now=now)
        new = {row["reference"]: row["id"] for row in rows}
        fresh = [order for order in sorted_orders if order.entry.reference in new]
        if fresh:
            await _move_facts(tx, fresh, now=now)
            await note_audience_change(tx)
            await _move_metrics(tx, fresh, now=now)
    ids = tuple(new[reference] for reference in first if reference in new)
    return OrdersRecorded(ids, len(entries) - len(ids))


class _Settling:
    """Looks up what the entries name, and fills in what they leave out."""

    def __init__(self, tx: Transaction, entries: Sequence[OrderEntry], now: datetime) -> None:
        self.tx = tx
        self.entries = entries
        self.now = now

    async def orders(self) -> list[_Order]:
        """Every entry, complete; Several where something they name does not exist."""
        tx, entries = self.tx, self.entries
        customers = await self._customers()
        promos = {
            row["code"]: row
            for row in await tx.fetch(
                _PROMOS,
                *borders(tx.scope),
                sorted({e.promo_code.strip().upper() for e in entries if e.promo_code}),
            )
        }
        named = [e.campaign_id for e in entries] + [row["campaign_id"] for row in promos.values()]
        campaigns = {
            row["id"]: row
            for row in await tx.fetch(
                _CAMPAIGNS, *borders(tx.scope), sorted({ident for ident in named if ident is not None})
            )
        }
        stores = await self._stores()
        self.currency = await tx.fetchval(_CURRENCY, tx.scope.group_id)
        default = (
            (await store_to_write(tx, None)).id
            if any(self._store(at, customers, None) is None for at in range(len(entries)))
            else None
        )
        complete: list[_Order] = []
        faults: list[Failure] = []
        for at, entry in enumerate(entries):
            try:
                customer = customers.get(at)
                if customer is None:
                    whom = entry.customer_id or entry.customer_external_id or entry.customer_email
                    raise NotFound("customer", whom, path=["orders", at])
                if entry.store_id is not None and entry.store_id not in stores:
                    raise NotFound("store", entry.store_id, path=["orders", at, "storeId"])
                store_id = self._store(at, customers, default)
                assert store_id is not None
                complete.append(self._order(at, customer["id"], store_id, campaigns, promos))
            except Failure as failure:
                faults.append(failure)
        if faults:
            raise Several(faults[:MAX_TOLD])
        return complete

    async def _customers(self) -> dict[int, Any]:
        entries = self.entries
        rows = await self.tx.fetch(
            _CUSTOMERS,
            *borders(self.tx.scope),
            [e.customer_id for e in entries],
            [e.customer_external_id for e in entries],
            [e.customer_email for e in entries],
        )
        return {row["place"]: row for row in rows}

    async def _stores(self) -> set[int]:
        asked = {e.store_id for e in self.entries if e.store_id is not None}
        rows = await self.tx.fetch(_STORES, self.tx.scope.group_id, sorted(asked)) if asked else []
        own = self.tx.scope.store_id
        return {row["id"] for row in rows if own in (None, row["id"])}

    def _store(self, at: int, customers: dict[int, Any], default: int | None) -> int | None:
        customer = customers.get(at)
        own = customer["store_id"] if customer is not None else None
        return self.entries[at].store_id or self.tx.scope.store_id or own or default

    def _order(
        self, at: int, customer_id: int, store_id: int, campaigns: dict[int, Any], promos: dict[str, Any]
    ) -> _Order:
        entry = self.entries[at]
        promo = promos.get(entry.promo_code.strip().upper()) if entry.promo_code else None
        if entry.promo_code and promo is None:
            raise NotFound("promo", entry.promo_code, path=["orders", at, "promoCode"])
        if entry.campaign_id is not None and entry.campaign_id not in campaigns:
            raise NotFound("campaign", entry.campaign_id, path=["orders", at, "campaignId"])
        campaign = campaigns.get(entry.campaign_id or (promo["campaign_id"] if promo else None) or 0)
        currency = entry.currency or (campaign["currency"] if campaign else self.currency)
        if campaign is not None and currency != campaign["currency"]:
            raise Conflict(
                f"The campaign counts in {campaign['currency']}, the order in {currency}.",
                path=["orders", at, "currency"],
                code="WRONG_CURRENCY",
            )
        ordered_at = entry.ordered_at or self.now
        channel = day = None
        in_totals = False
        if campaign is not None:
            until = campaign["totals_until"]
            in_totals = until is not None and ordered_at <= read_instant(until)
            channel = entry.channel or only_channel(campaign["channels"])
            day = ordered_at.astimezone(zone_of(campaign["zone"])).date()
        return _Order(
            entry=entry, customer_id=customer_id, store_id=store_id, currency=currency, ordered_at=ordered_at,
            campaign_id=campaign and campaign["id"], promo_id=promo and promo["id"], channel=channel, day=day,
            in_totals=in_totals,
        )  # fmt: skip


async def _insert(tx: Transaction, orders: Sequence[_Order], *, now: datetime) -> Sequence[Any]:
    return await tx.fetch(
        _INSERT,
        tx.scope.group_id,
        now,
        [order.entry.reference for order in orders],
        [order.customer_id for order in orders],
        [order.store_id for order in orders],
        [order.campaign_id for order in orders],
        [order.promo_id for order in orders],
        [order.channel for order in orders],
        [order.entry.amount for order in orders],
        [order.currency for order in orders],
        [order.ordered_at for order in orders],
    )


async def _move_facts(tx: Transaction, orders: Sequence[_Order], *, now: datetime) -> None:
    currency = await tx.fetchval(_CURRENCY, tx.scope.group_id)
    ids = sorted({order.customer_id for order in orders})
    rows = await tx.fetch(_LOCK, tx.scope.group_id, ids)
    as_of: dict[int, datetime | None] = {row["id"]: row["totals_as_of"] for row in rows}
    facts: dict[int, tuple[int, Decimal, datetime]] = {}
    for order in orders:
        count, spent, latest = facts.get(order.customer_id, (0, Decimal(0), order.ordered_at))
        counted_until = as_of.get(order.customer_id)
        if counted_until is None or order.ordered_at > counted_until:
            count += 1
            # Amounts in other currencies stay with their orders; they are not added up here.
            spent += order.entry.amount if order.currency == currency else Decimal(0)
        facts[order.customer_id] = (count, spent, max(latest, order.ordered_at))
    columns = [[facts[ident][n] for ident in ids] for n in range(3)]
    await tx.execute(_MOVE_FACTS, tx.scope.group_id, now, ids, *columns)


async def _move_metrics(tx: Transaction, orders: Sequence[_Order], *, now: datetime) -> None:
    sums: dict[tuple[int, date, str], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for order in orders:
        if order.campaign_id is not None:
            assert order.day is not None
            assert order.channel is not None
            key = (order.campaign_id, order.day, order.channel)
            count, revenue = sums[key]
            sums[key] = (count + 1, revenue + order.entry.amount)
    if sums:
        moves = [
            Measured(
                campaign_id=campaign, day=day, channel=channel,
                numbers={"conversions": count, "revenue": revenue},
            )
            for (campaign, day, channel), (count, revenue) in sums.items()
        ]  # fmt: skip
        await count_measured(tx, moves, source=Source.ORDERS, now=now)
    known: dict[tuple[int, date, str], dict[str, Decimal]] = {}
    for order in orders:
        if order.in_totals and order.campaign_id is not None:
            assert order.day is not None
            assert order.channel is not None
            key = (order.campaign_id, order.day, order.channel)
            by = known.setdefault(key, {"conversions": Decimal(0), "revenue": Decimal(0)})
            by["conversions"] += 1
            by["revenue"] += order.entry.amount
    if known:
        await take_from_totals(tx, known, now=now)
