"""Attribution: what sales are worth, by the campaigns that earned it, and what these cost.

Sales are orders, with what is left of them, and events with a statistic, but those that an order tells. Each is in its
own currency and on the day of its own zone (the order's store, the store of the event's project, else the group), and
goes to campaigns by a model; cost is the spend ledger of the same days. Currencies are never added up: there is a row
for each, or all is converted by dated rates, and amounts without a rate are shown apart.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import strawberry

from app.graph.declaring.described import enum_type, interface_type
from app.graph.declaring.enums import AttributionModel
from app.graph.declaring.fields import (
    aggregate,
    amount_of,
    argument,
    column,
    computed,
    embed,
    entity,
    parts,
    read_beside,
    to_one,
)
from app.graph.declaring.nodes import Money
from app.graph.declaring.refs import CampaignRef, StoreRef
from app.graph.declaring.scalars import Date, Decimal, Rate
from app.graph.figures.attribution_sql import attributed_rows
from app.plan.kinds import rate
from app.plan.sql import sql
from app.tables.event_metrics import TURNOVER, EventMetric
from app.tables.events import Event
from app.tables.groups import MOST_ATTRIBUTION_DAYS
from app.tables.interactions import Interaction
from app.tables.spend import SpendEntry
from app.values.money import is_currency

ROWS = (
    read_beside("AttributionMetric", EventMetric, "project_id"),
    read_beside("AttributionEvent", Event, "project_id"),
    read_beside("AttributionTouch", Interaction, "project_id", "campaign_id"),
    read_beside("AttributionSpend", SpendEntry, "campaign_id"),
)
"""Tables read beside projects, and campaigns, that are in scope already."""


@enum_type
class AttributionDimension(Enum):
    """What attribution is summed up by."""

    CAMPAIGN = strawberry.enum_value("campaign", description="One row per campaign.")
    CHANNEL = strawberry.enum_value(
        "channel",
        description="One row per channel. Revenue counts for the campaign's channel; where it has several, for those of"
        " the touches that led to it, or the order's own. Traffic that says its channel and no campaign of ours counts"
        " for that channel. Cost counts for the channel it was booked under. What a campaign earned or cost by a"
        " channel that nobody knows is a row of its own (`isUnknown`).",
    )
    STORE = strawberry.enum_value("store", description="One row per store.")


@entity()
class Unconverted:
    """Money in a currency for which no rate was known on its day."""

    currency: str = column("The currency it is in.")
    revenue: Money = embed("How much of it is revenue.", amount=amount_of("revenue"), currency="currency")
    cost: Money = embed("How much of it is cost.", amount=amount_of("cost"), currency="currency")


@interface_type
class AttributedNumbers:
    """What campaigns earned and cost, in one currency, by the rules of docs/numbers.md."""

    currency: str = column("The currency of revenue and cost.")
    revenue: Money = embed(
        "What sales are worth: orders without what was given back, and events that no order tells; in the shares"
        " attributed here.",
        amount=amount_of("revenue"),
        currency="currency",
    )
    conversions: Decimal = column(
        "Sales that are worth more than nothing, each one in all, in the shares attributed here."
    )
    cost: Money = embed(
        "What it cost up to today, from the spend ledger.", amount=amount_of("cost"), currency="currency"
    )
    roas: Rate | None = computed(
        "Return on ad spend: revenue per cost; null where it cost nothing.",
        lambda row: sql("coalesce({row.revenue}, 0) / nullif({row.cost}, 0)", row=row),
        kind=rate(4),
    )
    unconverted: list[Unconverted] = parts(
        "What is left out, since it had no rate into `currency`; empty unless a currency was asked for.",
        "left", always="currency",
    )  # fmt: skip


@entity()
class CampaignAttribution(AttributedNumbers):
    """What one campaign earned and cost, in one currency."""


@entity()
class AttributionRow(AttributedNumbers):
    """What campaigns earned and cost. Without campaign, channel and store: direct, nobody led to it, unless it says
    that the channel is unknown.
    """

    campaign: CampaignRef | None = to_one("The campaign, where it is by campaign.", "campaign_id")
    channel: str | None = column("The channel, where it is by channel; null: direct, or unknown.")
    is_unknown: bool = column(
        "By channel: whether it is a campaign's, and nobody knows by which of its channels; else false."
    )
    store: StoreRef | None = to_one("The store, where it is by store.", "store_id")


_MODEL = argument(
    "model", AttributionModel | None, "Who gets how much of a sale; null: as the group chose.", None
)
_HALF_LIFE = argument(
    "half_life_days", int | None,
    "For TIME_DECAY: a touch this much older than another counts half as much; null: as the group chose.", None,
)  # fmt: skip
_WINDOW = argument(
    "window_days", int | None,
    "How many days before the sale a touch may lie, to the second; null: as the group chose.", None,
)  # fmt: skip
_METRIC = argument(
    "metric", str,
    "The storage key of what is shared: a statistic, or a state or event-count (each event is worth 1). Orders take"
    " part where it is turnover, and events that an order tells are left out then.",
    TURNOVER,
)  # fmt: skip
_SINCE = argument(
    "since", Date | None,
    "Sales and spend from this day on: the store's day (of the order, of the event's project, of the campaign that"
    " spent), the group's where there is no store.", None,
)  # fmt: skip
_UNTIL = argument("until", Date | None, "Sales and spend up to and including this day.", None)
_CURRENCY = argument(
    "currency", str | None,
    "Convert everything into this currency, at the rate of its day; null: a row for each currency.", None,
)  # fmt: skip
PROJECT = argument(
    "project", str | None,
    "Of this project alone: its slug or its id; null: of all. An order is of the project that its campaign is of.",
    None,
)  # fmt: skip


def attribution(description: str) -> Any:
    """Of the whole scope, by campaign, channel or store."""
    by = argument("by", AttributionDimension, "What to sum up by.")
    return aggregate(
        description, attributed_rows, by, _MODEL, _HALF_LIFE, _WINDOW, _SINCE, _UNTIL, _METRIC, _CURRENCY, PROJECT,
        many=True, check=journey_faults, price=50_000)  # fmt: skip


def campaign_attribution(description: str) -> Any:
    """Of one campaign."""
    return aggregate(
        description, attributed_rows, _MODEL, _HALF_LIFE, _WINDOW, _SINCE, _UNTIL, _METRIC, _CURRENCY,
        many=True, check=journey_faults, price=500)  # fmt: skip


def journey_faults(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What is wrong with the arguments of a model."""
    for name in ("halfLifeDays", "windowDays"):
        if values[name] is not None and not 1 <= values[name] <= MOST_ATTRIBUTION_DAYS:
            yield name, f"{name} lies between 1 and {MOST_ATTRIBUTION_DAYS}."
    if values.get("currency") is not None and not is_currency(values["currency"]):
        yield "currency", "currency is a code of three capital letters, such as EUR."


__all__ = ["ROWS", "AttributionRow", "CampaignAttribution", "attribution", "campaign_attribution"]
