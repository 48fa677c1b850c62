"""Recording that customers reached stages."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.funnels.touches import Touch, record_touches
from app.domain.metrics.entries import Several
from app.errors import Failure
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import FunnelStage
from app.graph.declaring.scalars import DateTime
from app.graph.declaring.writing import UserError, errors_field, given, optional, own_id, writes

SOURCE = "api"
"""Whose references those of the mutation are."""


@object_type
class TouchesRecordPayload:
    """Touches that were recorded."""

    recorded: int = strawberry.field(default=0, description="How many were new.")
    repeated: int = strawberry.field(
        default=0, description="How many were there already, by their reference; they count once."
    )
    errors: list[UserError] = errors_field()


@input_type
class TouchInput:
    """A customer reached a stage."""

    customer_id: strawberry.ID = strawberry.field(description="Who.")
    stage: FunnelStage = strawberry.field(description="The stage.")
    reference: str = strawberry.field(
        description="Your own name for it, 255 characters at most: the same one again is the same touch."
    )
    occurred_at: DateTime | None = optional("When; now unless said. Not more than a day ahead.")
    channel: str | None = optional("Through which channel, such as email.")
    campaign_id: strawberry.ID | None = optional("Because of which campaign.")


@input_type
class TouchesRecordInput:
    """Touches."""

    touches: list[TouchInput] = strawberry.field(description="5,000 at most.")


@writes(roles=WRITERS)
async def record(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[TouchesRecordInput, strawberry.argument(description="The touches.")],
) -> TouchesRecordPayload:
    """Records that customers reached stages of funnels: all that is new, or nothing."""
    now = info.context.now
    touches: list[Touch] = []
    failures: list[Failure] = []
    for at, one in enumerate(input.touches):
        path, campaign = ("touches", str(at)), given(one.campaign_id)
        try:
            touches.append(
                Touch(
                    customer_id=own_id(one.customer_id, "cust", "customer", *path, "customerId"),
                    stage=one.stage,
                    occurred_at=given(one.occurred_at) or now,
                    reference=one.reference,
                    channel=given(one.channel),
                    campaign_id=campaign and own_id(campaign, "camp", "campaign", *path, "campaignId"),
                )
            )
        except Failure as failure:
            failures.append(failure)
    if failures:
        raise Several(failures[:100])
    done = await record_touches(tx, touches, source=SOURCE, now=now)
    return TouchesRecordPayload(recorded=done.new, repeated=done.repeated)
