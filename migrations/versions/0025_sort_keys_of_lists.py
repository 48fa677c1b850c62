"""lists of customers and promos: what they are sorted by is never null

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
FIRST, LAST = "0001-01-02 00:00:00+00", "9999-12-31 00:00:00+00"
KEYS = (
    ("customer", "last_order_key", "last_order_at", FIRST),
    ("promo", "valid_from_key", "valid_from", FIRST),
    ("promo", "valid_until_key", "valid_until", LAST),
)
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"


def upgrade() -> None:
    for table, key, column, otherwise in KEYS:
        made = sa.Computed(f"coalesce({column}, '{otherwise}'::timestamptz)", persisted=True)
        op.add_column(table, sa.Column(key, INSTANT, made, nullable=False))
        op.create_check_constraint(op.f(f"ck_{table}_{key}_years"), table, YEARS.format(key))
        op.create_index(op.f(f"ix_{table}_group_id_{key}_id"), table, ["group_id", key, "id"])


def downgrade() -> None:
    for table, key, _, _ in KEYS:
        op.drop_column(table, key)
