"""idempotent answers: to whom each was given, and what was made where it is not shown again

Revision ID: 0012
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMNS = ("principal", "made")


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column("idempotent_answer", sa.Column(column, sa.Text(), nullable=True))


def downgrade() -> None:
    for column in reversed(COLUMNS):
        op.drop_column("idempotent_answer", column)
