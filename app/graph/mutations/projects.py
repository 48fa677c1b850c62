"""Making, changing and archiving projects."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.groups.fields import ProjectFields
from app.domain.groups.projects import archive_project, create_project, restore_project, update_project
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.permitting import NO_PROJECTS
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import Administration, UserError, errors_field, own_id, writes
from app.graph.types.projects import Project


@object_type
class ProjectPayload:
    """A project that was written."""

    project: Project | None = strawberry.field(
        default=None, description="The project as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_for(ProjectFields, required=("name",))
class ProjectCreateInput:
    """A new tracking project."""


@input_for(
    ProjectFields,
    only=("name", "identity_fields", "max_event_bytes", "clock_ahead_s", "clock_behind_s"),
    first=("id",),
)
class ProjectUpdateInput:
    """A change of a project: fields left out stay."""

    id: strawberry.ID = strawberry.field(description="The project.")


@input_type
class ProjectNameInput:
    """A project to archive or to restore."""

    id: strawberry.ID = strawberry.field(description="The project.")


@writes(roles=WRITERS, administration=Administration("project.create", "project", "proj"), shapes=NO_PROJECTS)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ProjectCreateInput, strawberry.argument(description="The project.")],
) -> ProjectPayload:
    """Makes a tracking project. It takes events at once, under its slug."""
    made = await create_project(tx, entry_of(ProjectFields, input), now=info.context.now)
    return ProjectPayload(project=await shown(info, tx, "Project", made))


@writes(roles=WRITERS, administration=Administration("project.update", "project", "proj"))
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ProjectUpdateInput, strawberry.argument(description="The change.")],
) -> ProjectPayload:
    """Changes a project. Its slug and its store stay."""
    ident = own_id(input.id, "proj", "project", "id")
    changed = await update_project(tx, ident, entry_of(ProjectFields, input))
    return ProjectPayload(project=await shown(info, tx, "Project", changed))


@writes(
    roles=WRITERS, administration=Administration("project.archive", "project", "proj"), shapes=NO_PROJECTS
)
async def archive(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ProjectNameInput, strawberry.argument(description="Which one.")],
) -> ProjectPayload:
    """Archives a project: it takes no events, event types, integrations, interactions or campaigns any more. What is
    in it stays, campaigns run on, and nobody else gets its slug.
    """
    ident = own_id(input.id, "proj", "project", "id")
    await archive_project(tx, ident, now=info.context.now)
    return ProjectPayload(project=await shown(info, tx, "Project", ident))


@writes(
    roles=WRITERS, administration=Administration("project.restore", "project", "proj"), shapes=NO_PROJECTS
)
async def restore(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ProjectNameInput, strawberry.argument(description="Which one.")],
) -> ProjectPayload:
    """Takes new things in an archived project again."""
    ident = own_id(input.id, "proj", "project", "id")
    await restore_project(tx, ident)
    return ProjectPayload(project=await shown(info, tx, "Project", ident))
