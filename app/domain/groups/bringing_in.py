"""Projects of another system: all that is told of them is their slug."""

from datetime import datetime

from app.db.database import Transaction
from app.domain.groups.slugs import is_slug, slug_of
from app.domain.rows import insert_row, update_row
from app.errors import Conflict, Invalid

_TAKEN = "SELECT group_id FROM project_slug WHERE slug = $1"
_NOTE = "INSERT INTO project_slug (slug, group_id, project_id) VALUES ($1, $2, $3)"


_BROUGHT_IN = """
SELECT id, name FROM project
 WHERE group_id = $1 AND is_internal AND slug IS NULL AND archived_at IS NULL AND known_as_id <> '{}'
 ORDER BY id FOR NO KEY UPDATE
"""


async def bring_in_tracking_project(tx: Transaction, slug: str, *, now: datetime) -> int:
    """A tracking project of this slug; its id. Slugs are unique over all groups.

    An internal one that another system brought in is taken, where its name makes this slug and no other's does: La
    Griffe prints a project's number and name, Webmarketer its slug. Else one is made, with the slug for a name.
    """
    if not is_slug(slug):
        raise Invalid(
            f"{slug[:80]!r} is no project's slug: 3 to 64 of a-z, 0-9 and single -.", path=["project"]
        )
    if await tx.fetchval(_TAKEN, slug) is not None:
        raise Conflict(
            f"Another group of this host has the project {slug}: slugs are unique. Rename one of the two first.",
            path=["project"],
            code="SLUG_EXISTS",
        )
    alike: list[int] = [
        row["id"] for row in await tx.fetch(_BROUGHT_IN, tx.scope.group_id) if slug_of(row["name"]) == slug
    ]
    if len(alike) == 1:
        (made,) = alike
        await update_row(tx, "project", made, {"slug": slug, "is_internal": False})
    else:
        row = {"name": slug, "slug": slug, "is_internal": False, "created_at": now}
        made = await insert_row(tx, "project", row)
    await tx.execute(_NOTE, slug, tx.scope.group_id, made)
    return made
