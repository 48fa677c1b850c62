"""Which integration and which campaign an interaction belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from app.db.database import Transaction
from app.domain.external_ids.finding import rows_known_as
from app.domain.integrations.custom_campaigns import implicit_campaigns
from app.domain.interactions.landing import LandingNode
from app.values.ids import read_id
from app.values.systems import WEBMARKETER


class Led(NamedTuple):
    """Where somebody came from; without a campaign it is direct."""

    integration_id: int | None = None
    campaign_id: int | None = None


@dataclass(frozen=True, slots=True)
class Integration:
    """An integration, as it was found by its tracking id."""

    id: int
    kind: str


async def integrations_of(
    tx: Transaction, asked: Sequence[tuple[int, str | None]]
) -> dict[tuple[int, str], Integration]:
    """By project and tracking id. Other projects' integrations are not found."""
    pairs = sorted({(project, wmkt_id) for project, wmkt_id in asked if wmkt_id is not None})
    if not pairs:
        return {}
    rows = await tx.fetch(_INTEGRATIONS, tx.scope.group_id, [p for p, _ in pairs], [w for _, w in pairs])
    return {(row["project_id"], row["wmkt_id"]): Integration(row["id"], row["kind"]) for row in rows}


async def campaigns_of(
    tx: Transaction,
    nodes: Sequence[tuple[int, LandingNode]],
    integrations: Mapping[tuple[int, str], Integration],
    *,
    now: datetime,
) -> list[Led]:
    """Project and node → where somebody came from, in the same order.

    A campaign is known by its slug in the integration, else by its id there. Where none is given or known, it is the
    integration's implicit campaign, which is made if it is missing.
    """
    named = [
        (integration.id, node.campaign)
        for project, node in nodes
        if node.campaign is not None
        and (integration := integrations.get((project, node.wmkt_id or ""))) is not None
    ]
    known = await _known(tx, sorted(set(named)))
    at: list[tuple[int, str | None] | None] = []
    for project, node in nodes:
        tracked = integrations.get((project, node.wmkt_id or ""))
        at.append(None if tracked is None else (tracked.id, node.campaign))
    unsaid = {place[0] for place in at if place is not None and place not in known}
    implicit = await implicit_campaigns(tx, unsaid, now=now) if unsaid else {}
    return [Led() if place is None else Led(place[0], known.get(place) or implicit[place[0]]) for place in at]


_INTEGRATIONS = """
SELECT i.id, i.kind, i.project_id, i.wmkt_id
  FROM unnest($2::bigint[], $3::text[]) AS given (project_id, wmkt_id)
  JOIN integration i ON i.group_id = $1 AND i.wmkt_id = given.wmkt_id AND i.project_id = given.project_id
"""
# The slug comes before the id: somebody may have given a campaign another one's number for a slug.
_KNOWN = """
SELECT given.integration_id, given.named, c.id, c.slug = given.named AS by_slug
  FROM unnest($2::bigint[], $3::text[]) AS given (integration_id, named)
  JOIN campaign c ON c.group_id = $1 AND c.integration_id = given.integration_id AND c.slug = given.named
 WHERE c.deleted_at IS NULL
UNION ALL
SELECT given.integration_id, given.named, c.id, false
  FROM unnest($4::bigint[], $5::text[], $6::bigint[]) AS given (integration_id, named, id)
  JOIN campaign c ON c.group_id = $1 AND c.id = given.id AND c.integration_id = given.integration_id
 WHERE c.deleted_at IS NULL
"""


async def _known(
    tx: Transaction, named: Sequence[tuple[int, str | None]]
) -> dict[tuple[int, str | None], int]:
    if not named:
        return {}
    elsewhere = await rows_known_as(tx, "camp", WEBMARKETER, [n for _, n in named if n])
    by_id = [
        (i, n, ident) for i, n in named if n and (ident := elsewhere.get(n) or read_id("camp", n)) is not None
    ]
    rows: list[Any] = await tx.fetch(
        _KNOWN, tx.scope.group_id, [i for i, _ in named], [n for _, n in named], [i for i, _, _ in by_id],
        [n for _, n, _ in by_id], [ident for _, _, ident in by_id],
    )  # fmt: skip
    return {
        (row["integration_id"], row["named"]): row["id"]
        for row in sorted(rows, key=lambda row: row["by_slug"])
    }
