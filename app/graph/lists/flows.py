"""Lists of what is about a partner in reward campaigns: parts of flows, and goals."""

import strawberry

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import filter_by, list_of, one_of
from app.graph.lists.conditions import CREATED_AT
from app.plan.references import ids_of


@input_type
class FlowPartFilter:
    """Which actions, conditions or multipliers. All conditions given must hold."""

    flow_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these flows.", one_of("flow_id", "bigint", ids_of("flow"))
    )


@input_type
class GoalFilter:
    """Which goals. All conditions given must hold."""

    campaign_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these campaigns.", one_of("campaign_id", "bigint", ids_of("camp"))
    )


FLOW_ACTIONS = list_of("FlowAction", FlowPartFilter, "CREATED_AT", created_at=CREATED_AT)
FLOW_CONDITIONS = list_of("FlowCondition", FlowPartFilter, "CREATED_AT", created_at=CREATED_AT)
FLOW_MULTIPLIERS = list_of("FlowMultiplier", FlowPartFilter, "CREATED_AT", created_at=CREATED_AT)
GOALS = list_of("Goal", GoalFilter, "CREATED_AT", created_at=CREATED_AT)
