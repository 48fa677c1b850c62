"""How much providers of webhooks had sent to another system."""

from collections.abc import Sequence
from datetime import datetime

from app.db.database import Transaction
from app.domain import inputs
from app.domain.webhooks.bringing_in import bring_in_counts
from app.errors import Invalid
from app.importing.concepts.singly import one_by_one
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, instant, text, whole
from app.tables.webhooks import Provider


class WebhookProviderWriter:
    """Counts what was received elsewhere. Connections are made anew: their secrets are printed nowhere."""

    columns = Columns(
        known=("provider", "events_received", "last_event"),
        also={"id": "provider", "external_id": "provider", "last_event_at": "last_event"},
        amounts=frozenset({"events_received"}),
        moments=frozenset({"last_event"}),
        unkept=frozenset({"name", "status"}),
    )

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be."""
        return await one_by_one(tx, records, _write, now=now)


async def _write(tx: Transaction, record: Record, *, now: datetime) -> Verdict:
    row = RowReader(record.values)
    provider = (row.take("provider", text) or "").lower()
    events = row.take("events_received", whole)
    last_event = row.take("last_event", instant)
    row.nothing_left(WebhookProviderWriter.columns.known)
    if provider not in list(Provider):
        raise Invalid(f"`provider` is one of {', '.join(Provider)}.", path=["provider"])
    if events is None and last_event is None:
        return Verdict.SAME
    events = inputs.count(events or 0, ["events_received"])
    if last_event is not None:
        inputs.past(last_event, ["last_event"], now=now)
    changed = await bring_in_counts(tx, Provider(provider), events, last_event_at=last_event, now=now)
    return Verdict.CHANGED if changed else Verdict.SAME
