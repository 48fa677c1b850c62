"""Changing projects."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.groups.fields import ProjectFields
from app.domain.groups.projects import update_project
from app.graph.declaring.described import object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import Administration, UserError, errors_field, own_id, writes
from app.graph.types.projects import Project


@object_type
class ProjectPayload:
    """A project that was changed."""

    project: Project | None = strawberry.field(
        default=None, description="The project as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_for(ProjectFields, first=("id",))
class ProjectUpdateInput:
    """A change of a project: fields left out stay."""

    id: strawberry.ID = strawberry.field(description="The project.")


@writes(roles=WRITERS, administration=Administration("project.update", "project", "proj"))
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ProjectUpdateInput, strawberry.argument(description="The change.")],
) -> ProjectPayload:
    """Changes a project."""
    ident = own_id(input.id, "proj", "project", "id")
    changed = await update_project(tx, ident, entry_of(ProjectFields, input))
    return ProjectPayload(project=await shown(info, tx, "Project", changed))
