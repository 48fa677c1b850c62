"""identities: whether somebody vouched that this is the customer's

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of what is there nobody knows who said it: it goes on to count, or honest customers would be divided.
    op.add_column(
        "customer_identity", sa.Column("is_vouched", sa.Boolean(), server_default="true", nullable=False)
    )
    op.execute("ALTER TABLE customer_identity ALTER COLUMN is_vouched SET DEFAULT false")


def downgrade() -> None:
    op.drop_column("customer_identity", "is_vouched")
