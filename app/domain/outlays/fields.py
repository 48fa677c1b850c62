"""What can be said about an outlay, and the bounds of each field."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain import inputs
from app.domain.inputs import Path
from app.errors import Invalid
from app.values.changes import UNSET, Settable, Unset
from app.values.money import MAX_AMOUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlayFields:
    """Every settable field; UNSET was not sent, None clears what can be empty."""

    amount: Settable[Decimal | None] = UNSET
    """In the currency of the integration. Negative: money that came back."""
    starts_at: Settable[datetime | None] = UNSET
    ends_at: Settable[datetime | None] = UNSET
    """Exclusive, after the start."""
    campaign_id: Settable[int | None] = UNSET
    """In a change, another campaign of the same integration."""
    country: Settable[str | None] = UNSET
    region: Settable[str | None] = UNSET


NAMES = {"starts_at": "startsAt", "ends_at": "endsAt", "campaign_id": "campaignId"}
NEEDED = ("amount", "starts_at", "ends_at", "campaign_id")


def checked(given: OutlayFields) -> dict[str, Any]:
    """The values that were sent, by column, within their bounds."""
    found: dict[str, Any] = {}
    for column in (field.name for field in fields(given)):
        value = getattr(given, column)
        if isinstance(value, Unset):
            continue
        path = [NAMES.get(column, column)]
        if value is None and column in NEEDED:
            raise Invalid(f"`{path[0]}` cannot be null.", path=path)
        check = _CHECKS.get(column)
        found[column] = value if value is None or check is None else check(value, path)
    return found


def check_order(starts_at: datetime, ends_at: datetime) -> None:
    """The start must be before the end; equal is refused. Source: Webmarketer API 1.0.0, outlays."""
    if starts_at >= ends_at:
        raise Invalid(
            "An outlay must begin before it ends: `startsAt` must be before `endsAt`.",
            path=["endsAt"],
            code="END_BEFORE_START",
        )


def _amount(value: Decimal, path: Path) -> Decimal:
    if abs(value) > MAX_AMOUNT:
        raise Invalid(f"`amount` must lie between -{MAX_AMOUNT} and {MAX_AMOUNT}.", path=path)
    if value != value.quantize(inputs.SMALLEST):
        raise Invalid("`amount` has more than 4 decimals.", path=path)
    return value


def _place(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=255)


_CHECKS: dict[str, Callable[[Any, Path], Any]] = {"amount": _amount, "country": _place, "region": _place}
