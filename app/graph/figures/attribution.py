"""Attribution: what events are worth, by the campaigns that earned it, and what these cost.

Revenue is a statistic of events, in the group's currency, shared by a model among the touches of each customer's
journey; cost is the spend ledger of the same days. Currencies are never added up: there is a row for each, or all
is converted by dated rates, and amounts without a rate are shown apart.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import strawberry

from app.domain.attribution.models import Model
from app.graph.declaring.described import enum_type, interface_type
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
from app.tables.event_metrics import EventMetric
from app.tables.events import Event
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

MAX_DAYS = 3_660
DEFAULT_METRIC = "turnover"


@enum_type
class AttributionModel(Enum):
    """Which touches of a journey count, and how much.

    The models of `domain/attribution`.
    """

    FIRST_TOUCH = strawberry.enum_value(
        Model.FIRST_TOUCH.value, description="The first touch gets everything."
    )
    LAST_TOUCH = strawberry.enum_value(Model.LAST_TOUCH.value, description="The last touch gets everything.")
    LAST_NON_DIRECT = strawberry.enum_value(
        Model.LAST_NON_DIRECT.value,
        description="The last touch of a campaign gets everything; direct only where there is no such touch.",
    )
    LINEAR = strawberry.enum_value(Model.LINEAR.value, description="Every touch gets the same.")
    POSITION_BASED = strawberry.enum_value(
        Model.POSITION_BASED.value,
        description="40 % to the first and to the last touch, the rest equally to those between; half each of two.",
    )
    TIME_DECAY = strawberry.enum_value(
        Model.TIME_DECAY.value,
        description="A touch that is a half-life older than another gets half as much.",
    )


@enum_type
class AttributionDimension(Enum):
    """What attribution is summed up by."""

    CAMPAIGN = strawberry.enum_value("campaign", description="One row per campaign.")
    CHANNEL = strawberry.enum_value(
        "channel",
        description="One row per channel: revenue counts for the campaign's channel (`other` where it has not exactly"
        " one), cost for the channel it was booked under.",
    )
    STORE = strawberry.enum_value("store", description="One row per store.")


@entity()
class Unconverted:
    """Money in a currency for which no rate was known on its day."""

    currency: str = column("The currency it is in.")
    revenue: Decimal = column("How much of it is revenue.")
    cost: Decimal = column("How much of it is cost.")


@interface_type
class AttributedNumbers:
    """What campaigns earned and cost, in one currency."""

    currency: str = column("The currency of revenue and cost.")
    revenue: Money = embed(
        "What events were worth, in the shares attributed here.",
        amount=amount_of("revenue"),
        currency="currency",
    )
    conversions: Decimal = column("Events with that metric, in the shares attributed here.")
    cost: Money = embed("What it cost, from the spend ledger.", amount=amount_of("cost"), currency="currency")
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
    """What campaigns earned and cost. Without campaign, channel and store: direct, nobody led to it."""

    campaign: CampaignRef | None = to_one("The campaign, where it is by campaign.", "campaign_id")
    channel: str | None = column("The channel, where it is by channel.")
    store: StoreRef | None = to_one("The store, where it is by store.", "store_id")


MODEL = argument(
    "model", AttributionModel, "Which touches of a journey count, and how much.", AttributionModel.LINEAR
)
HALF_LIFE = argument(
    "half_life_days", int, "For TIME_DECAY: a touch this much older than another counts half as much.", 7
)
WINDOW = argument("window_days", int, "How many days before the event a touch may lie, to the second.", 30)
_METRIC = argument(
    "metric", str,
    "The storage key of what is shared: a statistic, or a state or event-count (each event is worth 1).",
    DEFAULT_METRIC,
)  # fmt: skip
_SINCE = argument("since", Date | None, "Events and spend from this day on (UTC).", None)
_UNTIL = argument("until", Date | None, "Events and spend up to and including this day (UTC).", None)
_CURRENCY = argument(
    "currency", str | None,
    "Convert everything into this currency, at the rate of its day; null: a row for each currency.", None,
)  # fmt: skip
PROJECT = argument("project", str | None, "Of this project alone: its slug or its id; null: of all.", None)


def attribution(description: str) -> Any:
    """Of the whole scope, by campaign, channel or store."""
    by = argument("by", AttributionDimension, "What to sum up by.")
    return aggregate(
        description, attributed_rows, by, MODEL, HALF_LIFE, WINDOW, _SINCE, _UNTIL, _METRIC, _CURRENCY, PROJECT,
        many=True, check=journey_faults, price=50_000)  # fmt: skip


def campaign_attribution(description: str) -> Any:
    """Of one campaign."""
    return aggregate(
        description, attributed_rows, MODEL, HALF_LIFE, WINDOW, _SINCE, _UNTIL, _METRIC, _CURRENCY,
        many=True, check=journey_faults, price=500)  # fmt: skip


def journey_faults(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What is wrong with the arguments of a model."""
    for name in ("halfLifeDays", "windowDays"):
        if not 1 <= values[name] <= MAX_DAYS:
            yield name, f"{name} lies between 1 and {MAX_DAYS}."
    if values.get("currency") is not None and not is_currency(values["currency"]):
        yield "currency", "currency is a code of three capital letters, such as EUR."


__all__ = ["ROWS", "AttributionRow", "CampaignAttribution", "attribution", "campaign_attribution"]
