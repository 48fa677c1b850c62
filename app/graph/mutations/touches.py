"""Recording that customers reached stages."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.funnels.touches import Touch, record_touches
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.settable import entries_of, input_for
from app.graph.declaring.writing import UserError, errors_field, writes

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


@input_for(Touch)
class TouchInput:
    """A customer reached a stage."""


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
    touches = entries_of(Touch, input.touches, ["touches"])
    done = await record_touches(tx, touches, source=SOURCE, now=info.context.now)
    return TouchesRecordPayload(recorded=done.new, repeated=done.repeated)
