"""Finding the project a request is about, by its slug or its id; and changing it."""

from datetime import datetime

from app.db.database import Transaction
from app.domain import inputs
from app.domain.borders import PROJECT_BORDERS, borders
from app.domain.groups.fields import ProjectFields
from app.domain.inputs import Path
from app.domain.rows import insert_row, update_row
from app.domain.settable import written
from app.errors import Invalid, NotFound
from app.values.ids import read_id

_NAMED = f"SELECT project.id FROM project WHERE {PROJECT_BORDERS} AND (project.slug = $4 OR project.id = $5)"


async def project_named(tx: Transaction, named: str, *, path: Path = ("project",)) -> int:
    """The project with this slug or id (`proj_7`), inside the scope. A slug has no `_`, so it is never both."""
    found = await tx.fetchval(_NAMED, *borders(tx.scope), named, read_id("proj", named))
    if found is None:
        raise NotFound("project", named, path=path)
    return int(found)


async def bring_in_project(
    tx: Transaction,
    project_id: int | None,
    *,
    name: str | None,
    store_id: int | None = None,
    is_internal: bool = True,
    created_at: datetime,
) -> int:
    """Make an internal project as another system has it, or call it as it is called there; its id."""
    if name is not None:
        name = inputs.name(name, ["name"])
    if project_id is None:
        if name is None:
            raise Invalid("A project needs a name.", path=["name"])
        row = {"name": name, "is_internal": is_internal, "store_id": store_id, "created_at": created_at}
        return await insert_row(tx, "project", row)
    if name is not None and not await update_row(tx, "project", project_id, {"name": name}):
        raise NotFound("project", project_id, path=["id"])
    return project_id


async def update_project(tx: Transaction, project_id: int, given: ProjectFields) -> int:
    """Change what was sent; the id."""
    values = written(given)
    changes = "".join(f", {column} = ${n}" for n, column in enumerate(values, start=5))
    change = f"UPDATE project SET name = name{changes} WHERE {PROJECT_BORDERS} AND project.id = $4"
    if not await tx.execute(change, *borders(tx.scope), project_id, *values.values()):
        raise NotFound("project", project_id, path=["id"])
    return project_id
