"""days of promos: a promo keeps the first and the last day it was given

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

COLUMNS = ("valid_from_on", "valid_until_on")


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column("promo", sa.Column(column, sa.Date(), nullable=True))
        op.create_check_constraint(
            op.f(f"ck_promo_{column}_years"), "promo", f"{column} BETWEEN '0001-01-01' AND '9999-12-31'"
        )


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_column("promo", column)
