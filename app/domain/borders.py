"""The scope as the first parameters of every written statement: `$1` group, `$2` store, `$3` projects.

The row-level policies enforce the group a second time; the store and the projects are enforced only here.
"""

from app.values.scope import Scope

Borders = tuple[int, int | None, list[int] | None]

CAMPAIGN_BORDERS = (
    "campaign.group_id = $1"
    " AND ($2::bigint IS NULL OR campaign.store_id = $2)"
    " AND ($3::bigint[] IS NULL OR campaign.project_id = ANY ($3))"
)
"""Which campaigns this scope reaches."""
CUSTOMER_BORDERS = (
    "customer.group_id = $1 AND ($2::bigint IS NULL OR customer.store_id = $2) AND $3::bigint[] IS NULL"
)
"""Which customers: a store's own under its scope, none under a scope of projects."""
PROMO_BORDERS = (
    "promo.group_id = $1 AND (promo.campaign_id IS NULL OR $2::bigint IS NULL AND $3::bigint[] IS NULL"
    " OR EXISTS (SELECT 1 FROM promo_campaign JOIN campaign ON campaign.id = promo_campaign.campaign_id"
    f" WHERE promo_campaign.group_id = $1 AND promo_campaign.promo_id = promo.id AND {CAMPAIGN_BORDERS}))"
)
"""Which promos can be seen and used: those with a campaign in reach, and the whole group's."""
PROJECT_BORDERS = (
    "project.group_id = $1"
    " AND ($2::bigint IS NULL OR project.store_id IS NULL OR project.store_id = $2)"
    " AND ($3::bigint[] IS NULL OR project.id = ANY ($3))"
)
"""Which projects: under a store's scope its own, and those of the whole group."""
EVENT_BORDERS = (
    "event.group_id = $1"
    f" AND EXISTS (SELECT 1 FROM project WHERE {PROJECT_BORDERS} AND project.id = event.project_id)"
)
"""Which events: those of projects in reach."""


def borders(scope: Scope) -> Borders:
    """The values of `$1`, `$2` and `$3`."""
    projects = None if scope.project_ids is None else list(scope.project_ids)
    return scope.group_id, scope.store_id, projects
