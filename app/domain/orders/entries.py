"""What a report of orders may say, entry by entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain import inputs
from app.domain.inputs import MAX_CODE, Path
from app.domain.settable import needed, optional, written
from app.errors import Failure, Invalid, TooLarge
from app.values.money import is_currency

MAX_ORDERS = 5_000
MAX_REFERENCE = 255


def _reference(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=MAX_REFERENCE, blank=False)


def _channel(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=MAX_CODE, blank=False)


def _currency(value: str, path: Path) -> str:
    if not is_currency(value):
        raise Invalid("A currency is three capital letters like EUR.", path=path)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEntry:
    """One order. The customer is named by id, external id or e-mail."""

    reference: str = needed(
        "Its number in the system it was made in; a repeated one counts once.", check=_reference
    )
    """Of two entries with the same reference the first counts."""
    amount: Decimal = needed("What it came to.", check=inputs.amount)
    customer_id: int | None = optional("Who ordered.", refers=("cust", "customer"))
    customer_external_id: str | None = optional(
        "Who ordered, by the id in your own system.", check=_reference
    )
    customer_email: str | None = optional("Who ordered, by e-mail.", check=_reference)
    currency: str | None = optional(
        "ISO 4217 code; the campaign's unless given, else the group's.", check=_currency
    )
    ordered_at: datetime | None = optional("When; now unless given.")
    store_id: int | None = optional(
        "Where; the credential's store unless given, else the customer's, else the group's default store.",
        refers=("store", "store"),
    )
    campaign_id: int | None = optional(
        "The campaign that led to it; the promo's unless given.", refers=("camp", "campaign")
    )
    promo_code: str | None = optional("The promo it was made with, upper or lower case.", check=_reference)
    channel: str | None = optional(
        "The campaign's channel that led to it; its only one unless given, else `other`.", check=_channel
    )


def check_orders(entries: Sequence[OrderEntry], *, now: datetime) -> list[Failure]:
    """What is wrong with these entries, first to last; empty when all may be stored."""
    if len(entries) > MAX_ORDERS:
        raise TooLarge(
            f"There are {len(entries)} orders; at most {MAX_ORDERS} are taken at once.", path=["orders"]
        )
    found: list[Failure] = []
    for index, entry in enumerate(entries):
        try:
            _check(entry, ("orders", index), now)
        except Failure as failure:
            found.append(failure)
    return found


def _check(entry: OrderEntry, at: Path, now: datetime) -> None:
    written(entry, at)
    named = (entry.customer_id, entry.customer_external_id, entry.customer_email)
    if sum(one is not None for one in named) != 1:
        raise Invalid(
            "Name the customer by one of `customerId`, `customerExternalId` and `customerEmail`.",
            path=at,
            code="CUSTOMER_UNNAMED",
        )
    if entry.ordered_at is not None:
        inputs.past(entry.ordered_at, [*at, "orderedAt"], now=now)
