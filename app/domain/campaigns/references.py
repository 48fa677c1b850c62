"""What a campaign refers to must exist in its group and fit its store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.db.database import Transaction
from app.domain.campaigns.fields import CampaignFields
from app.domain.settable import path_of
from app.errors import Conflict, Forbidden, Invalid, NotFound

KINDS = {
    "project_id": "project",
    "segment_id": "segment",
    "integration_id": "integration",
    "partner_id": "partner",
    "partnership_id": "partnership",
}

# One row per reference that exists: the store it belongs to, what it implies, whether it is open. What can be archived
# is held until COMMIT (in sub-selects, since a UNION takes no locks), so that it is not archived at the same moment.
_FOUND = """
SELECT 'project_id' AS "column", p.store_id, NULL::bigint AS owner, NULL::text AS currency,
       p.archived_at IS NULL AS is_open
  FROM (SELECT * FROM project WHERE group_id = $1 AND id = $2 FOR KEY SHARE) AS p
UNION ALL
SELECT 'segment_id', NULL, NULL, NULL, true
  FROM segment WHERE group_id = $1 AND id = $3 AND deleted_at IS NULL
UNION ALL
SELECT 'integration_id', project.store_id, project.id, i.currency,
       i.archived_at IS NULL AND project.archived_at IS NULL
  FROM (SELECT * FROM integration WHERE group_id = $1 AND id = $4 FOR KEY SHARE) AS i
  JOIN project ON project.group_id = $1 AND project.id = i.project_id
UNION ALL
SELECT 'partner_id', NULL, NULL, NULL, p.archived_at IS NULL
  FROM (SELECT * FROM partner WHERE group_id = $1 AND id = $5 FOR KEY SHARE) AS p
UNION ALL
SELECT 'partnership_id', p.store_id, p.partner_id, NULL, p.archived_at IS NULL
  FROM (SELECT * FROM partnership WHERE group_id = $1 AND id = $6 FOR KEY SHARE) AS p
"""


@dataclass(frozen=True, slots=True)
class Brought:
    """Values that follow from the references where the caller gave none."""

    currency: str | None = None
    """The integration's."""
    project_id: int | None = None
    """The integration's."""
    partner_id: int | None = None
    """The partnership's."""


async def check_references(
    tx: Transaction, values: Mapping[str, Any], *, store_id: int, kept: Mapping[str, Any] | None = None
) -> Brought:
    """Refuse references that do not exist, that belong to another store, partner or project, or that are archived.

    `values` are columns; those missing or None are not checked. `kept`: what the campaign refers to already, which
    may have been archived since.
    """
    asked = {column: values.get(column) for column in KINDS}
    if not any(value is not None for value in asked.values()):
        return Brought()
    rows = {row["column"]: row for row in await tx.fetch(_FOUND, tx.scope.group_id, *asked.values())}
    for column, value in asked.items():
        if value is None:
            continue
        row = rows.get(column)
        foreign = row is not None and row["store_id"] not in (None, store_id)
        if row is None or (foreign and tx.scope.store_id is not None):
            raise NotFound(KINDS[column], value, path=path_of(CampaignFields, column))
        if foreign:
            raise Invalid(
                f"This {KINDS[column]} belongs to another store than the campaign.",
                path=path_of(CampaignFields, column),
                code="WRONG_STORE",
            )
        if not row["is_open"] and (kept is None or kept[column] != value):
            raise Conflict(
                f"This {KINDS[column]} is archived: no campaign can be made in it.",
                path=path_of(CampaignFields, column),
                code=f"{KINDS[column].upper()}_ARCHIVED",
            )
    _check_projects(tx, asked, rows)
    partnership = rows.get("partnership_id")
    if partnership and asked["partner_id"] not in (None, partnership["owner"]):
        raise Conflict(
            "The partnership is another partner's than the one named.",
            path=path_of(CampaignFields, "partnership_id"),
            code="WRONG_PARTNER",
        )
    integration = rows.get("integration_id")
    return Brought(
        currency=integration and integration["currency"],
        project_id=integration and integration["owner"],
        partner_id=partnership and partnership["owner"],
    )


def settled_project(tx: Transaction, project_id: int | None) -> int | None:
    """The project a new campaign belongs to; a scope of projects needs one of its own."""
    own = tx.scope.project_ids
    if own is None or project_id in own:
        return project_id
    if project_id is None and len(own) == 1:
        return own[0]
    if project_id is None:
        raise Forbidden(
            "Name one of the projects this credential is for.", path=path_of(CampaignFields, "project_id")
        )
    raise NotFound("project", project_id, path=path_of(CampaignFields, "project_id"))


def _check_projects(tx: Transaction, asked: Mapping[str, Any], rows: Mapping[str, Any]) -> None:
    """Under a scope of projects other projects do not exist, nor do their integrations."""
    own = tx.scope.project_ids
    if own is None:
        return
    if asked["project_id"] is not None and asked["project_id"] not in own:
        raise NotFound("project", asked["project_id"], path=path_of(CampaignFields, "project_id"))
    integration = rows.get("integration_id")
    if integration and integration["owner"] not in own:
        raise NotFound("integration", asked["integration_id"], path=path_of(CampaignFields, "integration_id"))
