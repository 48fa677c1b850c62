"""What can be said about a campaign when it is made or changed, and the bounds of each field."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.domain import inputs
from app.domain.inputs import MAX_CODE, Path
from app.errors import Invalid
from app.tables.campaigns import CampaignType, Objective
from app.values.changes import UNSET, Settable, Unset

MAX_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFields:
    """Every settable field; UNSET was not sent, None clears.

    Ids are row ids; a reference that could not be read as an id is refused before it gets here.
    """

    name: Settable[str | None] = UNSET
    description: Settable[str | None] = UNSET
    logo_url: Settable[str | None] = UNSET
    type: Settable[CampaignType | None] = UNSET
    objective: Settable[Objective | None] = UNSET
    channels: Settable[Sequence[str] | None] = UNSET
    project_id: Settable[int | None] = UNSET
    segment_id: Settable[int | None] = UNSET
    starts_on: Settable[date | None] = UNSET
    starts_at: Settable[datetime | None] = UNSET
    ends_on: Settable[date | None] = UNSET
    ends_at: Settable[datetime | None] = UNSET
    period_type: Settable[str | None] = UNSET
    budget_total: Settable[Decimal | None] = UNSET
    """In the campaign's currency, which is its integration's, else the group's."""
    subject: Settable[str | None] = UNSET
    body: Settable[str | None] = UNSET
    cta_text: Settable[str | None] = UNSET
    cta_url: Settable[str | None] = UNSET
    integration_id: Settable[int | None] = UNSET
    slug: Settable[str | None] = UNSET
    is_explicit: Settable[bool | None] = UNSET
    reward_type: Settable[int | None] = UNSET
    partner_id: Settable[int | None] = UNSET
    partnership_id: Settable[int | None] = UNSET
    owner_id: Settable[int | None] = UNSET
    is_template: Settable[bool | None] = UNSET
    external_id: Settable[str | None] = UNSET


NAMES: dict[str, Path] = {
    "logo_url": ["logoUrl"],
    "project_id": ["projectId"],
    "segment_id": ["segmentId"],
    "period_type": ["periodType"],
    "budget_total": ["budgetTotal"],
    "subject": ["content", "subject"],
    "body": ["content", "body"],
    "cta_text": ["content", "ctaText"],
    "cta_url": ["content", "ctaUrl"],
    "integration_id": ["tracking", "integrationId"],
    "slug": ["tracking", "slug"],
    "is_explicit": ["tracking", "isExplicit"],
    "reward_type": ["rewards", "type"],
    "partner_id": ["rewards", "partnerId"],
    "partnership_id": ["rewards", "partnershipId"],
    "owner_id": ["rewards", "ownerId"],
    "is_template": ["isTemplate"],
    "external_id": ["externalId"],
}
"""The input field each column is set by, where the names differ."""

WINDOW = frozenset({"starts_on", "starts_at", "ends_on", "ends_at"})
"""Settled together by `windows.py`, not one by one."""
ALWAYS = frozenset({"name", "type", "objective", "channels", "is_explicit", "is_template"})
"""Columns that hold a value at all times."""


def path_of(column: str) -> Path:
    """Where a column's value came from."""
    return NAMES.get(column, [column])


def checked(given: CampaignFields) -> dict[str, Any]:
    """The values that were sent, by column, within their bounds. The window's edges are left out."""
    found: dict[str, Any] = {}
    for column in (field.name for field in fields(given)):
        value = getattr(given, column)
        if isinstance(value, Unset) or column in WINDOW:
            continue
        if value is None and column in ALWAYS:
            name = ".".join(map(str, path_of(column)))
            raise Invalid(f"`{name}` cannot be null; leave it out instead.", path=path_of(column))
        check = _CHECKS.get(column)
        found[column] = value if value is None or check is None else check(value, path_of(column))
    return found


def _name(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=MAX_NAME, blank=False)


def _code(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=MAX_CODE, blank=False)


_CHECKS: dict[str, Callable[[Any, Path], Any]] = {
    "name": _name,
    "description": inputs.text,
    "logo_url": inputs.url,
    "channels": inputs.channels,
    "period_type": _code,
    "budget_total": inputs.amount,
    "subject": inputs.text,
    "body": inputs.text,
    "cta_text": inputs.text,
    "cta_url": inputs.url,
    "slug": _code,
    "reward_type": inputs.small,
    "owner_id": inputs.count,
    "external_id": _code,
}
