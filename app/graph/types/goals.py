"""Goals: targets and limits of reward campaigns."""

from app.graph.declaring.enums import GoalOperator, GoalType
from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import column, entity, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.refs import CampaignRef, PartnerRef
from app.graph.declaring.scalars import Long
from app.plan.catalog import via
from app.tables import goals as tables

_OF_CAMPAIGN = via("campaign_id", "Campaign")


@entity(table=tables.Goal, prefix="goal", store=_OF_CAMPAIGN, project=_OF_CAMPAIGN)
class Goal(Node):
    """A target or a limit of a reward campaign."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("goal")
    type_code: int = column("The code of what it counts.")
    type: GoalType = column("What it counts.", "type_code")
    value: Long = column("Users, transactions, or the smallest currency unit, by type.")
    operator_code: int = column("The operator's code.")
    operator: GoalOperator = column("Whether the value is a target, a limit or a threshold.", "operator_code")
    partner: PartnerRef = to_one("The partner it is about.", "partner_id")
    campaign: CampaignRef = to_one("The campaign it belongs to.", "campaign_id")
