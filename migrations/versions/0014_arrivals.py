"""events: which transaction stored them and which moved them last, so that subscribers are told each of them once

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COLUMNS = ("written_by", "moved_by")


def upgrade() -> None:
    # The default comes afterwards: rows there are stay as they are, and the table is not written anew.
    for column in COLUMNS:
        op.add_column("event", sa.Column(column, sa.BigInteger(), nullable=True))
    for column in COLUMNS:
        op.execute(f"ALTER TABLE event ALTER COLUMN {column} SET DEFAULT pg_current_xact_id()::text::bigint")
    op.create_index(op.f("ix_event_group_id_moved_by"), "event", ["group_id", "moved_by"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_event_group_id_moved_by"), table_name="event")
    for column in reversed(COLUMNS):
        op.drop_column("event", column)
