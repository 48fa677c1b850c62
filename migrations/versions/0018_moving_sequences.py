"""a group that is brought in keeps its ids: the application may move sequences past them

Revision ID: 0018
Revises: 0015
"""

from alembic import op

revision = "0018"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT UPDATE ON ALL SEQUENCES IN SCHEMA public TO gateway_app")


def downgrade() -> None:
    op.execute("REVOKE UPDATE ON ALL SEQUENCES IN SCHEMA public FROM gateway_app")
