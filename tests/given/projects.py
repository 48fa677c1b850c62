"""Tracking projects: those with a slug, and their integrations."""

from app.db.database import Database
from app.values.scope import Scope


async def tracking(
    db: Database, group_id: int, *, slug: str, store_id: int | None = None, name: str = "Shop"
) -> int:
    """A project that events are sent to under this slug; its id."""
    async with db.transaction(Scope(group_id)) as tx:
        project_id = await tx.fetchval(
            "INSERT INTO project (group_id, name, slug, store_id, is_internal)"
            " VALUES ($1, $2, $3, $4, false) RETURNING id",
            group_id, name, slug, store_id,
        )  # fmt: skip
        await tx.execute(
            "INSERT INTO project_slug (slug, group_id, project_id) VALUES ($1, $2, $3)",
            slug, group_id, project_id,
        )  # fmt: skip
    return int(project_id)


async def integration(
    db: Database,
    group_id: int,
    project_id: int,
    *,
    wmkt_id: str,
    currency: str = "EUR",
    kind: str = "custom_ads",
) -> int:
    """An integration of it; its id."""
    async with db.transaction(Scope(group_id)) as tx:
        made = await tx.fetchval(
            "INSERT INTO integration (group_id, name, project_id, kind, wmkt_id, currency)"
            " VALUES ($1, 'Ads', $2, $3, $4, $5) RETURNING id",
            group_id, project_id, kind, wmkt_id, currency,
        )  # fmt: skip
    return int(made)
