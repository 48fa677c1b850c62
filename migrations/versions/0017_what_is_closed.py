"""projects, partners, agreements and integrations: since when they are closed

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = ("project", "partner", "partnership", "integration")
YEARS = "archived_at >= '0001-01-01 00:00:00+00' AND archived_at < '10000-01-01 00:00:00+00'"


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("archived_at", sa.TIMESTAMP(timezone=True)))
        op.create_check_constraint(op.f(f"ck_{table}_archived_at_years"), table, YEARS)


def downgrade() -> None:
    for table in TABLES:
        op.drop_constraint(op.f(f"ck_{table}_archived_at_years"), table)
        op.drop_column(table, "archived_at")
