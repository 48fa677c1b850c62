"""Which rows can have ids in other systems."""

from collections.abc import Mapping
from typing import TypeAlias
from uuid import UUID

TABLES: Mapping[str, str] = {
    "act": "flow_action",
    "asset": "asset",
    "camp": "campaign",
    "cond": "flow_condition",
    "cust": "customer",
    "event": "event",
    "evtype": "event_type",
    "flow": "flow",
    "goal": "goal",
    "interaction": "interaction",
    "intg": "integration",
    "metric": "event_metric",
    "mult": "flow_multiplier",
    "order": "customer_order",
    "outlay": "outlay",
    "part": "partner",
    "promo": "promo",
    "proj": "project",
    "pship": "partnership",
    "seg": "segment",
    "store": "store",
}
"""By kind, the prefix of their ids, the tables whose rows can have ids elsewhere."""
EXISTS = "EXTERNAL_ID_EXISTS"
NUMBER_TAKEN = "NUMBER_TAKEN"
RowId: TypeAlias = int | UUID
Ids: TypeAlias = Mapping[str, str | None]
"""By system; None: none there any more."""


def column_of(kind: str) -> str:
    """Which column of `external_id` holds rows of this kind: the ids of events are UUIDs."""
    return "row_uuid" if kind == "event" else "row_id"


def cast_of(kind: str) -> str:
    """The type of that column."""
    return "uuid" if kind == "event" else "bigint"
