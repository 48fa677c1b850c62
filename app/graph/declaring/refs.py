"""Types by name, for edges: a type names its neighbours without importing them.

For the type checker they are `Any`, as is what an edge returns; otherwise Strawberry looks them up when the schema is
built. So types know one another without circular imports.
"""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...

else:

    def _named(type_name: str, module: str) -> Any:
        return Annotated[type_name, strawberry.lazy(f"app.graph.{module}")]

    AssetRef = _named("Asset", "types.assets")
    CampaignRef = _named("Campaign", "types.campaigns")
    ContactStatementRef = _named("ContactStatement", "types.contacts")
    CustomerRef = _named("Customer", "types.customers")
    CustomerMergeRef = _named("CustomerMerge", "types.people")
    CustomerDoubtRef = _named("CustomerDoubt", "types.people")
    KnownCustomerRef = _named("KnownCustomer", "types.customers")
    EventMetricRef = _named("EventMetric", "types.event_metrics")
    EventMetricChangeRef = _named("EventMetricChange", "types.event_metrics")
    EventFieldRef = _named("EventField", "types.event_types")
    EventTypeRef = _named("EventType", "types.event_types")
    EventRef = _named("Event", "types.events")
    EventFaultRef = _named("EventFault", "types.events")
    FlowRef = _named("Flow", "types.flows")
    FlowActionRef = _named("FlowAction", "types.flows")
    FlowConditionRef = _named("FlowCondition", "types.flows")
    FlowMultiplierRef = _named("FlowMultiplier", "types.flows")
    GoalRef = _named("Goal", "types.goals")
    CustomerGroupRef = _named("CustomerGroup", "types.groups")
    CustomerIdentityRef = _named("CustomerIdentity", "types.identities")
    IntegrationRef = _named("Integration", "types.integrations")
    InteractionRef = _named("Interaction", "types.interactions")
    OrderRef = _named("Order", "types.orders")
    OrderRefundRef = _named("OrderRefund", "types.orders")
    OutlayRef = _named("Outlay", "types.outlays")
    PartnerRef = _named("Partner", "types.partners")
    PartnershipRef = _named("Partnership", "types.partners")
    ProjectRef = _named("Project", "types.projects")
    PromoCodeRef = _named("PromoCode", "types.promos")
    PromoRef = _named("Promo", "types.promos")
    PromoRedemptionRef = _named("PromoRedemption", "types.promos")
    RewardBalanceRef = _named("RewardBalance", "types.rewards")
    RewardEntryRef = _named("RewardEntry", "types.rewards")
    RewardReevaluationRef = _named("RewardReevaluation", "types.rewards")
    RewardEvaluationRef = _named("RewardEvaluation", "types.rewards")
    SegmentRef = _named("Segment", "types.segments")
    SegmentMemberRef = _named("SegmentMember", "types.segments")
    SpendEntryRef = _named("SpendEntry", "types.spend")
    SpendLimitRef = _named("SpendLimit", "types.spend")
    StoreRef = _named("Store", "types.stores")
    FunnelTouchRef = _named("FunnelTouch", "types.touches")
    WebhookEndpointRef = _named("WebhookEndpoint", "types.webhooks")
