"""Who reads and who writes: a line for each system, and a line for each concept."""

from collections.abc import Callable

from app.importing.concepts import (
    assets,
    campaign_metrics,
    campaigns,
    customer_groups,
    customers,
    projects,
    segments,
    spend_limits,
    stores,
)
from app.importing.records import Reader, Writer
from app.importing.systems import criteo, lagriffe

WRITERS: dict[str, Callable[[], Writer]] = {
    # In the order in which a batch is written: what others point at comes first.
    "customer_groups": customer_groups.CustomerGroupWriter,
    "stores": stores.StoreWriter,
    "projects": projects.ProjectWriter,
    "customers": customers.CustomerWriter,
    "segments": segments.SegmentWriter,
    "campaigns": campaigns.CampaignWriter,
    "campaign_metrics": campaign_metrics.CampaignMetricWriter,
    "spend_limits": spend_limits.SpendLimitWriter,
    "assets": assets.AssetWriter,
}

READERS: dict[str, Reader] = {
    "lagriffe": lagriffe.LaGriffeReader(),
    "criteo": criteo.CriteoReader(),
}
"""By system. Where a system has no reader yet, its answers are refused by name."""
