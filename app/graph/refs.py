"""Types by name, for edges: a type names its neighbours without importing them.

For the type checker they are `Any`, as what an edge gives is; otherwise Strawberry looks them up when the schema is
built. So types know one another and no import goes round in a circle.
"""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

if TYPE_CHECKING:
    CustomerGroupRef = Any
    StoreRef = Any
    ProjectRef = Any
    PartnerRef = Any
    PartnershipRef = Any
    IntegrationRef = Any
    CampaignRef = Any
    GoalRef = Any
    OutlayRef = Any
    SpendEntryRef = Any
    FlowRef = Any
    SegmentRef = Any
    CustomerRef = Any
    PromoRef = Any
    MetricTotalsRef = Any
    MetricPointRef = Any
    AssetRef = Any
    OrderRef = Any
    SegmentMemberRef = Any
    EventFieldRef = Any
    EventFaultRef = Any
    EventMetricChangeRef = Any
    EventRef = Any
else:
    CustomerGroupRef = Annotated["CustomerGroup", strawberry.lazy("app.graph.groups")]
    StoreRef = Annotated["Store", strawberry.lazy("app.graph.groups")]
    ProjectRef = Annotated["Project", strawberry.lazy("app.graph.groups")]
    PartnerRef = Annotated["Partner", strawberry.lazy("app.graph.groups")]
    PartnershipRef = Annotated["Partnership", strawberry.lazy("app.graph.groups")]
    IntegrationRef = Annotated["Integration", strawberry.lazy("app.graph.groups")]
    CampaignRef = Annotated["Campaign", strawberry.lazy("app.graph.campaigns")]
    GoalRef = Annotated["Goal", strawberry.lazy("app.graph.campaigns")]
    OutlayRef = Annotated["Outlay", strawberry.lazy("app.graph.campaigns")]
    SpendEntryRef = Annotated["SpendEntry", strawberry.lazy("app.graph.campaigns")]
    FlowRef = Annotated["Flow", strawberry.lazy("app.graph.flows")]
    SegmentRef = Annotated["Segment", strawberry.lazy("app.graph.audience")]
    CustomerRef = Annotated["Customer", strawberry.lazy("app.graph.audience")]
    PromoRef = Annotated["Promo", strawberry.lazy("app.graph.audience")]
    MetricTotalsRef = Annotated["MetricTotals", strawberry.lazy("app.graph.metrics")]
    MetricPointRef = Annotated["MetricPoint", strawberry.lazy("app.graph.metrics")]
    AssetRef = Annotated["Asset", strawberry.lazy("app.graph.records")]
    OrderRef = Annotated["Order", strawberry.lazy("app.graph.orders")]
    SegmentMemberRef = Annotated["SegmentMember", strawberry.lazy("app.graph.orders")]
    EventFieldRef = Annotated["EventField", strawberry.lazy("app.graph.event_types")]
    EventFaultRef = Annotated["EventFault", strawberry.lazy("app.graph.events")]
    EventMetricChangeRef = Annotated["EventMetricChange", strawberry.lazy("app.graph.event_metrics")]
    EventRef = Annotated["Event", strawberry.lazy("app.graph.events")]
