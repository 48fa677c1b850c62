"""Projects of another system: all that is told of them is their slug."""

import re
from datetime import datetime

from app.db.database import Transaction
from app.domain.rows import insert_row
from app.errors import Conflict, Invalid

_SLUG = re.compile(r"(?=.{3,64}\Z)[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_TAKEN = "SELECT group_id FROM project_slug WHERE slug = $1"
_NOTE = "INSERT INTO project_slug (slug, group_id, project_id) VALUES ($1, $2, $3)"


async def bring_in_tracking_project(tx: Transaction, slug: str, *, now: datetime) -> int:
    """A tracking project of this slug, which is its name as well; its id. Slugs are unique over all groups."""
    if _SLUG.fullmatch(slug) is None:
        raise Invalid(
            f"{slug[:80]!r} is no project's slug: 3 to 64 of a-z, 0-9 and single -.", path=["project"]
        )
    if await tx.fetchval(_TAKEN, slug) is not None:
        raise Conflict(
            f"Another group of this host has the project {slug}: slugs are unique. Rename one of the two first.",
            path=["project"],
            code="SLUG_EXISTS",
        )
    row = {"name": slug, "slug": slug, "is_internal": False, "created_at": now}
    made = await insert_row(tx, "project", row)
    await tx.execute(_NOTE, slug, tx.scope.group_id, made)
    return made
