"""Who reads and who writes: a line for each system, and a line for each concept."""

from collections.abc import Callable

from app.importing.concepts import campaigns, customers, segments, stores
from app.importing.records import Reader, Writer

WRITERS: dict[str, Callable[[], Writer]] = {
    # In the order in which a batch is written: what others point at comes first.
    "stores": stores.StoreWriter,
    "customers": customers.CustomerWriter,
    "segments": segments.SegmentWriter,
    "campaigns": campaigns.CampaignWriter,
}

READERS: dict[str, Reader] = {}
"""By system. Where a system has no reader yet, its answers are refused by name."""
