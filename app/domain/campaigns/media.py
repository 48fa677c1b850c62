"""Media campaigns, as client extranets order them: a campaign and its internal project, both or neither."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from app.db.database import Transaction
from app.domain import inputs
from app.domain.campaigns.fields import WINDOW, CampaignFields
from app.domain.campaigns.operations import asked_window, insert_campaign
from app.domain.campaigns.windows import period_of
from app.domain.groups.finding import store_by_beacon
from app.domain.settable import camel, needed, optional, settable_fields, written
from app.errors import Forbidden, Invalid, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaCampaign:
    """An order. Source: La Griffe, "POST /api/campaigns", required payload."""

    # Mandatory even where the request is narrowed to a store, and then the same.
    beacon_key: str = needed("Names the store, inside the group.", name="external_beacon_key")
    label: str = needed("What the campaign is called.")
    channels: Sequence[str] = needed("Where it runs, such as google_ads; at least one.")
    period_type: str | None = optional("How long it runs, such as 1_month; dates that are given win over it.")
    budget_total: Decimal | None = optional("What it may cost, in the group's currency.")
    currency: str | None = optional(
        "The currency of the budget. It is the group's, whether said or not; any other is refused."
    )
    starts_on: date | None = optional("Its first day; with a period, today unless given.", name="start_date")
    ends_on: date | None = optional(
        "Its last day, inclusive; with a period, the last day of it unless given.", name="end_date"
    )


class MediaCampaignIds(NamedTuple):
    """What an order made."""

    campaign_id: int
    project_id: int
    store_id: int


async def create_media_campaign(tx: Transaction, order: MediaCampaign, *, now: datetime) -> MediaCampaignIds:
    """Store the campaign and its internal project. Files are added to the campaign in the same transaction.

    The dates may be left out when the period says how long: it then starts today in the store's time zone.
    """
    if tx.scope.project_ids is not None:
        raise Forbidden("This credential is for some projects; a media campaign makes a new one.")
    with _in_the_words_of_an_order():
        return await _create(tx, order, now=now)


async def _create(tx: Transaction, order: MediaCampaign, *, now: datetime) -> MediaCampaignIds:
    beacon_key = inputs.code(order.beacon_key, ["beaconKey"])
    given = CampaignFields(
        name=order.label,
        channels=order.channels,
        period_type=order.period_type,
        budget_total=order.budget_total,
        starts_on=order.starts_on,
        ends_on=order.ends_on,
    )
    values = written(given, without=WINDOW)
    if not order.channels:
        raise Invalid("`channels` is empty; name at least one, like google_ads.", path=["channels"])
    known_period = order.period_type is not None and period_of(order.period_type) is not None
    if not known_period and (order.starts_on is None or order.ends_on is None):
        missing = "startsOn" if order.starts_on is None else "endsOn"
        raise Invalid(
            f"`{missing}` is missing: give both dates, or a period like 1_month, 2_weeks or 10_days.",
            path=[missing],
            code="NO_WINDOW",
        )
    store = await store_by_beacon(tx, beacon_key)
    if order.currency not in (None, store.currency):
        raise Invalid(
            f"`currency`: the group counts in {store.currency}; a budget in {order.currency:.20} cannot be kept.",
            path=["currency"],
            code="WRONG_CURRENCY",
        )
    project_id = await tx.fetchval(
        "INSERT INTO project (group_id, name, is_internal, store_id, created_at)"
        " VALUES ($1, $2, true, $3, $4) RETURNING id",
        tx.scope.group_id, order.label, store.id, now,
    )  # fmt: skip
    values["project_id"] = project_id
    campaign_id = await insert_campaign(tx, values, asked_window(given), store=store, now=now)
    return MediaCampaignIds(campaign_id, project_id, store.id)


_WORDS = {"name": "label", **{camel(one.column): one.steps[-1] for one in settable_fields(MediaCampaign)}}
"""What an order calls the fields of a campaign."""
_QUOTED = re.compile(r"`(\w+)`", re.ASCII)


@contextmanager
def _in_the_words_of_an_order() -> Iterator[None]:
    """The rules of all campaigns apply; what they refuse is reported by the order's own names."""
    try:
        yield
    except (Invalid, Forbidden, NotFound) as failure:
        failure.path = [_WORDS.get(str(part), part) for part in failure.path]
        failure.message = _QUOTED.sub(lambda m: f"`{_WORDS.get(m[1], m[1])}`", failure.message)
        raise
