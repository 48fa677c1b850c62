"""Integrations: connections of a project to an advertising tool, each with an id of its own in tracking links.

Source: Webmarketer API 1.0.0, "Custom Ads" and "Interactions".
"""

import secrets
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.borders import PROJECT_BORDERS, borders
from app.domain.groups.finding import currency_of_group
from app.domain.groups.projects import open_project_named
from app.domain.inputs import Path
from app.domain.integrations.fields import CUSTOM_ADS, IntegrationFields
from app.domain.rows import insert_row
from app.domain.settable import path_of, written
from app.errors import Conflict, Invalid, NotFound

_FOUND = f"""
SELECT integration.id, integration.project_id, integration.name, integration.kind, integration.currency,
       project.store_id, integration.archived_at
  FROM integration JOIN project ON project.group_id = $1 AND project.id = integration.project_id
 WHERE {PROJECT_BORDERS} AND integration.group_id = $1
"""
_LOCK = "SELECT 1 FROM integration WHERE group_id = $1 AND id = $2 FOR UPDATE"
_ARCHIVE = """
UPDATE integration SET archived_at = $3
 WHERE group_id = $1 AND id = $2 AND (archived_at IS NULL) = ($3::timestamptz IS NOT NULL)
"""
_RENAME = "UPDATE integration SET name = $3 WHERE group_id = $1 AND id = $2 AND name <> $3"


def is_custom(kind: str) -> bool:
    """Whether we may make its campaigns and offline interactions: `custom_ads`, `custom_sheet`, …"""
    return kind == "custom" or kind.startswith("custom_")


async def create_integration(
    tx: Transaction, given: IntegrationFields, *, project: str, now: datetime
) -> int:
    """A new integration; its id. By default the tracking id is random and the currency the group's."""
    project_id = await open_project_named(tx, project)
    values = written(given)
    if "name" not in values:
        raise Invalid("An integration needs a name.", path=path_of(IntegrationFields, "name"))
    row = {
        **values,
        "kind": values.get("kind") or CUSTOM_ADS,
        "wmkt_id": values.get("wmkt_id") or secrets.token_hex(12),
        "currency": values.get("currency") or await currency_of_group(tx),
        "project_id": project_id,
        "created_at": now,
    }
    return await insert_row(tx, "integration", row)


async def update_integration(tx: Transaction, integration_id: int, given: IntegrationFields) -> bool:
    """Rename it; returns whether the name is new. Currency and tracking id stay: money and links depend on them."""
    await _one(tx, "integration.id = $4", integration_id, path=["id"])
    name = written(given)["name"]
    return bool(await tx.execute(_RENAME, tx.scope.group_id, integration_id, name))


async def archive_integration(tx: Transaction, integration_id: int, *, at: datetime | None) -> int:
    """Let nobody make campaigns in it from `at` on; None: let them again. The id.

    Links that are out there go on counting, for the campaigns they name and for what has no campaign.
    """
    await _one(tx, "integration.id = $4", integration_id, path=["id"])
    # Whoever makes something in it holds its key until COMMIT.
    await tx.execute(_LOCK, tx.scope.group_id, integration_id)
    await tx.execute(_ARCHIVE, tx.scope.group_id, integration_id, at)
    return integration_id


async def custom_integration(tx: Transaction, wmkt_id: str) -> Any:
    """The integration with this tracking id, inside the scope; Conflict where we may not make its campaigns."""
    integration = await _one(tx, "integration.wmkt_id = $4", wmkt_id, path=["wmktId"])
    if not is_custom(integration["kind"]):
        raise Conflict(
            f"This needs a custom integration; {wmkt_id} is of the kind {integration['kind']}.",
            path=["wmktId"],
            code="NOT_CUSTOM",
        )
    return integration


async def _one(tx: Transaction, condition: str, value: object, *, path: Path) -> Any:
    found = await tx.fetchrow(f"{_FOUND} AND {condition}", *borders(tx.scope), value)
    if found is None:
        raise NotFound("integration", value, path=path)
    return found
