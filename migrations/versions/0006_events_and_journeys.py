"""events: types, faults, metrics and their rollup; journeys: identities and interactions; exchange rates

Revision ID: 0006
Revises: 0005
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
INSTANT = postgresql.TIMESTAMP(timezone=True)
AMOUNT = sa.Numeric(precision=18, scale=4)
KEPT_JSON = postgresql.JSON(none_as_null=True)
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
TABLES = (
    "exchange_rate", "customer_identity", "event_type", "event_field", "event_rollup", "interaction",
    "event_fault", "event_metric", "event_metric_change",
)  # fmt: skip

# Stores events of several groups in one transaction: per group one insert behind its own policy. Given are the groups
# in order, where each one's rows end, and the rows. It tells the place and id of those that were there already.
# SET LOCAL is executed as a command, since a sharded database passes only that on to its nodes.
ACCEPT_EVENTS = """
CREATE FUNCTION accept_events(
  groups bigint[], ends integer[], ids uuid[], projects bigint[], keys text[], types text[], trackers text[],
  received timestamptz[], occurred timestamptz[], bodies text[]) RETURNS TABLE (place bigint, id uuid)
LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
  first integer := 1;
  last integer;
  stored integer;
BEGIN
  FOR at IN 1 .. cardinality(groups) LOOP
    last := ends[at];
    EXECUTE format('SET LOCAL app.group_id = %L', groups[at]);
    INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, tracker_id, received_at, occurred_at,
                       updated_at, body, status)
    SELECT groups[at], given.id, given.project, 'tracker', given.key, given.type, given.tracker, given.received,
           given.occurred, given.received, given.body::json, 'pending'
      FROM unnest(ids[first:last], projects[first:last], keys[first:last], types[first:last], trackers[first:last],
                  received[first:last], occurred[first:last], bodies[first:last])
        AS given (id, project, key, type, tracker, received, occurred, body)
    ON CONFLICT (group_id, source, dedup_key) DO NOTHING;
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF stored < last - first + 1 THEN
      RETURN QUERY
      SELECT given.place + first - 1, e.id
        FROM unnest(ids[first:last], keys[first:last]) WITH ORDINALITY AS given (id, key, place)
        JOIN event e ON e.group_id = groups[at] AND e.source = 'tracker' AND e.dedup_key = given.key
       WHERE e.id <> given.id;
    END IF;
    first := last + 1;
  END LOOP;
END
$body$
"""
# Which groups have events that wait. A look per group, behind its own policy.
PENDING_EVENT_GROUPS = """
CREATE FUNCTION pending_event_groups() RETURNS SETOF bigint LANGUAGE plpgsql AS $body$
DECLARE
  asked bigint;
BEGIN
  FOR asked IN SELECT id FROM tenant ORDER BY id LOOP
    EXECUTE format('SET LOCAL app.group_id = %L', asked);
    IF EXISTS (SELECT 1 FROM event WHERE group_id = asked AND status = 'pending') THEN
      RETURN NEXT asked;
    END IF;
  END LOOP;
END
$body$
"""


def tenant_row() -> list[sa.Column[Any]]:
    return [
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
    ]


def tied(table: str) -> list[sa.Constraint]:
    return [
        years(table, "created_at"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f(f"fk_{table}_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f(f"pk_{table}")),
    ]


def child(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["group_id", column],
        [f"{parent}.group_id", f"{parent}.id"],
        name=op.f(f"fk_{table}_group_id_{column}"),
        ondelete="CASCADE",
    )


def years(table: str, column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(YEARS.format(column), name=op.f(f"ck_{table}_{column}_years"))


def finite(table: str, column: str) -> sa.CheckConstraint:
    rule = f"{column} NOT IN ('NaN', 'Infinity', '-Infinity')"
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{column}_finite"))


def upgrade() -> None:
    op.create_table(
        "exchange_rate",
        *tenant_row(),
        sa.Column("from_currency", CODE, nullable=False),
        sa.Column("to_currency", CODE, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=20, scale=10), nullable=False),
        sa.CheckConstraint(
            "day BETWEEN '0001-01-01' AND '9999-12-31'", name=op.f("ck_exchange_rate_day_years")
        ),
        sa.CheckConstraint(
            "from_currency ~ '^[A-Z]{3}$' AND to_currency ~ '^[A-Z]{3}$'",
            name=op.f("ck_exchange_rate_currencies_code"),
        ),
        finite("exchange_rate", "rate"),
        sa.CheckConstraint("from_currency <> to_currency", name=op.f("ck_exchange_rate_currencies_differ")),
        sa.CheckConstraint("rate > 0", name=op.f("ck_exchange_rate_rate_positive")),
        *tied("exchange_rate"),
        sa.UniqueConstraint(
            "group_id",
            "from_currency",
            "to_currency",
            "day",
            name=op.f("uq_exchange_rate_group_id_from_currency_to_currency_day"),
        ),
    )
    op.create_index(
        op.f("ix_exchange_rate_group_id_day_id"), "exchange_rate", ["group_id", "day", "id"], unique=False
    )
    op.create_table(
        "customer_identity",
        *tenant_row(),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("value", WORDS, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        child("customer_identity", "customer_id", "customer"),
        child("customer_identity", "project_id", "project"),
        *tied("customer_identity"),
        sa.UniqueConstraint(
            "group_id",
            "project_id",
            "kind",
            "value",
            name=op.f("uq_customer_identity_group_id_project_id_kind_value"),
        ),
    )
    op.create_index(
        op.f("ix_customer_identity_group_id_customer_id_id"),
        "customer_identity",
        ["group_id", "customer_id", "id"],
        unique=False,
    )
    op.create_table(
        "event_type",
        *tenant_row(),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", WORDS, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("details", KEPT_JSON, nullable=True),
        sa.Column("expiration_policy", KEPT_JSON, nullable=True),
        sa.Column("phone_parsing", KEPT_JSON, nullable=True),
        sa.Column("funnel_stage", CODE, nullable=True),
        sa.Column("trigger", CODE, nullable=True),
        sa.Column("archived_at", INSTANT, nullable=True),
        sa.Column("updated_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        years("event_type", "archived_at"),
        sa.CheckConstraint(
            "funnel_stage IN ('awareness', 'interest', 'consideration', 'intent', 'evaluation', 'purchase', 'onboarding', 'activation', 'retention', 'advocacy')",
            name=op.f("ck_event_type_funnel_stage_known"),
        ),
        sa.CheckConstraint(
            "trigger IN ('spend', 'registration', 'referral', 'custom')",
            name=op.f("ck_event_type_trigger_known"),
        ),
        years("event_type", "updated_at"),
        sa.CheckConstraint("version > 0", name=op.f("ck_event_type_version_positive")),
        child("event_type", "project_id", "project"),
        *tied("event_type"),
        sa.UniqueConstraint(
            "group_id", "project_id", "reference", name=op.f("uq_event_type_group_id_project_id_reference")
        ),
    )
    op.create_index(
        op.f("ix_event_type_group_id_project_id_created_at_id"),
        "event_type",
        ["group_id", "project_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_event_type_group_id_project_id_name_id"),
        "event_type",
        ["group_id", "project_id", "name", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_event_type_group_id_project_id_updated_at_id"),
        "event_type",
        ["group_id", "project_id", "updated_at", "id"],
        unique=False,
    )
    op.create_table(
        "event_field",
        *tenant_row(),
        sa.Column("event_type_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("storage_key", CODE, nullable=False),
        sa.Column("ingestion_key", CODE, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("data_type", CODE, nullable=False),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("identity", CODE, nullable=True),
        sa.Column("sent", KEPT_JSON, nullable=True),
        sa.CheckConstraint(
            "data_type IN ('string', 'number', 'integer', 'boolean', 'date', 'email', 'phone', 'json')",
            name=op.f("ck_event_field_data_type_known"),
        ),
        sa.CheckConstraint("kind IN ('field', 'state', 'statistic')", name=op.f("ck_event_field_kind_known")),
        child("event_field", "event_type_id", "event_type"),
        *tied("event_field"),
        sa.UniqueConstraint(
            "group_id",
            "event_type_id",
            "version",
            "storage_key",
            name=op.f("uq_event_field_group_id_event_type_id_version_storage_key"),
        ),
    )
    op.create_index(
        op.f("ix_event_field_group_id_event_type_id_position_id"),
        "event_field",
        ["group_id", "event_type_id", "position", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_event_field_group_id_storage_key_event_type_id"),
        "event_field",
        ["group_id", "storage_key", "event_type_id"],
        unique=False,
    )
    op.create_table(
        "event_rollup",
        *tenant_row(),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("event_type_id", sa.BigInteger(), nullable=False),
        sa.Column("hour", INSTANT, nullable=False),
        sa.Column("key", CODE, nullable=False),
        sa.Column("value", sa.Numeric(precision=30, scale=4), nullable=False),
        years("event_rollup", "hour"),
        finite("event_rollup", "value"),
        child("event_rollup", "event_type_id", "event_type"),
        child("event_rollup", "project_id", "project"),
        *tied("event_rollup"),
        sa.UniqueConstraint(
            "group_id",
            "project_id",
            "hour",
            "event_type_id",
            "key",
            name=op.f("uq_event_rollup_group_id_project_id_hour_event_type_id_key"),
            postgresql_include=["value"],
        ),
    )
    op.create_index(
        op.f("ix_event_rollup_group_id_event_type_id_hour_id"),
        "event_rollup",
        ["group_id", "event_type_id", "hour", "id"],
        unique=False,
    )
    op.create_table(
        "interaction",
        *tenant_row(),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("tracker_id", WORDS, nullable=True),
        sa.Column("integration_id", sa.BigInteger(), nullable=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("landing_url", sa.Text(), nullable=True),
        sa.Column("referrer", sa.Text(), nullable=True),
        sa.Column("user_data", KEPT_JSON, nullable=True),
        sa.Column("node_data", KEPT_JSON, nullable=True),
        sa.Column("dedup_key", WORDS, nullable=False),
        sa.CheckConstraint("kind IN ('online', 'offline')", name=op.f("ck_interaction_kind_known")),
        years("interaction", "occurred_at"),
        child("interaction", "campaign_id", "campaign"),
        child("interaction", "customer_id", "customer"),
        child("interaction", "integration_id", "integration"),
        child("interaction", "project_id", "project"),
        *tied("interaction"),
        sa.UniqueConstraint(
            "group_id", "project_id", "dedup_key", name=op.f("uq_interaction_group_id_project_id_dedup_key")
        ),
    )
    op.create_index(
        op.f("ix_interaction_group_id_campaign_id_occurred_at_id"),
        "interaction",
        ["group_id", "campaign_id", "occurred_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_interaction_group_id_customer_id_occurred_at_id"),
        "interaction",
        ["group_id", "customer_id", "occurred_at", "id"],
        unique=False,
        postgresql_include=["campaign_id", "project_id"],
    )
    op.create_index(
        op.f("ix_interaction_group_id_integration_id_occurred_at_id"),
        "interaction",
        ["group_id", "integration_id", "occurred_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_interaction_group_id_project_id_occurred_at_id"),
        "interaction",
        ["group_id", "project_id", "occurred_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_interaction_group_id_project_id_tracker_id_occurred_at_id"),
        "interaction",
        ["group_id", "project_id", "tracker_id", "occurred_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_interaction_unclaimed",
        "interaction",
        ["group_id", "created_at", "id"],
        postgresql_where=sa.text("customer_id IS NULL"),
    )
    op.create_table(
        "event_fault",
        *tenant_row(),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", CODE, nullable=False),
        sa.Column("field", WORDS, nullable=True),
        sa.Column("message", WORDS, nullable=False),
        child("event_fault", "event_id", "event"),
        *tied("event_fault"),
    )
    op.create_index(
        op.f("ix_event_fault_group_id_code_field_id"),
        "event_fault",
        ["group_id", "code", "field", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_event_fault_group_id_event_id_position_id"),
        "event_fault",
        ["group_id", "event_id", "position", "id"],
        unique=False,
    )
    op.create_table(
        "event_metric",
        *tenant_row(),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("storage_key", CODE, nullable=False),
        sa.Column("value", AMOUNT, nullable=False),
        sa.Column("metric_date", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind = 'statistic' OR value IN (0, 1)", name=op.f("ck_event_metric_state_is_0_or_1")
        ),
        sa.CheckConstraint("kind IN ('state', 'statistic')", name=op.f("ck_event_metric_kind_known")),
        years("event_metric", "metric_date"),
        years("event_metric", "occurred_at"),
        years("event_metric", "updated_at"),
        finite("event_metric", "value"),
        child("event_metric", "customer_id", "customer"),
        child("event_metric", "event_id", "event"),
        child("event_metric", "project_id", "project"),
        *tied("event_metric"),
        sa.UniqueConstraint(
            "group_id", "event_id", "storage_key", name=op.f("uq_event_metric_group_id_event_id_storage_key")
        ),
    )
    op.create_index(
        op.f("ix_event_metric_group_id_customer_id_metric_date_id"),
        "event_metric",
        ["group_id", "customer_id", "metric_date", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_event_metric_group_id_project_id_created_at_id"),
        "event_metric",
        ["group_id", "project_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_event_metric_group_id_project_id_storage_key_occurred_at_id"),
        "event_metric",
        ["group_id", "project_id", "storage_key", "occurred_at", "id"],
        unique=False,
    )
    op.create_table(
        "event_metric_change",
        *tenant_row(),
        sa.Column("metric_id", sa.BigInteger(), nullable=False),
        sa.Column("value", AMOUNT, nullable=False),
        sa.Column("metric_date", INSTANT, nullable=False),
        sa.Column("actor", WORDS, nullable=True),
        years("event_metric_change", "metric_date"),
        finite("event_metric_change", "value"),
        child("event_metric_change", "metric_id", "event_metric"),
        *tied("event_metric_change"),
    )
    op.create_index(
        op.f("ix_event_metric_change_group_id_metric_id_id"),
        "event_metric_change",
        ["group_id", "metric_id", "id"],
        unique=False,
    )
    op.create_index(
        "uq_campaign_implicit",
        "campaign",
        ["group_id", "integration_id"],
        unique=True,
        postgresql_where=sa.text("NOT is_explicit AND deleted_at IS NULL"),
    )
    op.add_column("event", sa.Column("status", CODE, server_default="processed", nullable=False))
    op.add_column("event", sa.Column("tracker_id", WORDS, nullable=True))
    op.add_column("event", sa.Column("event_type_id", sa.BigInteger(), nullable=True))
    op.add_column("event", sa.Column("type_version", sa.Integer(), nullable=True))
    op.add_column("event", sa.Column("is_attributable", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("event", sa.Column("data", KEPT_JSON, nullable=True))
    op.add_column("event", sa.Column("user_data", KEPT_JSON, nullable=True))
    op.add_column("event", sa.Column("updated_at", INSTANT, server_default=sa.text("now()"), nullable=False))
    op.create_index(
        op.f("ix_event_group_id_event_type_id_occurred_at_id"),
        "event",
        ["group_id", "event_type_id", "occurred_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_event_pending",
        "event",
        ["group_id", "received_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_event_trashed",
        "event",
        ["group_id", "project_id", "received_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'trashed'"),
    )
    op.create_foreign_key(
        op.f("fk_event_group_id_event_type_id"),
        "event",
        "event_type",
        ["group_id", "event_type_id"],
        ["group_id", "id"],
        ondelete="CASCADE",
    )
    for place in ("country", "region"):
        key = sa.Column(
            f"{place}_key", WORDS, sa.Computed(f"coalesce({place}, '')", persisted=True), nullable=False
        )
        op.add_column("outlay", key)
    op.add_column(
        "project",
        sa.Column(
            "identity_fields", postgresql.ARRAY(sa.Text()), server_default="{email,phone}", nullable=False
        ),
    )
    op.create_check_constraint(
        op.f("ck_event_status_known"), "event", "status IN ('pending', 'processed', 'trashed')"
    )
    op.create_check_constraint(op.f("ck_event_updated_at_years"), "event", YEARS.format("updated_at"))
    op.create_check_constraint(
        op.f("ck_project_identity_fields_whole"), "project", "array_position(identity_fields, NULL) IS NULL"
    )
    for table in TABLES:
        protect(op.execute, table)
    op.execute(ACCEPT_EVENTS)
    op.execute(PENDING_EVENT_GROUPS)


def downgrade() -> None:
    op.execute("DROP FUNCTION pending_event_groups")
    op.execute("DROP FUNCTION accept_events")
    for table in TABLES:
        unprotect(op.execute, table)
    op.drop_column("project", "identity_fields")
    op.drop_column("outlay", "region_key")
    op.drop_column("outlay", "country_key")
    op.drop_constraint(op.f("fk_event_group_id_event_type_id"), "event", type_="foreignkey")
    op.drop_index("ix_event_trashed", table_name="event", postgresql_where=sa.text("status = 'trashed'"))
    op.drop_index("ix_event_pending", table_name="event", postgresql_where=sa.text("status = 'pending'"))
    op.drop_index(op.f("ix_event_group_id_event_type_id_occurred_at_id"), table_name="event")
    op.drop_column("event", "updated_at")
    op.drop_column("event", "user_data")
    op.drop_column("event", "data")
    op.drop_column("event", "is_attributable")
    op.drop_column("event", "type_version")
    op.drop_column("event", "event_type_id")
    op.drop_column("event", "tracker_id")
    op.drop_column("event", "status")
    op.drop_index(
        "uq_campaign_implicit",
        table_name="campaign",
        postgresql_where=sa.text("NOT is_explicit AND deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_event_metric_change_group_id_metric_id_id"), table_name="event_metric_change")
    op.drop_table("event_metric_change")
    op.drop_index(
        op.f("ix_event_metric_group_id_project_id_storage_key_occurred_at_id"), table_name="event_metric"
    )
    op.drop_index(op.f("ix_event_metric_group_id_project_id_created_at_id"), table_name="event_metric")
    op.drop_index(op.f("ix_event_metric_group_id_customer_id_metric_date_id"), table_name="event_metric")
    op.drop_table("event_metric")
    op.drop_index(op.f("ix_event_fault_group_id_event_id_position_id"), table_name="event_fault")
    op.drop_index(op.f("ix_event_fault_group_id_code_field_id"), table_name="event_fault")
    op.drop_table("event_fault")
    op.drop_index(
        op.f("ix_interaction_group_id_project_id_tracker_id_occurred_at_id"), table_name="interaction"
    )
    op.drop_index(op.f("ix_interaction_group_id_project_id_occurred_at_id"), table_name="interaction")
    op.drop_index(op.f("ix_interaction_group_id_integration_id_occurred_at_id"), table_name="interaction")
    op.drop_index(
        op.f("ix_interaction_group_id_customer_id_occurred_at_id"),
        table_name="interaction",
        postgresql_include=["campaign_id", "project_id"],
    )
    op.drop_index(op.f("ix_interaction_group_id_campaign_id_occurred_at_id"), table_name="interaction")
    op.drop_index(
        "ix_interaction_unclaimed",
        table_name="interaction",
        postgresql_where=sa.text("customer_id IS NULL"),
    )
    op.drop_table("interaction")
    op.drop_index(op.f("ix_event_rollup_group_id_event_type_id_hour_id"), table_name="event_rollup")
    op.drop_table("event_rollup")
    op.drop_index(op.f("ix_event_field_group_id_storage_key_event_type_id"), table_name="event_field")
    op.drop_index(op.f("ix_event_field_group_id_event_type_id_position_id"), table_name="event_field")
    op.drop_table("event_field")
    op.drop_index(op.f("ix_event_type_group_id_project_id_updated_at_id"), table_name="event_type")
    op.drop_index(op.f("ix_event_type_group_id_project_id_name_id"), table_name="event_type")
    op.drop_index(op.f("ix_event_type_group_id_project_id_created_at_id"), table_name="event_type")
    op.drop_table("event_type")
    op.drop_index(op.f("ix_customer_identity_group_id_customer_id_id"), table_name="customer_identity")
    op.drop_table("customer_identity")
    op.drop_index(op.f("ix_exchange_rate_group_id_day_id"), table_name="exchange_rate")
    op.drop_table("exchange_rate")
