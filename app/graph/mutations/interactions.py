"""Recording interactions, on the site and off it."""

import hashlib
from typing import Annotated

import strawberry

from app.auth.principal import WRITERS, Role
from app.db.database import Transaction
from app.domain import inputs
from app.domain.groups.projects import open_project_named
from app.domain.interactions import recording
from app.domain.interactions.recording import MAX_KEY, Offline, Visit
from app.errors import Invalid
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.scalars import JSON, DateTime
from app.graph.declaring.writing import UserError, errors_field, given, optional, writes
from app.graph.types.interactions import Interaction
from app.values.json_text import write_json

TRACKERS = WRITERS | {Role.TRACKER}
"""Who may tell that somebody came to the site: also the page itself."""


@object_type
class InteractionPayload:
    """An interaction that was recorded."""

    interaction: Interaction | None = strawberry.field(
        default=None,
        description="The interaction, also where it was recorded before; null: errors say why nothing was done.",
    )
    errors: list[UserError] = errors_field()


@input_type
class InteractionRecordInput:
    """Somebody came to the site."""

    project: str = strawberry.field(description="The project: its slug or its id.")
    tracker_id: str = strawberry.field(description="Which browser or device it is, 255 characters at most.")
    landing_url: str | None = optional(
        "The address they came to. Its parameters wmktid and cid say which integration and campaign led there."
    )
    referrer: str | None = optional("The address they came from.")
    occurred_at: DateTime | None = optional("When; now unless given.")
    nonce: str | None = optional(
        "The sender's own name for it: the same one again is the same visit. Unless given, the same browser at the same"
        " address and moment is."
    )


@input_type
class InteractionRecordOfflineInput:
    """A contact out of the website."""

    project: str = strawberry.field(description="The project: its slug or its id.")
    node_data: JSON | None = optional(
        "An object about the advertiser's side: `wmktId` names a custom integration, `cid` a campaign by slug or id;"
        " whatever else is kept."
    )
    user_data: JSON | None = optional("An object of the project's identity fields, such as email and phone.")
    occurred_at: DateTime | None = optional("When; now unless given.")
    nonce: str | None = optional(
        "The sender's own name for it: the same one again is the same contact. Unless given, the same person"
        " and data at the same moment are; without a person each contact is one of its own."
    )


@writes(roles=TRACKERS)
async def record(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[InteractionRecordInput, strawberry.argument(description="The visit.")],
) -> InteractionPayload:
    """Records that somebody came to the site. The same visit counts once."""
    occurred_at = given(input.occurred_at) or info.context.now
    landing, referrer = given(input.landing_url), given(input.referrer)
    nonce = given(input.nonce)
    if nonce is None:
        told = write_json([input.tracker_id, landing, occurred_at.isoformat()])
        nonce = hashlib.sha256(told).hexdigest()
    tracker = inputs.text(input.tracker_id, ["trackerId"], longest=MAX_KEY, blank=False)
    visit = Visit(
        project_id=await open_project_named(tx, input.project),
        tracker_id=tracker,
        landing_url=None if landing is None else inputs.text(landing, ["landingUrl"]),
        referrer=None if referrer is None else inputs.text(referrer, ["referrer"]),
        occurred_at=occurred_at,
        dedup_key=f"online:{inputs.text(nonce, ['nonce'], longest=MAX_KEY, blank=False)}",
    )
    [made] = await recording.record_online(tx, [visit], now=info.context.now)
    return InteractionPayload(interaction=await shown(info, tx, "Interaction", made))


@writes(roles=WRITERS)
async def record_offline(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[InteractionRecordOfflineInput, strawberry.argument(description="The contact.")],
) -> InteractionPayload:
    """Records a contact out of the website. The same contact counts once."""
    told = Offline(
        node_data=_object(input.node_data, "nodeData"),
        user_data=_object(input.user_data, "userData"),
        occurred_at=given(input.occurred_at),
        dedup_key=given(input.nonce),
    )
    project_id = await open_project_named(tx, input.project)
    made = await recording.record_offline(tx, project_id, told, now=info.context.now)
    return InteractionPayload(interaction=await shown(info, tx, "Interaction", made))


def _object(sent: object, name: str) -> dict[str, object]:
    """An object; absent and null count as an empty one, and so does an empty list, which is how PHP writes it."""
    value = given(sent)
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise Invalid(f"`{name}` must be an object.", path=[name])
    return value
