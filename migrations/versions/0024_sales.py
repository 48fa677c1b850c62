"""sales: orders have refunds, versions and an end; events say which sale they tell

Revision ID: 0024
Revises: 0023
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
AMOUNT = sa.Numeric(18, 4)
NOUGHT = sa.text("0")
WORTH = "CASE WHEN cancelled_at IS NULL THEN amount - refunded ELSE 0 END"
FINITE = "{0} NOT IN ('NaN', 'Infinity', '-Infinity')"
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
RULES = {
    "refunded_within_amount": "refunded BETWEEN 0 AND amount",
    "told_refunded_within_amount": "told_refunded BETWEEN 0 AND amount",
    "version_not_negative": "version >= 0",
    "called_off_is_cancelled": "NOT is_called_off OR cancelled_at IS NOT NULL",
    "refunded_finite": FINITE.format("refunded"),
    "told_refunded_finite": FINITE.format("told_refunded"),
    "worth_finite": FINITE.format("worth"),
    "cancelled_at_years": YEARS.format("cancelled_at"),
    "updated_at_years": YEARS.format("updated_at"),
    "counted_on_years": "counted_on BETWEEN '0001-01-01' AND '9999-12-31'",
}
# The keys that `app/domain/sales/references.py` knew when this was written.
KEYS = ("order-reference", "order_reference", "order_id", "order-id", "transaction_id", "transaction-id")
SAID = ", ".join(
    f"CASE WHEN json_typeof(data -> '{key}') IN ('string', 'number') THEN nullif(btrim(data ->> '{key}'), '') END"
    for key in KEYS
)
NAMED = ", ".join(f"'%\"{key}\"%'" for key in KEYS)


def upgrade() -> None:
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("refunded", AMOUNT, server_default=NOUGHT, nullable=False),
        sa.Column("cancelled_at", INSTANT, nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=NOUGHT, nullable=False),
        sa.Column("told_refunded", AMOUNT, server_default=NOUGHT, nullable=False),
        sa.Column("is_called_off", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=True),
        sa.Column("updated_at", INSTANT, server_default=sa.text("now()"), nullable=False),
    )
    for column in columns:
        op.add_column("customer_order", column)
    op.add_column("customer_order", sa.Column("worth", AMOUNT, sa.Computed(WORTH, persisted=True), nullable=False))
    for name, rule in RULES.items():
        op.execute(f"ALTER TABLE customer_order ADD CONSTRAINT ck_customer_order_{name} CHECK ({rule})")
    op.create_table(
        "order_refund",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", WORDS, nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("currency", CODE, nullable=False),
        sa.Column("refunded_at", INSTANT, nullable=False),
        *(
            sa.CheckConstraint(YEARS.format(name), name=op.f(f"ck_order_refund_{name}_years"))
            for name in ("created_at", "refunded_at")
        ),
        sa.CheckConstraint(FINITE.format("amount"), name=op.f("ck_order_refund_amount_finite")),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_order_refund_currency_code")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_order_refund_amount_positive")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("fk_order_refund_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_id", "order_id"],
            ["customer_order.group_id", "customer_order.id"],
            name=op.f("fk_order_refund_group_id_order_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_order_refund")),
        sa.UniqueConstraint("group_id", "reference", name=op.f("uq_order_refund_group_id_reference")),
    )
    op.create_index(
        op.f("ix_order_refund_group_id_order_id_refunded_at_id"),
        "order_refund",
        ["group_id", "order_id", "refunded_at", "id"],
    )
    protect(op.execute, "order_refund")
    op.create_table(
        "sale_reference",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("reference", WORDS, nullable=False),
        sa.CheckConstraint(YEARS.format("created_at"), name=op.f("ck_sale_reference_created_at_years")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("fk_sale_reference_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_sale_reference")),
        sa.UniqueConstraint("group_id", "reference", name=op.f("uq_sale_reference_group_id_reference")),
    )
    protect(op.execute, "sale_reference")
    op.add_column("event", sa.Column("sale_reference", WORDS, nullable=True))
    op.add_column(
        "event_metric",
        sa.Column("is_told_by_order", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "promo_redemption",
        sa.Column("is_given_back_by_order", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("customer", sa.Column("told_last_order_at", INSTANT, nullable=True))
    op.execute(
        "ALTER TABLE customer ADD CONSTRAINT ck_customer_told_last_order_at_years"
        f" CHECK ({YEARS.format('told_last_order_at')})"
    )
    _tell_what_is_known()
    op.create_index(
        "ix_event_sale_reference",
        "event",
        ["group_id", "sale_reference"],
        postgresql_where=sa.text("sale_reference IS NOT NULL"),
    )


def _tell_what_is_known() -> None:
    tables = ("customer_order", "campaign", "store", "customer", "customer_group", "event", "event_metric")
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE customer_order o SET updated_at = o.created_at,"
        "       counted_on = (SELECT (o.ordered_at AT TIME ZONE coalesce(s.time_zone, g.time_zone))::date"
        "                       FROM campaign c"
        "                       JOIN store s ON s.group_id = c.group_id AND s.id = c.store_id"
        "                       JOIN customer_group g ON g.id = c.group_id"
        "                      WHERE c.group_id = o.group_id AND c.id = o.campaign_id)"
    )
    op.execute(
        "UPDATE customer c SET told_last_order_at = c.last_order_at"
        " WHERE c.last_order_at IS DISTINCT FROM"
        "       (SELECT max(o.ordered_at) FROM customer_order o"
        "         WHERE o.group_id = c.group_id AND o.customer_id = c.id)"
    )
    # Escapes are left alone: some of them stand for what a text cannot hold.
    op.execute(
        "UPDATE event SET sale_reference = said.reference"
        "  FROM (SELECT group_id, id,"
        f"               CASE WHEN data::text NOT LIKE '%\\\\u%' THEN coalesce({SAID}) END AS reference"
        f"          FROM event WHERE status = 'processed' AND data::text LIKE ANY (ARRAY[{NAMED}])) said"
        " WHERE event.group_id = said.group_id AND event.id = said.id AND length(said.reference) <= 255"
    )
    op.execute(
        "UPDATE event_metric m SET is_told_by_order = true FROM event e"
        " WHERE e.group_id = m.group_id AND e.id = m.event_id AND m.kind = 'statistic'"
        "   AND EXISTS (SELECT 1 FROM customer_order o"
        "                WHERE o.group_id = e.group_id AND o.reference = e.sale_reference)"
    )
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("customer", "told_last_order_at")
    op.drop_column("promo_redemption", "is_given_back_by_order")
    op.drop_column("event_metric", "is_told_by_order")
    op.drop_column("event", "sale_reference")
    for table in ("sale_reference", "order_refund"):
        unprotect(op.execute, table)
        op.drop_table(table)
    op.drop_column("customer_order", "worth")
    for column in ("refunded", "cancelled_at", "version", "told_refunded", "is_called_off", "counted_on"):
        op.drop_column("customer_order", column)
    op.drop_column("customer_order", "updated_at")
