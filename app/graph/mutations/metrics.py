"""Recording metrics in bulk."""

from enum import Enum
from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.metrics.entries import MetricEntry, Several
from app.domain.metrics.operations import Mode, record_metrics
from app.errors import Failure, Invalid
from app.graph.declaring.described import enum_type, input_type, object_type
from app.graph.declaring.payloads import shown_all
from app.graph.declaring.scalars import Date, Decimal, Long
from app.graph.declaring.writing import UserError, errors_field, given, optional, own_id, writes
from app.graph.types.campaigns import Campaign


@enum_type
class MetricsMode(Enum):
    """What the numbers of a report mean.

    The values are the domain's.
    """

    SET = strawberry.enum_value(
        "set", description="The day's totals: they replace what was recorded. Sending them twice is harmless."
    )
    ADD = strawberry.enum_value("add", description="What came on top: it is added to what was recorded.")


@object_type
class MetricsRecordPayload:
    """Metrics that were recorded."""

    recorded: int = strawberry.field(
        default=0, description="How many entries were recorded: all of them, or none."
    )
    campaigns: list[Campaign] | None = strawberry.field(
        default=None, description="The campaigns they are about; null: errors say why nothing was recorded."
    )
    errors: list[UserError] = errors_field()


@input_type
class ExtraMetricInput:
    """A metric we have no field for."""

    name: str = strawberry.field(description="What it is called.")
    value: Decimal = strawberry.field(description="Its value.")


@input_type
class MetricEntryInput:
    """What one campaign did on one day in one channel. Numbers that are left out stay as recorded."""

    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")
    day: Date = strawberry.field(description="The day, in the store's time zone; not one still to come.")
    channel: str = strawberry.field(description="The channel, such as google_ads.")
    impressions: Long | None = optional("How often it was shown.")
    clicks: Long | None = optional("How often it was clicked.")
    conversions: Long | None = optional("How often it led to what it is for.")
    sent: Long | None = optional("Messages sent.")
    delivered: Long | None = optional("Messages delivered.")
    opened: Long | None = optional("Messages opened.")
    unsubscribed: Long | None = optional("People who unsubscribed.")
    spend: Decimal | None = optional(
        "Reported ad spend, in the campaign's currency; it goes into the ledger."
    )
    revenue: Decimal | None = optional("Revenue attributed, in the campaign's currency.")
    extra: list[ExtraMetricInput] | None = optional(
        "Further metrics; they replace all further ones recorded."
    )


@input_type
class MetricsRecordInput:
    """A report of metrics."""

    entries: list[MetricEntryInput] = strawberry.field(
        description="5,000 at most; each campaign, day and channel once."
    )
    mode: MetricsMode = strawberry.field(
        default=MetricsMode.SET, description="Whether the numbers replace or add."
    )


@writes(roles=WRITERS)
async def record(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[MetricsRecordInput, strawberry.argument(description="The report.")],
) -> MetricsRecordPayload:
    """Records metrics of many campaigns and days: all entries or none."""
    entries = _entries(input.entries)
    done = await record_metrics(tx, entries, mode=Mode(str(input.mode.value)), now=info.context.now)
    campaigns = await shown_all(info, tx, "Campaign", done.campaign_ids)
    return MetricsRecordPayload(recorded=done.entries, campaigns=campaigns)


def _entries(sent: list[MetricEntryInput]) -> list[MetricEntry]:
    found: list[MetricEntry] = []
    failures: list[Failure] = []
    for index, entry in enumerate(sent):
        try:
            found.append(_entry(entry, index))
        except Failure as failure:
            failures.append(failure)
    if failures:
        raise Several(failures[:100])
    return found


def _entry(sent: MetricEntryInput, index: int) -> MetricEntry:
    at = ("entries", str(index))
    extra = given(sent.extra)
    if extra is not None and len({item.name for item in extra}) < len(extra):
        raise Invalid("`extra` names a metric twice.", path=[*at, "extra"])
    return MetricEntry(
        campaign_id=own_id(sent.campaign_id, "camp", "campaign", *at, "campaignId"),
        day=sent.day,
        channel=sent.channel,
        impressions=given(sent.impressions),
        clicks=given(sent.clicks),
        conversions=given(sent.conversions),
        sent=given(sent.sent),
        delivered=given(sent.delivered),
        opened=given(sent.opened),
        unsubscribed=given(sent.unsubscribed),
        spend=given(sent.spend),
        revenue=given(sent.revenue),
        extra=None if extra is None else {item.name: item.value for item in extra},
    )
