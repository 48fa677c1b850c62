"""Projects with an integration, the campaigns it tracks, and outlays."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from app.db.database import Database
from app.domain.outlays.fields import OutlayFields
from app.domain.outlays.operations import create_outlay
from app.values.scope import Scope
from tests.given import campaigns, groups

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
START = datetime(2025, 6, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Site:
    """A tracking project of a new group, with a custom integration."""

    group: groups.GivenGroup
    project_id: int
    slug: str
    integration_id: int
    wmkt_id: str

    @property
    def scope(self) -> Scope:
        """The whole group."""
        return self.group.scope

    @property
    def project_scope(self) -> Scope:
        """The project alone."""
        return Scope(self.group.group_id, project_ids=(self.project_id,))


async def site(db: Database, *, currency: str = "EUR", kind: str = "custom_ads", **group: Any) -> Site:
    """A new group with a project and an integration."""
    made = await groups.group(db, **group)
    slug = f"site-{made.group_id}"
    async with db.transaction(made.scope) as tx:
        project = await tx.fetchval(
            "INSERT INTO project (group_id, name, slug, is_internal) VALUES ($1, 'Site', $2, false) RETURNING id",
            made.group_id, slug,
        )  # fmt: skip
        await tx.execute(
            "INSERT INTO project_slug (slug, group_id, project_id) VALUES ($1, $2, $3)",
            slug,
            made.group_id,
            project,
        )
    integration_id, wmkt_id = await integration(db, made.scope, project, currency=currency, kind=kind)
    return Site(made, project, slug, integration_id, wmkt_id)


async def integration(
    db: Database, scope: Scope, project_id: int, *, currency: str = "EUR", kind: str = "custom_ads"
) -> tuple[int, str]:
    """A further integration; its id and its tracking id."""
    wmkt_id = uuid4().hex[:12]
    async with db.transaction(scope) as tx:
        found = await tx.fetchval(
            "INSERT INTO integration (group_id, name, project_id, kind, wmkt_id, currency)"
            " VALUES ($1, 'Posters', $2, $3, $4, $5) RETURNING id",
            scope.group_id, project_id, kind, wmkt_id, currency,
        )  # fmt: skip
    return int(found), wmkt_id


async def campaign(db: Database, where: Site, slug: str = "metro", **fields: Any) -> int:
    """A campaign the site's integration tracks."""
    given = {"integration_id": where.integration_id, "slug": slug, "channels": ["custom_ads"], **fields}
    return await campaigns.campaign(db, where.scope, **given)


async def outlay(
    db: Database,
    scope: Scope,
    campaign_id: int,
    amount: str = "100.00",
    *,
    starts_at: datetime = START,
    days: float = 10,
    **more: Any,
) -> int:
    """An outlay of so many days."""
    fields = OutlayFields(
        campaign_id=campaign_id,
        amount=Decimal(amount),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(days=days),
        **more,
    )
    async with db.transaction(scope) as tx:
        return await create_outlay(tx, fields, now=NOON)
