"""More rows of what a group has few of, copied by the database."""

import asyncpg
from sqlalchemy import Index, LargeBinary, String, Table, UniqueConstraint

from app.tables.all import metadata

SKIPPED = frozenset(
    {
        "customer_group",
        "metric_rollup",
        "segment_size",
        "order_rollup",
        "campaign_metric",
        "metric_fact",
        "metric_fact_rollup",
        "idempotent_answer",
        "promo_usage",
        "funnel_day",
        "webhook_provider",
        "reward_attribute",
        "reward_participant",
    }
)
"""One per group, or not met as a row."""


async def multiply(owner: "asyncpg.Connection[asyncpg.Record]", group_id: int, *, at_least: int) -> None:
    """Copy the first row of each table of the group until there are `at_least`; unique texts get a number."""
    for table in metadata.sorted_tables:
        if "group_id" not in table.columns or "id" not in table.columns or table.name in SKIPPED:
            continue
        found = await owner.fetchval(f"SELECT count(*) FROM {table.name} WHERE group_id = $1", group_id)
        if found:
            await _copies(owner, table, group_id, max(0, at_least - found))


async def _copies(
    owner: "asyncpg.Connection[asyncpg.Record]", table: Table, group_id: int, copies: int
) -> None:
    unique = {"email", "email_key"}
    for holder in (*table.constraints, *table.indexes):
        if isinstance(holder, UniqueConstraint) or (isinstance(holder, Index) and holder.unique):
            names = {column.name for column in holder.columns} - {"group_id", "source"}
            if table.name in ("webhook_refusal", "contact_statement"):  # Of the rest one is enough.
                names &= {"fingerprint", "subject"}
            # Texts get a number; what they stand beside (a parent, a day) may stay.
            texts = {name for name in names if isinstance(table.columns[name].type, String)}
            unique |= texts or names
    values: dict[str, str] = {}
    for column in table.columns:
        if column.computed is not None or (column.name == "id" and column.identity is not None):
            continue
        if column.name == "id":
            values["id"] = "gen_random_uuid()"
        elif column.name == "is_default":
            values["is_default"] = "false"
        elif table.name == "api_key" and column.name in ("previous_hash", "previous_until"):
            continue  # Copies have no former secret.
        elif column.name == "hash":
            values["hash"] = "sha256(convert_to($1::text || n::text, 'UTF8'))"
        elif column.name in unique and isinstance(column.type, String):
            values[column.name] = f"{column.name} || n"
        elif column.name in unique and column.nullable and isinstance(column.type, LargeBinary):
            values[column.name] = "NULL"
        elif column.name in unique:
            # A foreign key alone: one row for each of what it points at that has none yet.
            values[column.name] = "n"
        else:
            values[column.name] = column.name
    rows = f"SELECT * FROM {table.name} WHERE group_id = $1 ORDER BY id LIMIT 1"
    counter = "generate_series(1, $2::int) n"
    if table.name == "spend_limit":
        counter = (
            "(SELECT c.id AS n FROM campaign c WHERE c.group_id = $1 AND $2::int > 0"
            " AND c.id NOT IN (SELECT campaign_id FROM spend_limit)) missing"
        )
    if table.name == "reward_evaluation":
        values |= {"campaign_id": "campaign_id", "revision": "revision"}
        counter = (
            "(SELECT e.id AS n FROM event e WHERE e.group_id = $1 AND e.id NOT IN"
            " (SELECT event_id FROM reward_evaluation) LIMIT $2::int) missing"
        )
    if table.name == "reward_entry":
        values |= {"evaluation_id": "evaluation_id", "position": "position", "step": "step + 100 * n"}
    if table.name == "reward_balance":
        values |= {"customer_id": "n", "currency": "currency"}
        counter = (
            "(SELECT c.id AS n FROM customer c WHERE c.group_id = $1 AND c.id NOT IN"
            " (SELECT customer_id FROM reward_balance) LIMIT $2::int) missing"
        )
    if table.name == "exchange_rate":
        pair = {"from_currency": "from_currency", "to_currency": "to_currency"}
        values |= {**pair, "day": "day + 1000 + n"}
    if table.name == "channel_rule":
        values["position"] = "position + 1000 + n"
    if table.name == "segment_member":
        values["segment_id"] = "segment_id"
        counter = (
            "(SELECT c.id AS n FROM customer c WHERE c.group_id = $1 AND c.id NOT IN"
            " (SELECT customer_id FROM segment_member) LIMIT $2::int) missing"
        )
    copied = f"SELECT {', '.join(values.values())} FROM ({rows}) r, {counter}"
    await owner.execute(f"INSERT INTO {table.name} ({', '.join(values)}) {copied}", group_id, copies)
