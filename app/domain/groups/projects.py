"""Projects: found by slug or id, made, changed, archived.

An archived project takes nothing new: no events, event types, integrations, interactions or campaigns. What is there
stays and is shown; its campaigns run on, and its slug stays its own.
"""

from datetime import datetime

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain import inputs
from app.domain.borders import PROJECT_BORDERS, borders
from app.domain.external_ids.finding import rows_known_as
from app.domain.groups.fields import ProjectFields
from app.domain.groups.finding import store_to_write
from app.domain.groups.operations import whole_group
from app.domain.groups.slugs import candidates, first_free
from app.domain.inputs import Path
from app.domain.rows import insert_row, update_row
from app.domain.settable import path_of, written
from app.errors import Conflict, Invalid, NotFound
from app.values.ids import read_id
from app.values.systems import read_reference

ARCHIVED = "PROJECT_ARCHIVED"

_NAMED = f"SELECT project.id FROM project WHERE {PROJECT_BORDERS} AND (project.slug = $4 OR project.id = $5)"
# Held until COMMIT against archiving, which asks for the whole row.
_OPEN = f"""
SELECT project.id, project.archived_at FROM project
 WHERE {PROJECT_BORDERS} AND (project.slug = $4 OR project.id = $5) FOR KEY SHARE
"""
# Of several that make projects of one name at once each sees what the one before took.
_ONE_AFTER_ANOTHER = "SELECT pg_advisory_xact_lock(hashtextextended('project_slug ' || $1, 0))"
_TAKEN = "SELECT slug FROM project_slug WHERE slug = ANY ($1)"
_INSERT_SLUG = "INSERT INTO project_slug (slug, group_id, project_id) VALUES ($1, $2, $3)"
_LOCK = f"SELECT store_id, is_internal FROM project WHERE {PROJECT_BORDERS} AND project.id = $4 FOR UPDATE"
_ARCHIVE = """
UPDATE project SET archived_at = $3
 WHERE group_id = $1 AND id = $2 AND (archived_at IS NULL) = ($3::timestamptz IS NOT NULL)
"""


async def project_named(tx: Transaction, named: str, *, path: Path = ("project",)) -> int:
    """The project with this slug or id (`proj_7`, `webmarketer:…`), inside the scope.

    A slug has neither `_` nor `:`, so it is never both.
    """
    found = await tx.fetchval(_NAMED, *borders(tx.scope), named, await _id_in(tx, named))
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


async def open_project_named(tx: Transaction, named: str, *, path: Path = ("project",)) -> int:
    """The same, for something new in it: Conflict where it is archived."""
    found = await tx.fetchrow(_OPEN, *borders(tx.scope), named, await _id_in(tx, named))
    if found is None:
        raise NotFound("project", named, path=path)
    if found["archived_at"] is not None:
        raise is_archived(path)
    return int(found["id"])


async def _id_in(tx: Transaction, named: str) -> int | None:
    """The id that the text is, of ours or in another system; None where it can only be a slug."""
    reference = read_reference(named)
    if reference is None:
        return read_id("proj", named)
    found = (await rows_known_as(tx, "proj", reference.system, [reference.id])).get(reference.id)
    return None if found is None else int(found)


async def slug_of(tx: Transaction, named: str) -> str:
    """The slug of the project with this slug or id. Internal projects have none, and are not found."""
    if read_id("proj", named) is None and read_reference(named) is None:
        return named
    slug = await tx.fetchval(
        "SELECT slug FROM project WHERE group_id = $1 AND id = $2",
        tx.scope.group_id,
        await project_named(tx, named),
    )
    if slug is None:
        raise NotFound("project", named, path=["project"])
    return str(slug)


def is_archived(path: Path) -> Conflict:
    """What is said of anything new in an archived project."""
    return Conflict("The project is archived: it takes nothing new.", path=path, code=ARCHIVED)


async def create_project(tx: Transaction, given: ProjectFields, *, now: datetime) -> int:
    """A new tracking project; its id. Its slug is made of its name unless one is given, and stays."""
    values = written(given)
    if "name" not in values:
        raise Invalid("A project needs a name.", path=path_of(ProjectFields, "name"))
    store_id = values.get("store_id")
    if store_id is not None or tx.scope.store_id is not None:
        store_id = (await store_to_write(tx, store_id)).id
    slug = values.get("slug")
    if slug is None:
        wanted = candidates(values["name"])
        await tx.execute(_ONE_AFTER_ANOTHER, wanted[0])
        slug = first_free(wanted, {row["slug"] for row in await tx.fetch(_TAKEN, wanted)})
    row = {**values, "slug": slug, "store_id": store_id, "is_internal": False, "created_at": now}
    made = await insert_row(tx, "project", row)
    with refusals():
        await tx.execute(_INSERT_SLUG, slug, tx.scope.group_id, made)
    return made


async def update_project(tx: Transaction, project_id: int, given: ProjectFields) -> int:
    """Change what was sent; the id."""
    values = written(given)
    changes = "".join(f", {column} = ${n}" for n, column in enumerate(values, start=5))
    # No change is a question whether the row is there.
    change = f"UPDATE project SET group_id = group_id{changes} WHERE {PROJECT_BORDERS} AND project.id = $4"
    if not await tx.execute(change, *borders(tx.scope), project_id, *values.values()):
        raise NotFound("project", project_id, path=["id"])
    return project_id


async def archive_project(tx: Transaction, project_id: int, *, now: datetime) -> int:
    """Take nothing new in it; the id. Doing it twice changes nothing more. Not for one made for a campaign."""
    if await _is_internal(tx, project_id):
        raise Conflict(
            "This project was made by itself for a campaign; delete or complete that one instead.",
            path=["id"],
        )
    await tx.execute(_ARCHIVE, tx.scope.group_id, project_id, now)
    return project_id


async def restore_project(tx: Transaction, project_id: int) -> int:
    """Take new things in it again; the id."""
    await _is_internal(tx, project_id)
    await tx.execute(_ARCHIVE, tx.scope.group_id, project_id, None)
    return project_id


async def _is_internal(tx: Transaction, project_id: int) -> bool:
    """Hold the project until COMMIT; whether it was made by itself. The whole group's is not a store's to close."""
    found = await tx.fetchrow(_LOCK, *borders(tx.scope), project_id)
    if found is None:
        raise NotFound("project", project_id, path=["id"])
    if found["store_id"] is None:
        whole_group(tx)
    return bool(found["is_internal"])
