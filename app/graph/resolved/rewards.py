"""What a trigger is worth, and why somebody gets nothing. Resolvers in Python: the rules are the domain's."""

from typing import Annotated, Any

import strawberry

from app.auth.principal import PERSONAL_READERS
from app.domain.rewards.attributes import BUILT_IN
from app.domain.rewards.judging import Decision
from app.domain.rewards.processing import dry
from app.domain.rewards.reading import OWN_ATTRIBUTES
from app.domain.rewards.wording import reasons
from app.graph.declaring.described import object_type
from app.graph.declaring.enums import AttributeOwner, RewardAttributeKind, RewardOutcome
from app.graph.declaring.fields import priced
from app.graph.declaring.permitting import needing
from app.graph.declaring.references import takes_references
from app.graph.declaring.refs import RewardEvaluationRef
from app.graph.declaring.resolving import loaders_of
from app.graph.declaring.scalars import JSON, Long
from app.graph.declaring.writing import own_id
from app.graph.inputs.flows import require_to_ask_as
from app.graph.inputs.rewards import RewardTriggerInput, occurrence_of


@object_type
class RewardLine:
    """What one action of a flow pays."""

    flow_id: strawberry.ID = strawberry.field(description="The flow.")
    action_id: strawberry.ID = strawberry.field(description="Its action.")
    partner_id: strawberry.ID = strawberry.field(description="The partner it pays with.")
    amount: Long = strawberry.field(description="How much, in the smallest currency unit.")


@object_type
class RewardDecision:
    """What a trigger would be worth in a campaign at this moment."""

    outcome: RewardOutcome = strawberry.field(description="What it would come to.")
    wanted: Long = strawberry.field(description="What it would pay without limits.")
    amount: Long = strawberry.field(description="What it would pay.")
    currency: str = strawberry.field(description="The campaign's currency.")
    version: int = strawberry.field(description="The version of the flows and goals that was read.")
    lines: list[RewardLine] = strawberry.field(description="What each action would pay.")
    reasons: list[str] = strawberry.field(
        description="Why it would pay nothing or less, in words; empty where it pays all.",
        metadata=needing(PERSONAL_READERS),
    )
    trace: JSON = strawberry.field(
        metadata=needing(PERSONAL_READERS),
        description="Every flow, condition, multiplier and limit that was looked at, with the values and results.",
    )


@object_type
class RewardWhyNot:
    """Why a customer gets nothing from a campaign."""

    decision: RewardDecision = strawberry.field(description="What would happen now, were it triggered.")
    last: RewardEvaluationRef | None = strawberry.field(
        description="The latest evaluation of this customer in this campaign; null: there was none."
    )


@object_type
class RewardAttribute:
    """An attribute that conditions and multipliers can name."""

    type: AttributeOwner = strawberry.field(description="Whose it is.")
    attribute: Long = strawberry.field(description="Its number; those below 1000 are built in.")
    name: str = strawberry.field(description="The key under which its value comes.")
    kind: RewardAttributeKind = strawberry.field(description="What values it has.")
    built_in: bool = strawberry.field(description="Whether everybody has it.")
    description: str | None = strawberry.field(description="What it says; null for a group's own.")


CampaignId = Annotated[strawberry.ID, strawberry.argument(description="The reward campaign.")]


@takes_references
async def _evaluate(
    info: strawberry.Info,
    campaign_id: CampaignId,
    input: Annotated[RewardTriggerInput, strawberry.argument(description="What happens.")],
) -> RewardDecision:
    return await _decided(info, campaign_id, input)


@takes_references
async def _why_not(
    info: strawberry.Info,
    campaign_id: CampaignId,
    input: Annotated[RewardTriggerInput, strawberry.argument(description="Whom, and what would happen.")],
) -> RewardWhyNot:
    decision = await _decided(info, campaign_id, input)
    context: Any = info.context
    scope = context.scope
    rows = await context.db.search(
        _LAST,
        [
            scope.group_id,
            own_id(campaign_id, "camp", "campaign", "campaignId"),
            own_id(input.customer_id, "cust", "customer", "customerId"),
        ],
        scope,
    )
    last: Any = await loaders_of(info).one("RewardEvaluation", rows[0]["id"], alive=True) if rows else None
    return RewardWhyNot(decision=decision, last=last)


_LAST = """
SELECT id FROM reward_evaluation WHERE group_id = $1 AND campaign_id = $2 AND customer_id = $3
 ORDER BY created_at DESC, id DESC LIMIT 1
"""


async def _attributes(info: strawberry.Info) -> list[RewardAttribute]:
    context: Any = info.context
    rows = await context.db.search(OWN_ATTRIBUTES, [context.scope.group_id], context.scope)
    return [
        *(
            shown_attribute(one.type_code, one.attribute, one.name, one.kind, says=one.says)
            for one in BUILT_IN
        ),
        *(shown_attribute(row["type_code"], row["attribute"], row["name"], row["kind"]) for row in rows),
    ]


def shown_attribute(
    type_code: int, attribute: int, name: str, kind: str, *, says: str | None = None
) -> RewardAttribute:
    """An attribute as the graph shows it."""
    return RewardAttribute(
        type=AttributeOwner(type_code),
        attribute=Long(attribute),
        name=name,
        kind=RewardAttributeKind(kind),
        built_in=says is not None,
        description=says,
    )


reward_evaluate: Any = strawberry.field(
    resolver=_evaluate,
    metadata=priced(1_000),
    description="What this would be worth in the campaign now, and why. Nothing is paid, and nothing is kept.",
)
reward_why_not: Any = strawberry.field(
    resolver=_why_not,
    metadata=priced(1_000),
    description="Why this customer would get nothing, or less, from the campaign now; and what was evaluated last.",
)
reward_attributes: Any = strawberry.field(
    resolver=_attributes,
    metadata=priced(200),
    description="What conditions and multipliers can name: the built-in attributes and the group's own.",
)


async def _decided(info: strawberry.Info, campaign_id: str, sent: RewardTriggerInput) -> RewardDecision:
    context: Any = info.context
    ident = own_id(campaign_id, "camp", "campaign", "campaignId")
    asked = occurrence_of(sent, reference="dry", now=context.now)
    async with context.transaction(writes=False) as tx:
        await require_to_ask_as(context.principal, tx, ident)
        running, decision = await dry(tx, ident, asked, now=context.now)
    return _shown(decision, currency=running.programme.currency, version=running.programme.version)


def _shown(decision: Decision, *, currency: str, version: int) -> RewardDecision:
    trace: Any = decision.trace
    return RewardDecision(
        outcome=decision.outcome,
        wanted=Long(decision.wanted),
        amount=Long(decision.amount),
        currency=currency,
        version=version,
        lines=[
            RewardLine(
                flow_id=strawberry.ID(f"flow_{line.flow_id}"),
                action_id=strawberry.ID(f"act_{line.action_id}"),
                partner_id=strawberry.ID(f"part_{line.partner_id}"),
                amount=Long(line.amount),
            )
            for line in decision.lines
        ],
        reasons=reasons(trace),
        trace=trace,
    )
