"""A project whose events are counted."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.db.database import Database
from app.domain.events.rollups import EVENT_COUNT, RollupKey, add_to_sums, hour_of
from app.values.scope import Scope
from tests.given import groups


@dataclass(frozen=True)
class Tracking:
    """A group with a tracking project and event types of it."""

    group_id: int
    project_id: int
    slug: str
    types: dict[str, int]
    """By reference."""

    @property
    def scope(self) -> Scope:
        """The whole group."""
        return Scope(self.group_id)


async def tracking(db: Database, name: str, *, types: tuple[str, ...] = ("lead", "sale")) -> Tracking:
    """A project of a new group's store, its slug after `name`, with these event types."""
    group = await groups.group(db)
    async with db.transaction(group.scope) as tx:
        slug = f"{name}-{group.group_id}"
        project_id = await tx.fetchval(
            "INSERT INTO project (group_id, store_id, name, slug, is_internal)"
            " VALUES ($1, $4, $2, $3, false) RETURNING id",
            group.group_id,
            name,
            slug,
            group.store_id,
        )
        rows = await tx.fetch(
            "INSERT INTO event_type (group_id, project_id, reference, name)"
            " SELECT $1, $2, unnest($3::text[]), 'A type' RETURNING reference, id",
            group.group_id,
            project_id,
            list(types),
        )
    async with db.directory() as directory:
        await directory.execute(
            "INSERT INTO project_slug (slug, group_id, project_id) VALUES ($1, $2, $3)",
            slug,
            group.group_id,
            project_id,
        )
    return Tracking(group.group_id, int(project_id), slug, {row["reference"]: row["id"] for row in rows})


@dataclass
class Counted:
    """An event as the test remembers it."""

    id: UUID
    reference: str
    occurred_at: datetime
    processed: bool
    values: dict[str, Decimal]
    """By storage key; states are 0 or 1."""


STATES = frozenset({"converted", "rdv"})


async def write(db: Database, given: Tracking, events: list[Counted]) -> None:
    """Events and their metrics, and the hourly sums in the same transaction, as whoever takes events in does."""
    metrics = [(one, key, value) for one in events if one.processed for key, value in one.values.items()]
    async with db.transaction(given.scope) as tx:
        await tx.execute(
            "INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, received_at, occurred_at,"
            " status, event_type_id, type_version)"
            " SELECT $1, id, $2, 'tracker', id::text, reference, now(), at, status, type_id, 1"
            " FROM unnest($3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::bigint[])"
            " AS given (id, reference, at, status, type_id)",
            given.group_id,
            given.project_id,
            [one.id for one in events],
            [one.reference for one in events],
            [one.occurred_at for one in events],
            ["processed" if one.processed else "trashed" for one in events],
            [given.types[one.reference] for one in events],
        )
        await tx.execute(
            "INSERT INTO event_metric (group_id, event_id, project_id, occurred_at, kind, storage_key, value,"
            " metric_date) SELECT $1, id, $2, at, kind, key, value, at"
            " FROM unnest($3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::numeric[])"
            " AS given (id, at, kind, key, value)",
            given.group_id,
            given.project_id,
            [one.id for one, _, _ in metrics],
            [one.occurred_at for one, _, _ in metrics],
            ["state" if key in STATES else "statistic" for _, key, _ in metrics],
            [key for _, key, _ in metrics],
            [value for _, _, value in metrics],
        )
        await add_to_sums(tx, given.project_id, worth(given, events))


async def replay(db: Database, given: Tracking, event: Counted) -> None:
    """What was in the trash is processed after all."""
    async with db.transaction(given.scope) as tx:
        await tx.execute("DELETE FROM event WHERE group_id = $1 AND id = $2", given.group_id, event.id)
    event.processed = True
    await write(db, given, [event])


async def update(db: Database, given: Tracking, event: Counted, key: str, value: Decimal) -> None:
    """A state or statistic has another value from now on."""
    before = event.values[key]
    event.values[key] = value
    async with db.transaction(given.scope) as tx:
        await tx.execute(
            "UPDATE event_metric SET value = $4 WHERE group_id = $1 AND event_id = $2 AND storage_key = $3",
            given.group_id,
            event.id,
            key,
            value,
        )
        at = (given.types[event.reference], hour_of(event.occurred_at), key)
        await add_to_sums(tx, given.project_id, {at: value - before})


def worth(given: Tracking, events: Iterable[Counted]) -> dict[RollupKey, Decimal]:
    """By how much these events move the hourly sums."""
    sums: dict[RollupKey, Decimal] = defaultdict(Decimal)
    for one in events:
        if one.processed:
            type_id, hour = given.types[one.reference], hour_of(one.occurred_at)
            sums[type_id, hour, EVENT_COUNT] += 1
            for key, value in one.values.items():
                sums[type_id, hour, key] += value
    return sums
