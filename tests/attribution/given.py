"""Journeys: customers of a project, what they touched, and what their events were worth."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from app.db.database import Database
from app.domain.attribution.models import JourneyTouch, Model, Sale, shares_of
from app.values.scope import Scope
from tests.given import groups
from tests.given import promos as given


@dataclass(frozen=True)
class Market:
    """A group with a project and campaigns of it."""

    group_id: int
    store_id: int
    project_id: int
    event_type_id: int
    currency: str
    campaigns: list[int]

    @property
    def scope(self) -> Scope:
        """The whole group."""
        return Scope(self.group_id)


@dataclass
class Journey:
    """A customer's touches, and an event that is worth something."""

    event_at: datetime
    amount: Decimal
    touches: list[JourneyTouch] = field(default_factory=list)
    event_id: UUID = field(default_factory=uuid4)


async def market(
    db: Database, *, currency: str = "EUR", campaigns: int = 4, channels: Sequence[str] = ("email",)
) -> Market:
    """A new group; its campaigns run in one of these channels each, in turn."""
    group = await groups.group(db, currency=currency)
    async with db.transaction(group.scope) as tx:
        project_id = await tx.fetchval(
            "INSERT INTO project (group_id, store_id, name, is_internal) VALUES ($1, $2, 'p', false) RETURNING id",
            group.group_id,
            group.store_id,
        )
        type_id = await tx.fetchval(
            "INSERT INTO event_type (group_id, project_id, reference, name) VALUES ($1, $2, 'sale', 'Sale')"
            " RETURNING id",
            group.group_id,
            project_id,
        )
        rows = await tx.fetch(
            "INSERT INTO campaign (group_id, store_id, project_id, name, status, type, objective, currency, channels,"
            " is_explicit, is_template, total_rewards)"
            " SELECT $1, $2, $3, 'c' || n, 'active', 'promotion', 'unspecified', $4,"
            "        ARRAY[($5::text[])[1 + n % cardinality($5)]], true, false, 0"
            "   FROM generate_series(0, $6::int - 1) n RETURNING id",
            group.group_id,
            group.store_id,
            project_id,
            currency,
            list(channels),
            campaigns,
        )
    ids = [int(row["id"]) for row in rows]
    return Market(group.group_id, group.store_id, int(project_id), int(type_id), currency, ids)


def attribute(
    amount: Decimal, currency: str, touches: Sequence[JourneyTouch], *, model: Model, half_life: timedelta
) -> dict[int | None, Decimal]:
    """The amount by campaign; None is direct, which also gets sales without touches. The parts add up to the amount."""
    out: dict[int | None, Decimal] = {}
    for share in shares_of(Sale(amount, currency), touches, model=model, half_life=half_life):
        if share.amount or not out:
            out[share.campaign_id] = out.get(share.campaign_id, Decimal(0)) + share.amount
    return out


async def walk(db: Database, market: Market, journeys: Sequence[Journey]) -> None:
    """Store the journeys, each of a customer of its own; those without touches of no known customer."""
    people = await given.customers(db, market.group_id, len(journeys))
    known = [(one, person if one.touches else None) for one, person in zip(journeys, people, strict=True)]
    touches = [(person, touch) for one, person in known for touch in one.touches]
    async with db.transaction(market.scope) as tx:
        await tx.execute(
            "INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, received_at, occurred_at,"
            " status, event_type_id, type_version, customer_id)"
            " SELECT $1, id, $2, 'tracker', id::text, 'sale', now(), at, 'processed', $3, 1, person"
            " FROM unnest($4::uuid[], $5::timestamptz[], $6::bigint[]) AS given (id, at, person)",
            market.group_id,
            market.project_id,
            market.event_type_id,
            [one.event_id for one, _ in known],
            [one.event_at for one, _ in known],
            [person for _, person in known],
        )
        await tx.execute(
            "INSERT INTO event_metric (group_id, event_id, project_id, customer_id, occurred_at, kind, storage_key,"
            " value, metric_date) SELECT $1, id, $2, person, at, 'statistic', 'turnover', value, at"
            " FROM unnest($3::uuid[], $4::timestamptz[], $5::bigint[], $6::numeric[]) AS given (id, at, person, value)",
            market.group_id,
            market.project_id,
            [one.event_id for one, _ in known],
            [one.event_at for one, _ in known],
            [person for _, person in known],
            [one.amount for one, _ in known],
        )
        # One by one in their order, so that those of the same instant keep it.
        await tx.execute(
            "INSERT INTO interaction (group_id, project_id, kind, customer_id, campaign_id, occurred_at, dedup_key)"
            " SELECT $1, $2, 'online', person, campaign, at, gen_random_uuid()::text"
            " FROM unnest($3::bigint[], $4::bigint[], $5::timestamptz[]) WITH ORDINALITY"
            "      AS given (person, campaign, at, place) ORDER BY place",
            market.group_id,
            market.project_id,
            [person for person, _ in touches],
            [touch.campaign_id for _, touch in touches],
            [touch.at for _, touch in touches],
        )


async def spend(db: Database, market: Market, *entries: tuple[int, str, str, str, str]) -> None:
    """Lines of the ledger: campaign, day, channel, amount, currency."""
    async with db.transaction(market.scope) as tx:
        for campaign, day, channel, amount, currency in entries:
            await tx.execute(
                "INSERT INTO spend_entry (group_id, campaign_id, source, source_ref, day, channel, amount, currency)"
                " VALUES ($1, $2, 'test', gen_random_uuid()::text, $3::text::date, $4, $5::text::numeric, $6)",
                market.group_id,
                campaign,
                day,
                channel,
                amount,
                currency,
            )
