"""Setting a group's rules of channels, and telling what was recorded anew."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain import inputs
from app.domain.interactions.channel_rules import ChannelRuleFields, set_channel_rules
from app.domain.interactions.retelling import retell_channels
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown_all
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.scalars import Long
from app.graph.declaring.settable import entries_of, input_for
from app.graph.declaring.writing import Administration, UserError, errors_field, writes
from app.graph.types.channels import ChannelRule

MAX_RETOLD = 10_000


@object_type
class ChannelRulesPayload:
    """Rules that were set."""

    rules: list[ChannelRule] | None = strawberry.field(
        default=None, description="The rules as they are now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@object_type
class ChannelsRetellPayload:
    """What was told anew."""

    looked_at: Long | None = strawberry.field(
        default=None, description="How many interactions; null: errors say why nothing was done."
    )
    changed: Long | None = strawberry.field(
        default=None, description="How many of them have another channel now."
    )
    left: Long | None = strawberry.field(
        default=None, description="How many are still to be told. A worker goes on by itself."
    )
    errors: list[UserError] = errors_field()


@input_for(ChannelRuleFields)
class ChannelRuleInput:
    """Which channel it is where all these patterns fit."""


@input_type
class ChannelRulesSetInput:
    """A group's rules."""

    rules: list[ChannelRuleInput] = strawberry.field(
        description="All of them, 200 at most, in the order they are asked; [] leaves the built-in ones alone."
    )


@input_type
class ChannelsRetellInput:
    """How much to tell anew."""

    first: int = strawberry.field(default=1_000, description=f"How many at most, {MAX_RETOLD} at once.")


@writes(
    roles=WRITERS,
    administration=Administration("channel_rules.set", "", "chrule"),
    shapes=WHOLE_GROUP,
)
async def set_rules(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ChannelRulesSetInput, strawberry.argument(description="The rules.")],
) -> ChannelRulesPayload:
    """Puts these in place of the group's rules of channels. What was recorded before is told anew by a worker, some at
    a time.
    """
    rules = entries_of(ChannelRuleFields, input.rules, ["rules"])
    ids = await set_channel_rules(tx, rules, now=info.context.now)
    return ChannelRulesPayload(rules=await shown_all(info, tx, "ChannelRule", ids))


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def retell(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ChannelsRetellInput, strawberry.argument(description="How much.")],
) -> ChannelsRetellPayload:
    """Tells some interactions their channel anew, the latest first, where rules changed since: for whoever does not
    want to wait for the worker.
    """
    first = inputs.within(1, MAX_RETOLD)(input.first, ["first"])
    told = await retell_channels(tx, now=info.context.now, first=first, counts=True)
    return ChannelsRetellPayload(
        looked_at=Long(told.looked_at), changed=Long(told.changed), left=Long(told.left)
    )
