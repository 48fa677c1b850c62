"""Every table, for migrations and for the test that walks PostgreSQL's catalog."""

from sqlmodel import SQLModel

from app.tables import (
    access,
    assets,
    attribution,
    audit,
    campaigns,
    channels,
    contacts,
    customers,
    event_metrics,
    event_types,
    events,
    exchange_rates,
    external_ids,
    flows,
    funnels,
    goals,
    groups,
    idempotency,
    identities,
    imports,
    integrations,
    interactions,
    jobs,
    metrics,
    orders,
    outlays,
    partners,
    people,
    projects,
    promos,
    rewards,
    segments,
    spend,
    stores,
    webhooks,
)
from app.tables.base import bound_values

DIRECTORY = frozenset(
    {
        "tenant",
        "project_slug",
        "api_key",
        "api_key_group",
        "revoked_token",
        "oauth_client",
        "webhook_connection",
        "worker_lease",
        "schedule",
        "audience_change",
        "sale_change",
        "alembic_version",
    }
)
"""Tables without a row-level policy: found before the tenant is known, or belonging to none."""

MODULES = (
    access,
    assets,
    attribution,
    audit,
    campaigns,
    channels,
    contacts,
    customers,
    event_metrics,
    event_types,
    events,
    exchange_rates,
    external_ids,
    flows,
    funnels,
    goals,
    groups,
    idempotency,
    identities,
    imports,
    integrations,
    interactions,
    jobs,
    metrics,
    orders,
    outlays,
    partners,
    people,
    projects,
    promos,
    rewards,
    segments,
    spend,
    stores,
    webhooks,
)
metadata = SQLModel.metadata
TENANT_TABLES = tuple(t for t in metadata.sorted_tables if t.name not in DIRECTORY)

for _table in metadata.tables.values():
    bound_values(_table)
