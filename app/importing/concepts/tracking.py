"""What Webmarketer's rows stand in: projects, found by their slugs, and made where there is none."""

from collections.abc import Iterable
from datetime import datetime

from app.db.database import Transaction
from app.errors import NotFound
from app.values.ids import read_id

_PROJECTS = "SELECT id, slug FROM project WHERE group_id = $1 AND (slug = ANY ($2) OR id = ANY ($3))"


async def projects_of(tx: Transaction, names: Iterable[str], *, now: datetime) -> dict[str, int]:
    """By slug (or our own id, `proj_7`), the projects' ids."""
    asked = list(dict.fromkeys(names))
    numbers = [number for name in asked if (number := read_id("proj", name)) is not None]
    rows = await tx.fetch(_PROJECTS, tx.scope.group_id, asked, numbers) if asked else []
    found = {row["slug"]: int(row["id"]) for row in rows if row["slug"] in asked}
    return found | {f"proj_{row['id']}": int(row["id"]) for row in rows if f"proj_{row['id']}" in asked}


async def project_of(tx: Transaction, name: str, *, now: datetime) -> int:
    """The same for one."""
    found = (await projects_of(tx, [name], now=now)).get(name)
    if found is None:
        raise NotFound("project", name, path=["project"])
    return found
