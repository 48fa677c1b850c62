"""The customers of a demonstration group: a few with their own names first, then many more like them."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from app.domain.segments.attributes import customer_criteria
from app.domain.segments.predicates import compile_sql
from app.seeding.numbers import CENT, DAYS
from app.seeding.writing import Writer
from app.values.contacts import fold_email

CUSTOMERS = 6_000
TIERS = (("gold", 12), ("silver", 6), ("bronze", 2))
"""A tier, and how many orders it takes."""
_MEMBERS = """
INSERT INTO segment_member (group_id, segment_id, customer_id, created_at)
SELECT $1, $2, id, $3 FROM unnest($4::bigint[]) AS chosen (id)
"""
_SIZE = "UPDATE segment SET size = $3 WHERE group_id = $1 AND id = $2"


async def write_customers(writer: Writer, stores: list[int], segments: list[int]) -> None:
    """Customers with their facts, the members of listed segments, and the sizes of all segments.

    The facts are what another system had counted until the first day of the demonstration.
    """
    customers = await writer.rows("customer", [*_rows(writer, stores)])
    chance = Random(f"{writer.plan.slug} lists")  # noqa: S311 - made-up lists
    for plan, segment in zip(writer.plan.segments, segments, strict=True):
        if plan.criteria is None:
            chosen = sorted(chance.sample(customers, min(plan.size, len(customers))))
            await writer.connection.execute(_MEMBERS, writer.group_id, segment, writer.at(-30), chosen)
            size = len(chosen)
        else:
            made = compile_sql(customer_criteria(plan.criteria), now=writer.now, zone=writer.zone, first=2)
            size = await writer.connection.fetchval(
                f"SELECT count(*) FROM customer WHERE group_id = $1 AND {made.text}",
                writer.group_id,
                *made.values,
            )
        await writer.connection.execute(_SIZE, writer.group_id, segment, size)


def _rows(writer: Writer, stores: list[int]) -> Iterator[dict[str, Any]]:
    plan = writer.plan
    chance = Random(f"{plan.slug} customers")  # noqa: S311 - made-up people
    first = [name.partition(" ")[0] for name in plan.customers]
    last = [name.rpartition(" ")[2] for name in plan.customers]
    first_day = writer.at(-DAYS)
    for place in range(CUSTOMERS):
        known = place < len(plan.customers)
        name = plan.customers[place] if known else f"{chance.choice(first)} {chance.choice(last)}"
        joined = writer.at(-300 + 11 * place, 12) if known else writer.at(-chance.randrange(1, 380), 12)
        # What was bought since then has orders of its own (`sales.py`).
        orders = min(int(chance.expovariate(0.25)), 60) if joined < first_day else 0
        spent = sum(
            ((plan.basket * Decimal(f"{chance.uniform(0.5, 2):.2f}")).quantize(CENT) for _ in range(orders)),
            Decimal(0),
        )
        ordered = max(joined, first_day - timedelta(hours=chance.randrange(2, 24 * 150))) if orders else None
        yield {
            "name": name,
            "email": (email := f"client{place + 1}@{plan.mail_domain}"),
            "email_key": fold_email(email),
            "external_id": f"cust_{place + 1:05}",
            "store_id": stores[place % len(stores)],
            "loyalty_tier": next((tier for tier, least in TIERS if orders >= least), None),
            "order_count": orders,
            "total_spent": spent,
            "last_order_at": ordered,
            "told_last_order_at": ordered,
            "totals_as_of": first_day if orders else None,
            "email_consent": chance.random() < 0.7,
            "sms_consent": chance.random() < 0.3,
            "tags": chance.choices([[], ["newsletter"], ["newsletter", "vip"]], [5, 4, 1])[0],
            "attributes": {"language": plan.language},
            "created_at": joined,
            "updated_at": joined,
        }
