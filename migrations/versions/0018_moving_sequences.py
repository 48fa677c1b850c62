"""a group that is brought in keeps its ids: the application may move sequences past them

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT UPDATE ON ALL SEQUENCES IN SCHEMA public TO gateway_app")
    # And those of the tables to come, which the same owner makes.
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT UPDATE ON SEQUENCES TO gateway_app")


def downgrade() -> None:
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE UPDATE ON SEQUENCES FROM gateway_app")
    op.execute("REVOKE UPDATE ON ALL SEQUENCES IN SCHEMA public FROM gateway_app")
