"""segments: how large they were, day by day

Revision ID: 0026
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
KNOWN = """
INSERT INTO segment_size (group_id, segment_id, day, size)
SELECT s.group_id, s.id, (s.sized_at AT TIME ZONE g.time_zone)::date, s.size
  FROM segment s JOIN customer_group g ON g.id = s.group_id
 WHERE s.sized_at IS NOT NULL
"""


def upgrade() -> None:
    op.create_table(
        "segment_size",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "created_at >= '0001-01-01 00:00:00+00' AND created_at < '10000-01-01 00:00:00+00'",
            name=op.f("ck_segment_size_created_at_years"),
        ),
        sa.CheckConstraint(
            "day BETWEEN '0001-01-01' AND '9999-12-31'", name=op.f("ck_segment_size_day_years")
        ),
        sa.CheckConstraint(f"size BETWEEN 0 AND {2**53 - 1}", name=op.f("ck_segment_size_size_long")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("fk_segment_size_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_id", "segment_id"],
            ["segment.group_id", "segment.id"],
            name=op.f("fk_segment_size_group_id_segment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_segment_size")),
        sa.UniqueConstraint(
            "group_id", "segment_id", "day", name=op.f("uq_segment_size_group_id_segment_id_day")
        ),
    )
    protect(op.execute, "segment_size")
    # What is known of the past: the last count. The owner sees rows only where its own policies do not bind it.
    for table in ("segment", "customer_group", "segment_size"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(KNOWN)
    for table in ("segment", "customer_group", "segment_size"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    unprotect(op.execute, "segment_size")
    op.drop_table("segment_size")
