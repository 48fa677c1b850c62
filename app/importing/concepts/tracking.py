"""What Webmarketer's rows stand in: projects, found by their slugs, and made where there is none."""

from collections.abc import Iterable
from datetime import datetime

from app.db.database import Transaction
from app.domain.groups.bringing_in import bring_in_tracking_project
from app.errors import Failure
from app.values.ids import read_id

_PROJECTS = "SELECT id, slug FROM project WHERE group_id = $1 AND (slug = ANY ($2) OR id = ANY ($3))"


async def projects_of(
    tx: Transaction, names: Iterable[str], *, campaign_id: int | None = None, now: datetime
) -> dict[str, int | Failure]:
    """By slug (or our own id, `proj_7`), the projects' ids, or why there is none. `campaign_id`: one that is in it."""
    asked = list(dict.fromkeys(names))
    if not asked:
        return {}
    numbers = [number for name in asked if (number := read_id("proj", name)) is not None]
    rows = await tx.fetch(_PROJECTS, tx.scope.group_id, asked, numbers)
    found: dict[str, int | Failure] = {}
    for row in rows:
        found |= {name: int(row["id"]) for name in (row["slug"], f"proj_{row['id']}") if name in asked}
    for name in asked:
        if name not in found:
            try:
                found[name] = await bring_in_tracking_project(tx, name, campaign_id=campaign_id, now=now)
            except Failure as failure:
                found[name] = failure
    return found


async def project_of(tx: Transaction, name: str, *, campaign_id: int | None = None, now: datetime) -> int:
    """The same for one."""
    found = (await projects_of(tx, [name], campaign_id=campaign_id, now=now))[name]
    if isinstance(found, Failure):
        raise found
    return found
