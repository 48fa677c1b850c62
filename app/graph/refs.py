"""Types by name, for edges between chapters that know each other."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from app.graph.audience import Customer, Promo, Segment
    from app.graph.campaigns import Campaign, Goal, Outlay, SpendEntry
    from app.graph.event_metrics import EventMetricChange
    from app.graph.event_types import EventField
    from app.graph.events import Event, EventFault
    from app.graph.flows import Flow
    from app.graph.groups import CustomerGroup, Integration, Partner, Partnership, Project, Store
    from app.graph.metrics import MetricPoint, MetricTotals
    from app.graph.orders import Order, SegmentMember
    from app.graph.records import Asset

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
