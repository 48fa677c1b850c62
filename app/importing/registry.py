"""Who reads and who writes: a line for each system, and a line for each concept."""

from collections.abc import Callable

from app.importing.concepts import (
    campaigns,
    customers,
    event_metrics,
    event_types,
    events,
    integrations,
    outlays,
    segments,
    stores,
)
from app.importing.records import Reader, Writer
from app.importing.systems.webmarketer import WebmarketerReader

WRITERS: dict[str, Callable[[], Writer]] = {
    # In the order in which a batch is written: what others point at comes first.
    "stores": stores.StoreWriter,
    "customers": customers.CustomerWriter,
    "segments": segments.SegmentWriter,
    "event_types": event_types.EventTypeWriter,
    "integrations": integrations.IntegrationWriter,
    "campaigns": campaigns.CampaignWriter,
    "outlays": outlays.OutlayWriter,
    "events": events.EventWriter,
    "event_metrics": event_metrics.EventMetricWriter,
}

READERS: dict[str, Reader] = {
    "webmarketer": WebmarketerReader(),
}
"""By system. Where a system has no reader yet, its answers are refused by name."""

FIRST: dict[str, tuple[str, ...]] = {
    "webmarketer": (
        "/event-types", "/campaigns", "/outlays", "/users/{id}/events", "/events/{id}", "/users/{id}/metrics",
        "/trashed-events",
    ),
}  # fmt: skip
"""By system, what the routes of a pulled folder end with that are read before its others, in this order. The others
come as `gateway pull` walks them."""
