"""Touches of funnels, in bulk: each reference of a source once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.funnels.touches import Touch, record_touches
from app.errors import Failure, Invalid, Several
from app.importing.concepts.whom import Named
from app.importing.records import Columns, Outcome, Record, RefusedTogether, Verdict
from app.importing.values import RowReader, instant, text
from app.tables.funnels import FunnelStage
from app.values.instants import show_instant

_STORED = "SELECT source_ref FROM funnel_touch WHERE group_id = $1 AND source = $2 AND source_ref = ANY ($3)"


class TouchWriter:
    """Records touches. A touch without a reference is known by who reached what when."""

    columns = Columns(
        known=("reference", "customer", "stage", "occurred_at", "channel", "campaign", "source"),
        also={
            "id": "reference", "external_id": "reference", "customer_id": "customer",
            "customer_external_id": "customer", "customer_email": "customer", "email": "customer", "at": "occurred_at",
            "campaign_id": "campaign",
        },
        moments=frozenset({"occurred_at"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        named = Named(tx, records)
        await named.look_up("customer", "campaign")
        faults: dict[int, Failure] = {}
        by_source: dict[str, list[tuple[int, Touch]]] = {}
        for at, record in enumerate(records):
            try:
                source, touch = _touch(record, named)
                by_source.setdefault(source, []).append((at, touch))
            except Failure as failure:
                faults[at] = failure
        if faults:
            raise RefusedTogether(faults)
        outcomes = [Outcome(Verdict.SAME)] * len(records)
        for source, found in by_source.items():
            references = [touch.reference for _, touch in found]
            rows = await tx.fetch(_STORED, tx.scope.group_id, source, references)
            known = {row["source_ref"] for row in rows}
            try:
                await record_touches(tx, [touch for _, touch in found], source=source, now=now)
            except Several as several:
                raise RefusedTogether(
                    {found[int(f.path[1])][0]: _told(f) for f in several.failures}
                ) from None
            for at, touch in found:
                if touch.reference not in known:
                    known.add(touch.reference)
                    outcomes[at] = Outcome(Verdict.MADE)
        return outcomes


def _touch(record: Record, named: Named) -> tuple[str, Touch]:
    row = RowReader(record.values)
    given = row.take("customer", lambda value, name: value)
    customer = named.take("customer", given)
    if customer is None:
        raise Invalid("`customer` says who it was.", path=["customer"])
    stage = (row.take("stage", text) or "").lower()
    if stage not in list(FunnelStage):
        raise Invalid(f"`stage` is one of {', '.join(FunnelStage)}.", path=["stage"])
    occurred_at = row.take("occurred_at", instant)
    if occurred_at is None:
        raise Invalid("`occurred_at` says when it was.", path=["occurred_at"])
    reference = row.take("reference", text) or f"{customer}/{stage}/{show_instant(occurred_at)}"
    touch = Touch(
        customer_id=customer,
        stage=FunnelStage(stage),
        reference=reference,
        occurred_at=occurred_at,
        channel=row.take("channel", text),
        campaign_id=named.take("campaign", row.take("campaign", lambda value, name: value)),
    )
    source = row.take("source", text) or record.system
    row.nothing_left(TouchWriter.columns.known)
    return source, touch


def _told(failure: Failure) -> Failure:
    """A failure of the whole call, about one row."""
    names: dict[Any, str] = {"occurredAt": "occurred_at", "campaignId": "campaign", "customerId": "customer"}
    failure.path = [names.get(step, step) for step in failure.path[2:]]
    return failure
