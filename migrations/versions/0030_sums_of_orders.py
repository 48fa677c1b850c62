"""orders: the day each was made on, and their sums by store and day; an index less of metrics

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
CODE = sa.String(length=64, collation="pg_c_utf8")
COUNTS, AMOUNTS = ("orders", "cancelled"), ("worth", "refunded")
DAY = "{0} BETWEEN '0001-01-01' AND '9999-12-31'"
READ = ("customer_order", "store", "customer_group")
# A campaign's metrics count it on the day it was made on, which stays when the store moves to another zone.
DAYS = """
UPDATE customer_order o
   SET ordered_on = coalesce(o.counted_on, least(greatest((o.ordered_at AT TIME ZONE z.zone)::date, '0001-01-01'),
                                                 '9999-12-31'))
  FROM (SELECT s.group_id, s.id, coalesce(s.time_zone, g.time_zone) AS zone
          FROM store s JOIN customer_group g ON g.id = s.group_id) z
 WHERE z.group_id = o.group_id AND z.id = o.store_id
"""
SUMS = """
INSERT INTO order_rollup (group_id, store_id, day, channel, has_promo, currency, orders, cancelled, worth, refunded)
SELECT group_id, store_id, ordered_on, channel, promo_id IS NOT NULL, currency,
       count(*) FILTER (WHERE cancelled_at IS NULL), count(cancelled_at), sum(worth), sum(refunded)
  FROM customer_order GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 3, 2
"""


def upgrade() -> None:
    op.add_column("customer_order", sa.Column("ordered_on", sa.Date(), nullable=True))
    op.create_check_constraint(
        op.f("ck_customer_order_ordered_on_years"), "customer_order", DAY.format("ordered_on")
    )
    op.create_table(
        "order_rollup",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", CODE, nullable=True),
        sa.Column("has_promo", sa.Boolean(), nullable=False),
        sa.Column("currency", CODE, nullable=False),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in COUNTS),
        *(sa.Column(name, sa.Numeric(18, 4), server_default="0", nullable=False) for name in AMOUNTS),
        sa.CheckConstraint(
            "created_at >= '0001-01-01 00:00:00+00' AND created_at < '10000-01-01 00:00:00+00'",
            name=op.f("ck_order_rollup_created_at_years"),
        ),
        sa.CheckConstraint(DAY.format("day"), name=op.f("ck_order_rollup_day_years")),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_order_rollup_currency_code")),
        *(
            sa.CheckConstraint(
                f"{name} NOT IN ('NaN', 'Infinity', '-Infinity')", name=op.f(f"ck_order_rollup_{name}_finite")
            )
            for name in AMOUNTS
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("fk_order_rollup_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_id", "store_id"],
            ["store.group_id", "store.id"],
            name=op.f("fk_order_rollup_group_id_store_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_order_rollup")),
        sa.UniqueConstraint(
            "group_id", "store_id", "day", "channel", "has_promo", "currency",
            name=op.f("uq_order_rollup_group_id_store_id_day_channel_has_promo_currency"),
            postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_order_rollup_group_id_day_id"), "order_rollup", ["group_id", "day", "id"])
    protect(op.execute, "order_rollup")
    # The unique key is as good.
    op.drop_index(op.f("ix_campaign_metric_group_id_campaign_id_day_channel_id"), "campaign_metric")
    # The owner sees rows only where its own policies do not bind it.
    for table in (*READ, "order_rollup"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(DAYS)
    op.execute(SUMS)
    for table in (*READ, "order_rollup"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.alter_column("customer_order", "ordered_on", existing_type=sa.Date(), nullable=False)
    op.drop_column("customer_order", "counted_on")


def downgrade() -> None:
    unprotect(op.execute, "order_rollup")
    op.drop_table("order_rollup")
    op.add_column("customer_order", sa.Column("counted_on", sa.Date(), nullable=True))
    op.create_check_constraint(
        op.f("ck_customer_order_counted_on_years"), "customer_order", DAY.format("counted_on")
    )
    op.execute("ALTER TABLE customer_order NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE customer_order SET counted_on = ordered_on WHERE campaign_id IS NOT NULL")
    op.execute("ALTER TABLE customer_order FORCE ROW LEVEL SECURITY")
    op.drop_column("customer_order", "ordered_on")
    op.create_index(
        op.f("ix_campaign_metric_group_id_campaign_id_day_channel_id"),
        "campaign_metric",
        ["group_id", "campaign_id", "day", "channel", "id"],
    )
