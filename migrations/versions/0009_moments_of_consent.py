"""customers: when their consent was told by other ways than a provider's webhook

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
COLUMNS = ("email_consent_at", "sms_consent_at")


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column("customer", sa.Column(column, INSTANT, nullable=True))
        op.create_check_constraint(op.f(f"ck_customer_{column}_years"), "customer", YEARS.format(column))


def downgrade() -> None:
    for column in reversed(COLUMNS):
        op.drop_column("customer", column)
