"""attribution: what of the headline follows from touches, and whose sales are to be looked at again

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import READERS, protect, unprotect

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
INSTANT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "attributed_share",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("source", CODE, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("metric_id", sa.BigInteger(), nullable=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", CODE, nullable=False),
        sa.Column("currency", CODE, nullable=False),
        sa.Column("amount", sa.Numeric(18, 4), nullable=False),
        sa.CheckConstraint("num_nonnulls(order_id, metric_id) = 1", name=op.f("ck_attributed_share_one_sale")),
        sa.CheckConstraint(
            "created_at >= '0001-01-01 00:00:00+00' AND created_at < '10000-01-01 00:00:00+00'",
            name=op.f("ck_attributed_share_created_at_years"),
        ),
        sa.CheckConstraint(
            "day BETWEEN '0001-01-01' AND '9999-12-31'", name=op.f("ck_attributed_share_day_years")
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_attributed_share_currency_code")),
        sa.CheckConstraint(
            "amount NOT IN ('NaN', 'Infinity', '-Infinity')", name=op.f("ck_attributed_share_amount_finite")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("fk_attributed_share_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_id", "customer_id"],
            ["customer.group_id", "customer.id"],
            name=op.f("fk_attributed_share_group_id_customer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_id", "campaign_id"],
            ["campaign.group_id", "campaign.id"],
            name=op.f("fk_attributed_share_group_id_campaign_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_attributed_share")),
    )
    for parent in ("customer_id", "campaign_id"):
        op.create_index(
            op.f(f"ix_attributed_share_group_id_{parent}_id"), "attributed_share", ["group_id", parent, "id"]
        )
    protect(op.execute, "attributed_share")
    op.create_table(
        "sale_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("fk_sale_change_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_change")),
    )
    op.create_index(op.f("ix_sale_change_group_id_id"), "sale_change", ["group_id", "id"])
    op.execute("GRANT SELECT, INSERT, DELETE ON sale_change TO gateway_app")
    op.execute("GRANT USAGE ON SEQUENCE sale_change_id_seq TO gateway_app")
    for role in READERS:
        op.execute(f"GRANT SELECT ON sale_change TO {role}")


def downgrade() -> None:
    op.drop_table("sale_change")
    unprotect(op.execute, "attributed_share")
    op.drop_table("attributed_share")
