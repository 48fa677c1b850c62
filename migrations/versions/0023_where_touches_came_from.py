"""interactions: the channel somebody came by, read with the index that attribution reads; rules that say which

Revision ID: 0023
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
INSTANT = postgresql.TIMESTAMP(timezone=True)
COVERING = "ix_interaction_group_id_customer_id_occurred_at_id"
CONDITIONS = ("source", "medium", "campaign", "click_id", "referrer", "integration")
EVERYTHING = "9007199254740991"


def upgrade() -> None:
    op.add_column("interaction", sa.Column("channel", CODE, nullable=True))
    _cover("campaign_id", "project_id", "channel")
    op.create_table(
        "channel_rule",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *(sa.Column(name, WORDS, nullable=True) for name in CONDITIONS),
        sa.Column("channel", CODE, nullable=True),
        sa.CheckConstraint(f"num_nonnulls({', '.join(CONDITIONS)}) > 0", name=op.f("ck_channel_rule_asks")),
        sa.CheckConstraint("position > 0", name=op.f("ck_channel_rule_position_positive")),
        sa.CheckConstraint(
            "created_at >= '0001-01-01 00:00:00+00' AND created_at < '10000-01-01 00:00:00+00'",
            name=op.f("ck_channel_rule_created_at_years"),
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("fk_channel_rule_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_channel_rule")),
        sa.UniqueConstraint("group_id", "position", name=op.f("uq_channel_rule_group_id_position")),
    )
    op.create_index(
        op.f("ix_channel_rule_group_id_position_id"), "channel_rule", ["group_id", "position", "id"]
    )
    protect(op.execute, "channel_rule")
    # The default is for the groups there are: what they have recorded is told its channel by the worker.
    op.add_column(
        "customer_group", sa.Column("channels_due", sa.BigInteger(), server_default=EVERYTHING, nullable=True)
    )
    op.alter_column("customer_group", "channels_due", server_default=None)
    op.add_column("customer_group", sa.Column("channels_again_at", INSTANT, nullable=True))
    op.create_check_constraint(
        op.f("ck_customer_group_channels_again_at_years"),
        "customer_group",
        "channels_again_at >= '0001-01-01 00:00:00+00' AND channels_again_at < '10000-01-01 00:00:00+00'",
    )


def downgrade() -> None:
    op.drop_column("customer_group", "channels_again_at")
    op.drop_column("customer_group", "channels_due")
    unprotect(op.execute, "channel_rule")
    op.drop_table("channel_rule")
    _cover("campaign_id", "project_id")
    op.drop_column("interaction", "channel")


def _cover(*columns: str) -> None:
    op.drop_index(op.f(COVERING), table_name="interaction")
    op.create_index(
        op.f(COVERING),
        "interaction",
        ["group_id", "customer_id", "occurred_at", "id"],
        unique=False,
        postgresql_include=[*columns],
    )
