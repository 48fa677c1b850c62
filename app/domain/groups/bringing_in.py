"""Projects of another system: all that is told of them is their slug."""

import re
from datetime import datetime

from app.db.database import Transaction
from app.domain.rows import insert_row
from app.errors import Conflict, Invalid

_SLUG = re.compile(r"(?=.{3,64}\Z)[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_TAKEN = "SELECT group_id FROM project_slug WHERE slug = $1"
_NOTE = "INSERT INTO project_slug (slug, group_id, project_id) VALUES ($1, $2, $3)"
_TAKE = """
UPDATE project p SET slug = $3, is_internal = false
  FROM campaign c
 WHERE c.group_id = $1 AND c.id = $2 AND p.group_id = $1 AND p.id = c.project_id
   AND p.is_internal AND p.slug IS NULL AND p.archived_at IS NULL
RETURNING p.id
"""


async def bring_in_tracking_project(
    tx: Transaction, slug: str, *, campaign_id: int | None = None, now: datetime
) -> int:
    """A tracking project of this slug; its id. Slugs are unique over all groups.

    It is the internal one that this campaign is in already, where there is one: another system printed that with a
    number and a name, and no slug. Else one is made, with the slug for a name.
    """
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
    made = None if campaign_id is None else await tx.fetchval(_TAKE, tx.scope.group_id, campaign_id, slug)
    if made is None:
        row = {"name": slug, "slug": slug, "is_internal": False, "created_at": now}
        made = await insert_row(tx, "project", row)
    await tx.execute(_NOTE, slug, tx.scope.group_id, made)
    return int(made)
