"""What the audit trail keeps of rows that are set by declarations: all that can be set, but what is declared unkept."""

from collections.abc import Mapping

from app.domain.event_types.operations import EventTypeFields
from app.domain.groups.fields import GroupFields, ProjectFields, StoreFields
from app.domain.integrations.fields import IntegrationFields
from app.domain.settable import kept_columns

DECLARED: Mapping[str, type] = {
    "customer_group": GroupFields,
    "store": StoreFields,
    "project": ProjectFields,
    "event_type": EventTypeFields,
    "integration": IntegrationFields,
}
"""By table, what can be set there."""
BESIDE: Mapping[str, tuple[str, ...]] = {
    "customer_group": ("currency", "file_quota", "event_quota"),
    "store": ("deleted_at",),
    "project": ("archived_at",),
    "event_type": ("reference", "version", "archived_at"),
    "integration": ("project_id", "archived_at"),
}
"""What is kept beside, though no client sets it like that."""


def kept_of(table: str) -> tuple[str, ...]:
    """The columns that are kept of a row of this table; empty: `auditing.KEPT` says it."""
    if table not in DECLARED:
        return ()
    return (*kept_columns(DECLARED[table]), *BESIDE[table])
