"""Bringing in states and statistics of events that are there already."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from app.db.database import Transaction
from app.domain.attribution.keeping import note_sales
from app.domain.events import rollups
from app.domain.events.past import Brought, Fate, PastEvent, PastMetric, Understood, differs, stands
from app.domain.events.past_metric_rows import remember_late, store_metrics
from app.domain.events.past_rows import Known, Write, known_events
from app.domain.sales.references import hold_sales, mark_told_by_orders
from app.errors import NotFound
from app.tables.events import EventStatus

_PROJECT = "SELECT id, project_id FROM event WHERE group_id = $1 AND id = ANY ($2)"
_NOBODYS = datetime(1, 1, 1, tzinfo=UTC)


async def bring_in_metrics(
    tx: Transaction, told: Sequence[tuple[tuple[str, str], PastMetric]]
) -> list[Brought]:
    """Let events have these; what became of each, in their order. An event is named by a system and its id there.

    Of one key the value that is latest by its own date stands, of these and of what is there; the others are kept.
    """
    brought = [Brought() for _ in told]
    names = list(dict.fromkeys(name for name, _ in told))
    asked = [_asked(name) for name in names]
    rows, _ = await known_events(tx, asked)
    found = {name: row for name, (row, _) in zip(names, rows, strict=True)}
    changes: defaultdict[UUID, dict[str, tuple[int, PastMetric]]] = defaultdict(dict)
    known: dict[UUID, Known] = {}
    late: list[tuple[int, UUID, PastMetric]] = []
    for at, (name, metric) in enumerate(told):
        event = found[name]
        if event is None or event.status != EventStatus.PROCESSED or event.event_type_id is None:
            brought[at].failure = NotFound("event", name[1], path=["event"])
            continue
        stored, other = event.metrics.get(metric.storage_key), changes[event.id].get(metric.storage_key)
        if not stands(metric, stored) or (other is not None and other[1].rank > metric.rank):
            late.append((at, event.id, metric))
        elif differs(metric, stored):
            if other is not None:
                late.append((other[0], event.id, other[1]))
            known[event.id] = event
            changes[event.id][metric.storage_key] = (at, metric)
            brought[at].fate = Fate.MADE if stored is None else Fate.CHANGED
    if known:
        await _change(tx, {ident: some for ident, some in changes.items() if some}, known, brought)
    news = await remember_late(tx, [(ident, metric) for _, ident, metric in late])
    for at, ident, metric in late:
        kept = (ident, metric.storage_key, metric.value, metric.metric_date)
        if kept in news and brought[at].fate is Fate.SAME:
            brought[at].fate = Fate.CHANGED
    return brought


async def _change(
    tx: Transaction,
    changes: dict[UUID, dict[str, tuple[int, PastMetric]]],
    known: dict[UUID, Known],
    brought: list[Brought],
) -> None:
    of = await tx.fetch(_PROJECT, tx.scope.group_id, list(changes))
    projects: dict[UUID, int] = {row["id"]: row["project_id"] for row in of}
    sales = {event.sale_reference for event in known.values() if event.sale_reference is not None}
    await hold_sales(tx, sales)
    lost = await store_metrics(
        tx,
        [
            _write(known[ident], projects[ident], [m for _, m in some.values()])
            for ident, some in changes.items()
        ],
    )
    await mark_told_by_orders(tx, sales)
    await note_sales(tx, (event.customer_id for event in known.values()))
    for ident, some in changes.items():
        first = next(iter(some.values()))[0]
        brought[first].ids_lost = lost.get(ident, 0)
    await _count(tx, changes, known, projects)


def _asked(name: tuple[str, str]) -> PastEvent:
    system, ident = name
    return PastEvent(
        project_id=0, event_type="", occurred_at=_NOBODYS, received_at=_NOBODYS, ids={system: ident}
    )


def _write(event: Known, project_id: int, metrics: Sequence[PastMetric]) -> Write:
    told = Understood(user=None, data={}, user_data={}, is_attributable=False, metrics=metrics)
    past = PastEvent(
        project_id=project_id, event_type="", occurred_at=event.occurred_at, received_at=event.occurred_at,
        understood=told,
    )  # fmt: skip
    return Write(event.id, "", past, None, event.customer_id, event)


async def _count(
    tx: Transaction,
    changes: dict[UUID, dict[str, tuple[int, PastMetric]]],
    known: dict[UUID, Known],
    projects: dict[UUID, int],
) -> None:
    by_project: defaultdict[int, defaultdict[rollups.RollupKey, Decimal]] = defaultdict(
        lambda: defaultdict(Decimal)
    )
    for ident, some in changes.items():
        event = known[ident]
        for key, (_, metric) in some.items():
            stored = event.metrics.get(key)
            before = stored.value if stored is not None else Decimal(0)
            place = (event.event_type_id or 0, rollups.hour_of(event.occurred_at), key)
            by_project[projects[ident]][place] += metric.value - before
    for project_id, deltas in sorted(by_project.items()):
        await rollups.add_to_sums(tx, project_id, deltas)


__all__ = ["bring_in_metrics"]
