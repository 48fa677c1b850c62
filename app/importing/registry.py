"""Who reads and who writes: a line for each system, and a line for each concept."""

from collections.abc import Callable

from app.importing.concepts import (
    campaigns,
    customers,
    flows,
    goals,
    partners,
    reward_books,
    segments,
    stores,
)
from app.importing.records import Reader, Writer
from app.importing.systems import benji

WRITERS: dict[str, Callable[[], Writer]] = {
    # In the order in which a batch is written: what others point at comes first.
    "stores": stores.StoreWriter,
    "partners": partners.PartnerWriter,
    "partnerships": partners.PartnershipWriter,
    "customers": customers.CustomerWriter,
    "segments": segments.SegmentWriter,
    "campaigns": campaigns.CampaignWriter,
    "flows": flows.FlowWriter,
    "goals": goals.GoalWriter,
    "reward_totals": reward_books.TotalWriter,
    "reward_balances": reward_books.BalanceWriter,
    "reward_entries": reward_books.EntryWriter,
    "reward_participants": reward_books.ParticipantWriter,
}

READERS: dict[str, Reader] = {
    "benji": benji.READER,
}
"""By system. Where a system has no reader yet, its answers are refused by name."""
