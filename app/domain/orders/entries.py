"""What a report of orders may say, entry by entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain import inputs
from app.domain.inputs import MAX_CODE
from app.errors import Failure, Invalid, TooLarge
from app.values.money import is_currency

MAX_ORDERS = 5_000
MAX_REFERENCE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEntry:
    """One order. The customer is named by id, external id or e-mail."""

    reference: str
    """The ordering system's own; of two entries with the same one the first counts."""
    amount: Decimal
    customer_id: int | None = None
    customer_external_id: str | None = None
    customer_email: str | None = None
    currency: str | None = None
    """The campaign's unless given, else the group's."""
    ordered_at: datetime | None = None
    """Now unless given."""
    store_id: int | None = None
    """The scope's unless given, else the customer's, else the group's default store."""
    campaign_id: int | None = None
    promo_code: str | None = None
    channel: str | None = None


def check_orders(entries: Sequence[OrderEntry], *, now: datetime) -> list[Failure]:
    """What is wrong with these entries, first to last; empty when all may be stored."""
    if len(entries) > MAX_ORDERS:
        raise TooLarge(
            f"There are {len(entries)} orders; at most {MAX_ORDERS} are taken at once.", path=["orders"]
        )
    found: list[Failure] = []
    for index, entry in enumerate(entries):
        try:
            _check(entry, index, now)
        except Failure as failure:
            found.append(failure)
    return found


def _check(entry: OrderEntry, index: int, now: datetime) -> None:
    at: list[str | int] = ["orders", index]
    inputs.text(entry.reference, [*at, "reference"], longest=MAX_REFERENCE, blank=False)
    inputs.amount(entry.amount, [*at, "amount"])
    named = (entry.customer_id, entry.customer_external_id, entry.customer_email)
    if sum(one is not None for one in named) != 1:
        raise Invalid(
            "Name the customer by one of `customerId`, `customerExternalId` and `customerEmail`.",
            path=at,
            code="CUSTOMER_UNNAMED",
        )
    for name, value in (
        ("customerExternalId", entry.customer_external_id),
        ("customerEmail", entry.customer_email),
        ("promoCode", entry.promo_code),
        ("channel", entry.channel),
    ):
        if value is not None:
            longest = MAX_CODE if name == "channel" else MAX_REFERENCE
            inputs.text(value, [*at, name], longest=longest, blank=False)
    if entry.currency is not None and not is_currency(entry.currency):
        raise Invalid("A currency is three capital letters like EUR.", path=[*at, "currency"])
    if entry.ordered_at is not None:
        inputs.past(entry.ordered_at, [*at, "orderedAt"], now=now)
