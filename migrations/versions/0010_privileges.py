"""access: personal data and administration are roles of their own

Keys and clients that could read before may read all they could.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

FURTHER = ("personal_data", "administration")


def upgrade() -> None:
    for column in FURTHER:
        op.add_column("api_key", sa.Column(column, sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute("UPDATE api_key SET personal_data = true, administration = true")
    # The roles of people, marketing and the others, include what they need of this.
    op.execute(
        "UPDATE oauth_client SET roles = roles || ARRAY['personal_data', 'administration']"
        " WHERE roles && ARRAY['read', 'write']"
    )


def downgrade() -> None:
    op.execute(
        "UPDATE oauth_client SET roles = array_remove(array_remove(roles, 'personal_data'), 'administration')"
    )
    for column in reversed(FURTHER):
        op.drop_column("api_key", column)
