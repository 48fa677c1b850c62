"""What can be set on an outlay, and its bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain import inputs
from app.domain.inputs import Path
from app.domain.settable import path_of, settable
from app.errors import Invalid
from app.values.changes import UNSET, Settable
from app.values.money import MAX_AMOUNT, is_currency


def _amount(value: Decimal, path: Path) -> Decimal:
    if abs(value) > MAX_AMOUNT:
        raise Invalid(f"`amount` must lie between -{MAX_AMOUNT} and {MAX_AMOUNT}.", path=path)
    if value != value.quantize(inputs.SMALLEST):
        raise Invalid("`amount` has more than 4 decimals.", path=path)
    return value


def _currency(value: str, path: Path) -> str:
    if not is_currency(value):
        raise Invalid("`currency` is an ISO 4217 code such as EUR.", path=path)
    return value


def _place(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=255)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlayFields:
    """Every settable field of an outlay."""

    campaign_id: Settable[int] = settable(
        "The campaign, which an integration tracks.", refers=("camp", "campaign")
    )
    amount: Settable[Decimal] = settable(
        "How much, in the integration's currency and with no more digits than it has. Negative: money that came back.",
        check=_amount,
    )
    currency: Settable[str] = settable(
        "The currency of the amount. It is the integration's, whether said or not; any other is refused.",
        check=_currency,
        null=UNSET,
    )
    starts_at: Settable[datetime] = settable(
        "From when; before the end. A day alone is its first moment in the campaign's store."
    )
    ends_at: Settable[datetime] = settable(
        "Until when, exclusive; ten years later at most. A day alone is that whole day in the campaign's store."
    )
    country: Settable[str | None] = settable("Where; nothing follows from it.", check=_place)
    region: Settable[str | None] = settable("Where in the country; nothing follows from it.", check=_place)


NEEDED = ("amount", "starts_at", "ends_at", "campaign_id")


def check_order(starts_at: datetime, ends_at: datetime) -> None:
    """The start must be before the end; equal is refused. Source: Webmarketer API 1.0.0, outlays."""
    if starts_at >= ends_at:
        raise Invalid(
            "An outlay must begin before it ends: `startsAt` must be before `endsAt`.",
            path=["endsAt"],
            code="END_BEFORE_START",
        )


def check_money(values: Mapping[str, Any], currency: str) -> None:
    """What was sent of the amount and its currency fits the currency that the outlay counts in."""
    if values.get("currency", currency) != currency:
        raise Invalid(
            f"The integration counts in {currency}; an amount in {values['currency']} cannot be booked there.",
            path=path_of(OutlayFields, "currency"),
            code="WRONG_CURRENCY",
        )
    if "amount" in values:
        inputs.coins(values["amount"], currency, path_of(OutlayFields, "amount"))
