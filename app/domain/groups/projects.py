"""Finding the project a request is about, by its slug or its id."""

from app.db.database import Transaction
from app.domain.borders import PROJECT_BORDERS, borders
from app.domain.inputs import Path
from app.errors import NotFound
from app.values.ids import read_id

_NAMED = f"SELECT project.id FROM project WHERE {PROJECT_BORDERS} AND (project.slug = $4 OR project.id = $5)"


async def project_named(tx: Transaction, named: str, *, path: Path = ("project",)) -> int:
    """The project with this slug or id (`proj_7`), inside the scope. A slug has no `_`, so it is never both."""
    found = await tx.fetchval(_NAMED, *borders(tx.scope), named, read_id("proj", named))
    if found is None:
        raise NotFound("project", named, path=path)
    return int(found)
