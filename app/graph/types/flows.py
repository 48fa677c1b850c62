"""The flow tree of a reward campaign."""

from app.graph.declaring.enums import (
    AttributeOwner,
    Comparison,
    FlowTrigger,
    Joiner,
    RewardPer,
    RewardRounding,
)
from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import column, entity, listing, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.refs import (
    CampaignRef,
    FlowActionRef,
    FlowConditionRef,
    FlowMultiplierRef,
    FlowRef,
    PartnerRef,
)
from app.graph.declaring.scalars import JSON, DateTime, Decimal, Long
from app.plan.catalog import via
from app.tables import flows as tables

_OF_FLOW = via("flow_id", "Flow")


@entity(table=tables.FlowAction, prefix="act", store=_OF_FLOW, project=_OF_FLOW)
class FlowAction(Node):
    """What a flow pays."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("act")
    action_code: int = column("The action's code, 1 to 4; the codes have no documented names.")
    base_reward: Long = column("What it pays before multipliers, in the smallest currency unit.")
    rate: Decimal | None = column(
        "A share: how much it pays besides, in the smallest currency unit, for each unit of what `per` says."
    )
    rounding: RewardRounding = column("How a share is made a whole number, after multipliers.")
    per: RewardPer = column("What the share is of.")
    extra_data: JSON | None = column("Further data of the action, as it was sent.")
    partner: PartnerRef = to_one("The partner it pays for.", "partner_id")
    flow: FlowRef = to_one("The flow it belongs to.", "flow_id")


@entity(table=tables.FlowCondition, prefix="cond", store=_OF_FLOW, project=_OF_FLOW)
class FlowCondition(Node):
    """Something that must hold for a flow to pay."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("cond")
    type_code: int = column("The code of the attribute's owner.")
    type: AttributeOwner = column("Whose attribute is compared.", "type_code")
    operator_code: int = column("The comparison's code.")
    operator: Comparison = column("How the attribute is compared.", "operator_code")
    joiner_code: int = column("The code of the tie to the next condition.")
    joiner: Joiner = column("How it is tied to the next condition; AND binds tighter than OR.", "joiner_code")
    attribute: Long = column("Which attribute; what the numbers mean depends on the type.")
    value: JSON | None = column("What it is compared with, as it was sent.")
    partner: PartnerRef = to_one("The partner it is about.", "partner_id")
    flow: FlowRef = to_one("The flow it belongs to.", "flow_id")


@entity(table=tables.FlowMultiplier, prefix="mult", store=_OF_FLOW, project=_OF_FLOW)
class FlowMultiplier(Node):
    """Something that raises what a flow pays."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("mult")
    type_code: int = column("The code of the attribute's owner.")
    type: AttributeOwner = column("Whose attribute triggers it.", "type_code")
    attribute: Long = column("Which attribute; what the numbers mean depends on the type.")
    amount: Decimal = column("The factor: 1.5 is half again as much.")
    value: JSON | None = column("The value the attribute must have; null: having the attribute is enough.")
    partner: PartnerRef = to_one("The partner it is about.", "partner_id")
    flow: FlowRef = to_one("The flow it belongs to.", "flow_id")


@entity(
    table=tables.Flow,
    prefix="flow",
    store=via("campaign_id", "Campaign"),
    project=via("campaign_id", "Campaign"),
    alive="deleted_at IS NULL",
)
class Flow(Node):
    """One path through a reward campaign: what sets it off and what it pays."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("flow")
    trigger_code: int = column("The trigger's code.")
    trigger: FlowTrigger = column("What sets it off.", "trigger_code")
    custom_trigger_id: Long | None = column("Which custom trigger, where the trigger is CUSTOM.")
    is_active: bool = column("Inactive flows pay nothing.")
    created_at: DateTime = column("When it was made.")
    deleted_at: DateTime | None = column("When it was deleted; null: it is not.")
    campaign: CampaignRef = to_one("The campaign it belongs to.", "campaign_id")
    actions: list[FlowActionRef] = listing("What it pays, in order.", key="flow_id")
    conditions: list[FlowConditionRef] = listing("What must hold, in order.", key="flow_id")
    multipliers: list[FlowMultiplierRef] = listing("What raises the reward, in order.", key="flow_id")
