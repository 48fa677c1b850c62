"""States and statistics of events that are there, in bulk: the value they have, and since when."""

from collections.abc import Sequence
from datetime import datetime

from app.db.database import Transaction
from app.domain.events.past import PastMetric
from app.domain.events.past_metrics import bring_in_metrics
from app.errors import Failure, Invalid
from app.importing.concepts.events import metric_of
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, text


class EventMetricWriter:
    """Lets events have these states and statistics."""

    columns = Columns(
        known=(
            "external_id", "event", "kind", "storage_key", "value", "metric_date", "created_at", "updated_at",
        ),
        also={"id": "external_id", "event_id": "event", "type": "kind", "date": "metric_date"},
        amounts=frozenset({"value"}),
        moments=frozenset({"metric_date", "created_at", "updated_at"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All that can be; the others say why not."""
        outcomes: list[Outcome | None] = [None] * len(records)
        told: list[tuple[tuple[str, str], PastMetric]] = []
        places: list[int] = []
        for at, record in enumerate(records):
            try:
                row = RowReader(record.values)
                event = row.take("event", text)
                if not event:
                    raise Invalid("A state or statistic names its `event`.", path=["event"])
                system, ident = next(iter(record.external_ids.items()), ("", None))
                if ident:
                    row.rest["external_id"] = ident
                told.append(((system, event), metric_of(row.rest, system, now)))
                places.append(at)
            except Failure as failure:
                outcomes[at] = Outcome.refused(failure)
        for at, brought in zip(places, await bring_in_metrics(tx, told), strict=True):
            if brought.failure is not None:
                outcomes[at] = Outcome.refused(brought.failure)
            else:
                outcomes[at] = Outcome(Verdict(brought.fate.value), None, ["_id"] * brought.ids_lost)
        return [outcome for outcome in outcomes if outcome is not None]
