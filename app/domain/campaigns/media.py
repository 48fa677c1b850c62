"""Media campaigns, as client extranets order them: a campaign and its internal project, both or neither."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from app.db.database import Transaction
from app.domain import inputs
from app.domain.campaigns.fields import WINDOW, CampaignFields
from app.domain.campaigns.operations import asked_window, insert_campaign
from app.domain.campaigns.windows import period_of
from app.domain.groups.finding import store_by_beacon, store_to_write
from app.domain.settable import needed, optional, written
from app.errors import Forbidden, Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaCampaign:
    """An order. Source: La Griffe, "POST /api/campaigns", required payload."""

    # One of both even where the request is narrowed to a store, and then that one.
    store_id: int | None = optional("The store it is ordered for.", refers=("store", "store"))
    beacon_key: str | None = optional("The store by its beacon key, instead of storeId.")
    name: str = needed("What the campaign is called.")
    channels: Sequence[str] = needed("Where it runs, such as google_ads; at least one.")
    period_type: str | None = optional("How long it runs, such as 1_month; dates that are given win over it.")
    budget_total: Decimal | None = optional("What it may cost, in the group's currency.")
    currency: str | None = optional(
        "The currency of the budget. It is the group's, whether said or not; any other is refused."
    )
    starts_on: date | None = optional("Its first day; with a period, today unless given.")
    ends_on: date | None = optional(
        "Its last day, inclusive; with a period, the last day of it unless given."
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
    if (order.store_id is None) == (order.beacon_key is None):
        raise Invalid("Name the store by `storeId` or by `beaconKey`: exactly one.", path=["storeId"])
    beacon_key = None if order.beacon_key is None else inputs.code(order.beacon_key, ["beaconKey"])
    given = CampaignFields(
        name=order.name,
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
    if beacon_key is None:
        store = await store_to_write(tx, order.store_id)
    else:
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
        tx.scope.group_id, order.name, store.id, now,
    )  # fmt: skip
    values["project_id"] = project_id
    campaign_id = await insert_campaign(tx, values, asked_window(given), store=store, now=now)
    return MediaCampaignIds(campaign_id, project_id, store.id)
