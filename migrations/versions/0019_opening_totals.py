"""totals that were counted elsewhere: up to when they count

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
MOMENTS = {"customer": "totals_as_of", "promo": "used_as_of"}


def upgrade() -> None:
    for table, column in MOMENTS.items():
        op.add_column(table, sa.Column(column, INSTANT, nullable=True))
        op.create_check_constraint(op.f(f"ck_{table}_{column}_years"), table, YEARS.format(column))
    op.add_column(
        "webhook_provider", sa.Column("events_before", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_webhook_provider_events_before_long"),
        "webhook_provider",
        "events_before BETWEEN 0 AND 9007199254740991",
    )
    op.add_column("campaign", sa.Column("opening", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("campaign", "opening")
    op.drop_column("webhook_provider", "events_before")
    for table, column in MOMENTS.items():
        op.drop_column(table, column)
