"""A row in every tenant table, made from the tables' own declarations."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import ARRAY, JSON, Boolean, Date, DateTime, Integer, LargeBinary, Numeric, Table, Uuid

from app.tables.all import TENANT_TABLES

PARTICULAR: dict[tuple[str, str], object] = {
    ("customer_group", "time_zone"): "Europe/Paris",
    ("segment", "type"): "static",
    ("external_id", "system"): "own",
    ("campaign", "status"): "draft",
    ("campaign_status_change", "status"): "active",
    ("campaign", "type"): "promotion",
    ("campaign", "objective"): "unspecified",
    ("promo", "type"): "percentage",
    ("funnel_touch", "stage"): "awareness",
    ("funnel_day", "path"): "abc",
    ("spend_limit", "type"): "uncapped",
    ("webhook_provider", "provider"): "twilio",
    ("webhook_refusal", "provider"): "twilio",
    ("contact_statement", "channel"): "email",
    ("contact_statement", "kind"): "opted_in",
    ("exchange_rate", "from_currency"): "EUR",
    ("exchange_rate", "to_currency"): "USD",
    ("interaction", "kind"): "online",
    ("event_field", "kind"): "state",
    ("event_field", "data_type"): "boolean",
    ("event_metric", "kind"): "state",
    ("reward_attribute", "attribute"): 1000,
    ("reward_attribute", "kind"): "text",
    ("reward_evaluation", "outcome"): "paid",
    ("reward_entry", "kind"): "payment",
    ("customer_merge", "reason"): "key",
    ("customer_doubt", "reason"): "shared_tracker",
    ("reward_reevaluation", "state"): "done",
    ("outlay", "ends_at"): datetime(2025, 7, 1, tzinfo=UTC),
}
"""Where a CHECK wants something that the column's type does not tell."""


async def one_row_everywhere(connection: Any, group_id: int) -> None:
    """Insert, as the owner, a row of this group into each tenant table; references lead to these rows."""
    made: dict[str, object] = {"customer_group": group_id}
    for table in TENANT_TABLES:
        row = {
            column.name: _value(table, column.name, group_id, made)
            for column in table.columns
            if column.computed is None
            and column.identity is None
            and (not column.nullable or column.foreign_keys)
            and column.server_default is None
        }
        if table.name == "campaign":
            del row["template_id"]  # its own kind: there is none yet
        if table.name == "reward_entry":
            row |= {"flow": 1, "action": 1}  # only lines of another ledger have none
        if table.name == "reward_lot":
            row["available_at"] = datetime(2025, 6, 1, tzinfo=UTC)  # one of two dates
        if table.name == "external_id":
            row["row_id"] = 1  # one of two columns, neither of which it needs
        if table.name == "attributed_share":
            row["order_id"] = 1  # of one sale
        if table.name == "channel_rule":
            row["source"] = "newsletter"  # it asks for one thing at least
        names = ", ".join(row)
        places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        key = "id" if "id" in table.columns else "key"
        made[table.name] = await connection.fetchval(
            f"INSERT INTO {table.name} ({names}) VALUES ({places}) RETURNING {key}", *row.values()
        )


def _value(table: Table, name: str, group_id: int, made: dict[str, object]) -> object:
    if (table.name, name) in PARTICULAR:
        return PARTICULAR[table.name, name]
    column = table.columns[name]
    if name == "group_id" or (table.name, name) == ("customer_group", "id"):
        return group_id
    if name == "currency":
        return "EUR"
    for key in column.foreign_keys:
        return made.get(key.column.table.name)
    kind = column.type
    by_kind: list[tuple[Any, object]] = [
        (Boolean, False),
        (Integer, 1),
        (Numeric, Decimal(1)),
        (DateTime, datetime(2025, 6, 1, tzinfo=UTC)),
        (Date, date(2025, 6, 1)),
        (Uuid, uuid4()),
        (LargeBinary, b"x" * 32),
        (ARRAY, []),
        (JSON, "{}"),
    ]
    return next((value for type_, value in by_kind if isinstance(kind, type_)), f"{name} of {group_id}")
