"""Who reads and who writes: a line for each system, and a line for each concept."""

from collections.abc import Callable

from app.importing.concepts import (
    campaign_totals,
    campaigns,
    customers,
    orders,
    promos,
    segments,
    stores,
    touches,
    webhook_providers,
)
from app.importing.records import Reader, Writer
from app.importing.systems import crm

WRITERS: dict[str, Callable[[], Writer]] = {
    # In the order in which a batch is written: what others point at comes first.
    "stores": stores.StoreWriter,
    "customers": customers.CustomerWriter,
    "segments": segments.SegmentWriter,
    "segment_members": segments.SegmentMemberWriter,
    "campaigns": campaigns.CampaignWriter,
    "campaign_totals": campaign_totals.CampaignTotalsWriter,
    "promos": promos.PromoWriter,
    "orders": orders.OrderWriter,
    "promo_redemptions": promos.PromoRedemptionWriter,
    "touches": touches.TouchWriter,
    "webhook_providers": webhook_providers.WebhookProviderWriter,
}

READERS: dict[str, Reader] = {
    "crm": crm.CrmReader(),
}
"""By system. Where a system has no reader yet, its answers are refused by name."""
