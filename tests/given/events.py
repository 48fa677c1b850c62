"""Tracking projects with event types, and events sent to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from app.db.database import Database
from app.domain.event_types.fields import FieldEntry
from app.domain.event_types.operations import EventTypeFields, create_event_type
from app.domain.events.accepting import Acceptor
from app.domain.events.processing import process_pending
from app.domain.events.sending import sent_event
from app.tables.event_types import EventDataType, EventFieldKind
from app.values.scope import Scope
from tests.given import groups, projects

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

PURCHASE = (
    FieldEntry(storage_key="email", data_type=EventDataType.EMAIL, identity="email"),
    FieldEntry(storage_key="phone", data_type=EventDataType.PHONE, identity="phone"),
    FieldEntry(storage_key="name", identity="name"),
    FieldEntry(storage_key="label"),
    FieldEntry(storage_key="basket", data_type=EventDataType.NUMBER, is_required=True),
    FieldEntry(storage_key="turnover", kind=EventFieldKind.STATISTIC),
    FieldEntry(storage_key="converted", kind=EventFieldKind.STATE),
)


@dataclass(slots=True)
class Shop:
    """A project of a group of its own, and a queue of its own into it."""

    db: Database
    acceptor: Acceptor
    group_id: int
    project_id: int
    slug: str
    type_id: int

    @property
    def scope(self) -> Scope:
        """The whole group."""
        return Scope(self.group_id)

    async def send(
        self, nonce: str | None = None, *, event_type: str = "purchase", now: datetime = NOON, **other: Any
    ) -> UUID:
        """Accept an event; its data has what is required unless it says otherwise."""
        other.setdefault("data", {"basket": 3})
        other.setdefault("is_vouched", True)
        event = sent_event(
            self.group_id,
            self.project_id,
            project=self.slug,
            event_type=event_type,
            nonce=nonce or uuid4().hex,
            now=now,
            **other,
        )
        return await self.acceptor.accept(event)

    async def process(self, *, now: datetime = NOON) -> int:
        """Do all that waits; how many there were."""
        done = 0
        while some := await process_pending(self.db, self.group_id, now=now):
            done += some
        return done

    async def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """What a statement finds in the group."""
        async with self.db.transaction(self.scope) as tx:
            return [dict(row) for row in await tx.fetch(sql, *values)]

    async def event(self, ident: UUID) -> dict[str, Any]:
        """An event's row, documents as text."""
        (row,) = await self.rows(
            "SELECT id, status, customer_id, event_type_id, type_version, is_attributable, occurred_at, tracker_id,"
            " data::text AS data, user_data::text AS user_data FROM event WHERE id = $1",
            ident,
        )
        return row

    async def faults(self, ident: UUID) -> list[tuple[str, str | None]]:
        """Why it is in the trash."""
        found = await self.rows(
            "SELECT code, field FROM event_fault WHERE event_id = $1 ORDER BY position", ident
        )
        return [(row["code"], row["field"]) for row in found]


async def shop(
    db: Database, *, fields: Sequence[FieldEntry] = PURCHASE, group_id: int | None = None, **declared: Any
) -> Shop:
    """A project with the event type `purchase`, in this group or one of its own."""
    if group_id is None:
        group_id = (await groups.group(db)).group_id
    slug = f"shop-{uuid4().hex[:10]}"
    project_id = await projects.tracking(db, group_id, slug=slug)
    async with db.transaction(Scope(group_id)) as tx:
        type_id = await create_event_type(
            tx,
            project_id,
            EventTypeFields(name="Purchase", fields=list(fields), **declared),
            reference="purchase",
            now=NOON,
        )
    return Shop(db, Acceptor(db), group_id, project_id, slug, type_id)
