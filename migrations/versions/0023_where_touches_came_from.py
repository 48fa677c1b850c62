"""interactions: the channel somebody came by, read with the index that attribution reads

Revision ID: 0023
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
COVERING = "ix_interaction_group_id_customer_id_occurred_at_id"


def upgrade() -> None:
    op.add_column("interaction", sa.Column("channel", CODE, nullable=True))
    _cover("campaign_id", "project_id", "channel")


def downgrade() -> None:
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
