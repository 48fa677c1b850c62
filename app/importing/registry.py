"""Who reads and who writes: a line for each system, and a line for each concept."""

from collections.abc import Callable

from app.importing.concepts import (
    assets,
    campaign_metrics,
    campaign_totals,
    campaigns,
    customer_groups,
    customers,
    event_metrics,
    event_types,
    events,
    flows,
    goals,
    integrations,
    orders,
    outlays,
    partners,
    projects,
    promos,
    reward_books,
    segments,
    spend_limits,
    stores,
    touches,
    webhook_providers,
)
from app.importing.records import Reader, Writer
from app.importing.systems import benji, criteo, crm, lagriffe, webmarketer

WRITERS: dict[str, Callable[[], Writer]] = {
    # In the order in which a batch is written: what others point at comes first.
    "customer_groups": customer_groups.CustomerGroupWriter,
    "stores": stores.StoreWriter,
    "projects": projects.ProjectWriter,
    "partners": partners.PartnerWriter,
    "partnerships": partners.PartnershipWriter,
    "customers": customers.CustomerWriter,
    "segments": segments.SegmentWriter,
    "segment_members": segments.SegmentMemberWriter,
    "integrations": integrations.IntegrationWriter,
    "event_types": event_types.EventTypeWriter,
    "campaigns": campaigns.CampaignWriter,
    "outlays": outlays.OutlayWriter,
    "events": events.EventWriter,
    "event_metrics": event_metrics.EventMetricWriter,
    "campaign_metrics": campaign_metrics.CampaignMetricWriter,
    "campaign_totals": campaign_totals.CampaignTotalsWriter,
    "promos": promos.PromoWriter,
    "orders": orders.OrderWriter,
    "promo_redemptions": promos.PromoRedemptionWriter,
    "touches": touches.TouchWriter,
    "webhook_providers": webhook_providers.WebhookProviderWriter,
    "spend_limits": spend_limits.SpendLimitWriter,
    "assets": assets.AssetWriter,
    "flows": flows.FlowWriter,
    "goals": goals.GoalWriter,
    "reward_totals": reward_books.TotalWriter,
    "reward_balances": reward_books.BalanceWriter,
    "reward_entries": reward_books.EntryWriter,
    "reward_participants": reward_books.ParticipantWriter,
}

READERS: dict[str, Reader] = {
    "lagriffe": lagriffe.LaGriffeReader(),
    "crm": crm.CrmReader(),
    "webmarketer": webmarketer.WebmarketerReader(),
    "benji": benji.READER,
    "criteo": criteo.CriteoReader(),
}
"""By system."""

FIRST: dict[str, tuple[str, ...]] = {
    "crm": ("/segments",),
    "webmarketer": (
        "/campaigns", "/event-types", "/outlays", "/users/{id}/events", "/events/{id}", "/users/{id}/metrics",
        "/trashed-events",
    ),
}  # fmt: skip
"""By system, what the routes of a pulled folder end with that are read before its others, in this order. The others
come as `gateway pull` walks them."""
