"""Media campaigns, as client extranets order them: a campaign and its internal project, both or neither."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from app.db.database import Transaction
from app.domain import inputs
from app.domain.campaigns.fields import CampaignFields, checked
from app.domain.campaigns.operations import asked_window, insert_campaign
from app.domain.campaigns.windows import period_of
from app.domain.groups.finding import store_by_beacon
from app.errors import Forbidden, Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaCampaign:
    """An order. Source: La Griffe, "POST /api/campaigns", required payload."""

    beacon_key: str
    """The store's; mandatory even where the request is narrowed to a store, and then the same."""
    label: str
    channels: Sequence[str]
    period_type: str | None = None
    budget_total: Decimal | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    """Inclusive."""


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
    beacon_key = inputs.text(order.beacon_key, ["beaconKey"], longest=inputs.MAX_CODE, blank=False)
    given = CampaignFields(
        name=order.label,
        channels=order.channels,
        period_type=order.period_type,
        budget_total=order.budget_total,
        starts_on=order.starts_on,
        ends_on=order.ends_on,
    )
    values = _in_the_order_s_words(given)
    if not order.channels:
        raise Invalid("Name at least one channel, like google_ads.", path=["channels"])
    known_period = order.period_type is not None and period_of(order.period_type) is not None
    if not known_period and (order.starts_on is None or order.ends_on is None):
        missing = "startsOn" if order.starts_on is None else "endsOn"
        raise Invalid(
            "Give both dates, or a period like 1_month, 2_weeks or 10_days.", path=[missing], code="NO_WINDOW"
        )
    store = await store_by_beacon(tx, beacon_key)
    project_id = await tx.fetchval(
        "INSERT INTO project (group_id, name, is_internal, store_id, created_at)"
        " VALUES ($1, $2, true, $3, $4) RETURNING id",
        tx.scope.group_id, order.label, store.id, now,
    )  # fmt: skip
    values["project_id"] = project_id
    campaign_id = await insert_campaign(tx, values, asked_window(given), store=store, now=now)
    return MediaCampaignIds(campaign_id, project_id, store.id)


def _in_the_order_s_words(given: CampaignFields) -> dict[str, object]:
    """The bounds of every campaign, told with this input's names: its name is the `label`."""
    try:
        return checked(given)
    except Invalid as failure:
        if failure.path != ["name"]:
            raise
        message = failure.message.replace("`name`", "`label`")
        raise Invalid(message, path=["label"], code=failure.reason) from None
