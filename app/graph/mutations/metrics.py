"""Recording metrics in bulk."""

from enum import Enum
from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.inputs import Path
from app.domain.metrics.entries import MetricEntry, Mode
from app.domain.metrics.operations import record_metrics
from app.errors import Invalid
from app.graph.declaring.described import enum_type, input_type, object_type
from app.graph.declaring.payloads import shown_all
from app.graph.declaring.scalars import Decimal
from app.graph.declaring.settable import Conversion, entries_of, input_for
from app.graph.declaring.writing import UserError, errors_field, writes
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


def _extra(sent: list[ExtraMetricInput], path: Path) -> dict[str, object]:
    if len({item.name for item in sent}) < len(sent):
        raise Invalid("`extra` names a metric twice.", path=path)
    return {item.name: item.value for item in sent}


@input_for(MetricEntry, forms={"extra": Conversion(list[ExtraMetricInput], _extra)})
class MetricEntryInput:
    """What one campaign did on one day in one channel. Numbers that are left out stay as recorded.

    What a platform reports never mixes with what others report and what we count ourselves."""


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
    entries = entries_of(MetricEntry, input.entries, ["entries"])
    done = await record_metrics(tx, entries, mode=Mode(str(input.mode.value)), now=info.context.now)
    campaigns = await shown_all(info, tx, "Campaign", done.campaign_ids)
    return MetricsRecordPayload(recorded=done.entries, campaigns=campaigns)
