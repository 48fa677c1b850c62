"""Integrations: connections of a project to an advertising tool, each with an id of its own in tracking links.

Source: Webmarketer API 1.0.0, "Custom Ads" and "Interactions".
"""

import secrets
from datetime import datetime
from typing import Any

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain import inputs
from app.domain.borders import PROJECT_BORDERS, borders
from app.domain.groups.projects import project_named
from app.domain.inputs import MAX_CODE, Path
from app.errors import Conflict, Invalid, NotFound
from app.values.money import is_currency

MAX_NAME = 255
CUSTOM_ADS = "custom_ads"
_FOUND = f"""
SELECT integration.id, integration.project_id, integration.name, integration.kind, integration.currency,
       project.store_id
  FROM integration JOIN project ON project.group_id = $1 AND project.id = integration.project_id
 WHERE {PROJECT_BORDERS} AND integration.group_id = $1
"""
_INSERT = """
INSERT INTO integration (group_id, created_at, project_id, name, kind, wmkt_id, currency)
VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, (SELECT currency FROM customer_group WHERE id = $1))) RETURNING id
"""
_RENAME = "UPDATE integration SET name = $3 WHERE group_id = $1 AND id = $2 AND name <> $3"


def is_custom(kind: str) -> bool:
    """Whether we may make its campaigns and offline interactions: `custom_ads`, `custom_sheet`, …"""
    return kind == "custom" or kind.startswith("custom_")


async def create_integration(
    tx: Transaction,
    *,
    project: str,
    name: str,
    kind: str = CUSTOM_ADS,
    wmkt_id: str | None = None,
    currency: str | None = None,
    now: datetime,
) -> int:
    """A new integration; its id. By default the tracking id is random and the currency the group's."""
    project_id = await project_named(tx, project)
    if currency is not None and not is_currency(currency):
        raise Invalid("`currency` is an ISO 4217 code such as EUR.", path=["currency"])
    values = (
        inputs.text(name, ["name"], longest=MAX_NAME, blank=False),
        inputs.text(kind, ["kind"], longest=MAX_CODE, blank=False),
        inputs.text(wmkt_id, ["wmktId"], longest=MAX_CODE, blank=False) if wmkt_id else secrets.token_hex(12),
    )
    with refusals():
        return int(await tx.fetchval(_INSERT, tx.scope.group_id, now, project_id, *values, currency))


async def update_integration(tx: Transaction, integration_id: int, *, name: str) -> bool:
    """Rename it; returns whether the name is new. Currency and tracking id stay: money and links depend on them."""
    await _one(tx, "integration.id = $4", integration_id, path=["id"])
    inputs.text(name, ["name"], longest=MAX_NAME, blank=False)
    return bool(await tx.execute(_RENAME, tx.scope.group_id, integration_id, name))


async def custom_integration(tx: Transaction, wmkt_id: str, *, path: Path = ("wmktId",)) -> Any:
    """The integration with this tracking id, inside the scope; Conflict where we may not make its campaigns."""
    integration = await _one(tx, "integration.wmkt_id = $4", wmkt_id, path=path)
    if not is_custom(integration["kind"]):
        raise Conflict(
            f"This needs a custom integration; {wmkt_id} is of the kind {integration['kind']}.",
            path=path,
            code="NOT_CUSTOM",
        )
    return integration


async def _one(tx: Transaction, condition: str, value: object, *, path: Path) -> Any:
    found = await tx.fetchrow(f"{_FOUND} AND {condition}", *borders(tx.scope), value)
    if found is None:
        raise NotFound("integration", value, path=path)
    return found
