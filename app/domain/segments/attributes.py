"""What segments can ask about a customer: one line per attribute, in SQL and in memory.

SQL expressions name the table `customer`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain.segments.free import Free
from app.domain.segments.kinds import Amount, Bind, Count, DaysAgo, Flag, Moment, Texts, ValueKind, Words
from app.domain.segments.predicates import (
    Attribute,
    Predicate,
    PredicateAttributes,
    parse,
    predicate_attributes,
)
from app.domain.segments.reach import REACHED
from app.values.json_text import read_json

FACT_COLUMNS = (
    "loyalty_tier, order_count, total_spent, last_order_at, email_consent, sms_consent, tags,"
    " attributes::text AS attributes, created_at, array_remove(ARRAY["
    + ", ".join(f"CASE WHEN {reached} THEN '{channel}' END" for channel, reached in REACHED.items())
    + "], NULL) AS reachable"
)
"""The columns that `facts_of` reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFacts:
    """What is known about one customer."""

    loyalty_tier: str | None
    order_count: int
    total_spent: Decimal
    last_order_at: datetime | None
    email_consent: bool
    sms_consent: bool
    tags: tuple[str, ...]
    attributes: Mapping[str, Any]
    created_at: datetime
    reachable: tuple[str, ...] = ()
    """The channels in which they can be written to."""


def facts_of(row: Any) -> CustomerFacts:
    """The facts in a row that has `FACT_COLUMNS`; `attributes` is JSON text."""
    kept = row["attributes"]
    attributes = {} if kept is None else read_json(kept.encode())
    return CustomerFacts(
        loyalty_tier=row["loyalty_tier"],
        order_count=row["order_count"],
        total_spent=row["total_spent"],
        last_order_at=row["last_order_at"],
        email_consent=row["email_consent"],
        sms_consent=row["sms_consent"],
        tags=tuple(row["tags"]),
        attributes=attributes if isinstance(attributes, dict) else {},
        created_at=row["created_at"],
        reachable=tuple(row["reachable"]),
    )


class Channels(Texts):
    """The channels in which somebody can be written to. A bare value asks for one of them, `in` for any of several."""

    expects = "email or sms"

    def read(self, value: object) -> str:
        if value not in REACHED:
            raise ValueError(f"takes {self.expects}")
        return str(value)

    def sql(self, operator: str, expression: str, operand: Any, bind: Bind, at: Moment) -> str:
        # Columns, not a list made of them, which no index could serve.
        return f"({(' OR ' if operator == 'in' else ' AND ').join(REACHED[one] for one in operand)})"

    def there(self, expression: str) -> str:
        return f"({' OR '.join(REACHED.values())})"


def _column(name: str, kind: ValueKind, says: str, *, column: str = "") -> Attribute:
    column = column or name
    return Attribute(name, kind, f"customer.{column}", lambda facts: getattr(facts, column), says)


def _free(key: str) -> Attribute:
    return Attribute(
        f"attributes.{key}",
        Free(key),
        "customer.attributes_index",
        lambda facts: facts.attributes.get(key),
        "A free attribute.",
    )


CUSTOMER: PredicateAttributes = predicate_attributes(
    [
        _column("loyalty_tier", Words(), "The loyalty tier, such as gold."),
        _column("order_count", Count(), "How many orders there were."),
        _column("total_spent", Amount(), "What was spent in all, in the group's currency."),
        _column(
            "last_order_days_ago",
            DaysAgo(),
            "Days since the last order; customers without an order have none.",
            column="last_order_at",
        ),
        _column(
            "created_days_ago", DaysAgo(), "Days since the customer was first known.", column="created_at"
        ),
        _column("email_consent", Flag(), "Whether e-mail may be sent."),
        _column("sms_consent", Flag(), "Whether text messages may be sent."),
        _column("tags", Texts(), "The customer's tags."),
        _column("reachable", Channels(), "The channels in which it can be written to: email, sms."),
    ],
    free_prefix="attributes.",
    free=_free,
)
"""The attributes of customers."""


def customer_criteria(criteria: object) -> Predicate:
    """The predicate about customers in a criteria object."""
    return parse(criteria, CUSTOMER)
