"""What a report of orders may say, entry by entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain import inputs
from app.domain.inputs import MAX_CODE, Path
from app.domain.sales.references import MAX_REFERENCE
from app.domain.settable import needed, optional, written
from app.errors import Failure, Invalid, TooLarge
from app.values.money import is_currency

MAX_ORDERS = 5_000


def order_reference(value: str, path: Path) -> str:
    """An order's, or a refund's."""
    return inputs.text(value, path, longest=MAX_REFERENCE, blank=False)


def _channel(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=MAX_CODE, blank=False)


def _amount(value: Decimal, path: Path) -> Decimal:
    if value.is_finite() and value < 0:
        raise Invalid(
            f"`{path[-1]}` must not be negative: what was given back of an order is its `refunded`,"
            " or an `orderRefund`.",
            path=path,
        )
    return inputs.amount(value, path)


def _currency(value: str, path: Path) -> str:
    if not is_currency(value):
        raise Invalid("A currency is three capital letters like EUR.", path=path)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEntry:
    """One order, as it is now. The customer is named by id, external id or e-mail.

    Entries with the same reference are the same order; they are taken in their order.
    """

    reference: str = needed(
        "Its number in the system it was made in: the same one again is the same order, as it is now.",
        check=order_reference,
    )
    amount: Decimal = needed("What it came to, with what was given back since.", check=_amount)
    customer_id: int | None = optional("Who ordered.", refers=("cust", "customer"))
    customer_external_id: str | None = optional(
        "Who ordered, by the id in your own system.", check=order_reference
    )
    customer_email: str | None = optional("Who ordered, by e-mail.", check=order_reference)
    currency: str | None = optional(
        "ISO 4217 code; the campaign's unless given, else the group's. In another one than the campaign's it counts"
        " in a row of figures of its own.",
        check=_currency,
    )
    ordered_at: datetime | None = optional("When; now unless given. Needed with a `version`.")
    store_id: int | None = optional(
        "Where; the credential's store unless given, else the customer's, else the group's default store.",
        refers=("store", "store"),
    )
    campaign_id: int | None = optional(
        "The campaign that led to it; the promo's unless given.", refers=("camp", "campaign")
    )
    promo_code: str | None = optional(
        "The promo it was made with, upper or lower case.", check=order_reference
    )
    channel: str | None = optional(
        "The campaign's channel that led to it; its only one unless given, else that of the customer's last"
        " touch of it, else `unknown`.",
        check=_channel,
    )
    version: int | None = optional(
        "Your own number of this state of it, rising; an instant in milliseconds will do. A report with a lower one"
        " than is known is outdated, with the same one repeated. It says the whole order: what it leaves out is not so."
        " Without one the later report stands, and what it leaves out stays as it was.",
        check=inputs.count,
    )
    refunded: Decimal | None = optional(
        "How much of the amount was given back so far, all in all. It is not added to what was said before.",
        check=_amount,
    )
    is_cancelled: bool | None = optional("Whether it does not hold any more.")


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
    if entry.refunded is not None and entry.refunded > entry.amount:
        raise Invalid(
            f"No more can be given back than it came to: {entry.refunded} of {entry.amount}.",
            path=[*at, "refunded"],
            code="REFUNDED_TOO_MUCH",
        )
    if entry.version and entry.ordered_at is None:
        # Whichever version comes first, it was made at the same moment.
        raise Invalid(
            "A version of an order says when it was made.", path=[*at, "orderedAt"], code="MOMENT_MISSING"
        )
    if entry.ordered_at is not None:
        inputs.past(entry.ordered_at, [*at, "orderedAt"], now=now)
