"""A project whose events are counted."""

from dataclasses import dataclass

from app.db.database import Database
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
    """A new group's project, its slug after `name`, with these event types."""
    group = await groups.group(db)
    async with db.transaction(group.scope) as tx:
        slug = f"{name}-{group.group_id}"
        project_id = await tx.fetchval(
            "INSERT INTO project (group_id, name, slug, is_internal) VALUES ($1, $2, $3, false) RETURNING id",
            group.group_id,
            name,
            slug,
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
