"""how much is kept, and for how long: sizes of events, retention and usage of groups, bytes of removed files

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
CODE = sa.String(length=64, collation="pg_c_utf8")
MOST = 2**53 - 1
DAYS = ("keep_bodies_days", "keep_deliveries_days", "keep_trash_days", "keep_traces_days")
COUNTED = ("files", "file_bytes", "events", "event_bytes")
QUOTAS = ("file_quota", "event_quota")


def upgrade() -> None:
    op.add_column("project", sa.Column("max_event_bytes", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("ck_project_max_event_bytes_within"), "project", "max_event_bytes BETWEEN 1024 AND 131072"
    )
    for column in DAYS:
        op.add_column("customer_group", sa.Column(column, sa.Integer(), nullable=True))
        op.create_check_constraint(
            op.f(f"ck_customer_group_{column}_within"), "customer_group", f"{column} BETWEEN 1 AND 36500"
        )
    op.add_column(
        "customer_group", sa.Column("keep_answers_hours", sa.Integer(), server_default="24", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_customer_group_keep_answers_hours_within"), "customer_group", "keep_answers_hours BETWEEN 1 AND 24"
    )
    for column in COUNTED:
        op.add_column("customer_group", sa.Column(column, sa.BigInteger(), server_default="0", nullable=False))
        op.create_check_constraint(
            op.f(f"ck_customer_group_{column}_long"), "customer_group", f"{column} BETWEEN 0 AND {MOST}"
        )
    for column in QUOTAS:
        op.add_column("customer_group", sa.Column(column, sa.BigInteger(), nullable=True))
        op.create_check_constraint(
            op.f(f"ck_customer_group_{column}_long"), "customer_group", f"{column} BETWEEN 0 AND {MOST}"
        )
    op.add_column("asset", sa.Column("purged_at", INSTANT, nullable=True))
    op.create_check_constraint(op.f("ck_asset_purged_at_years"), "asset", YEARS.format("purged_at"))
    op.create_index(
        "ix_asset_to_purge",
        "asset",
        ["group_id", "deleted_at", "id"],
        postgresql_where=sa.text("deleted_at IS NOT NULL AND purged_at IS NULL"),
    )
    op.create_index("ix_asset_group_id_storage_key", "asset", ["group_id", "storage_key"])
    # Files that were removed before this revision still have their bytes; so they count until they are purged.
    op.execute(
        "UPDATE customer_group g SET files = a.files, file_bytes = a.bytes"
        " FROM (SELECT group_id, count(*) AS files, sum(size) AS bytes FROM asset GROUP BY group_id) AS a"
        " WHERE a.group_id = g.id"
    )
    op.create_table(
        "retention_mark",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("key", CODE, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.CheckConstraint(YEARS.format("until"), name=op.f("ck_retention_mark_until_years")),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["customer_group.id"],
            name=op.f("fk_retention_mark_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "key", name=op.f("pk_retention_mark")),
    )
    protect(op.execute, "retention_mark", sequence=False)


def downgrade() -> None:
    unprotect(op.execute, "retention_mark")
    op.drop_table("retention_mark")
    op.drop_index("ix_asset_group_id_storage_key", table_name="asset")
    op.drop_index("ix_asset_to_purge", table_name="asset")
    op.drop_column("asset", "purged_at")
    for column in (*QUOTAS, *COUNTED, "keep_answers_hours", *DAYS):
        op.drop_column("customer_group", column)
    op.drop_column("project", "max_event_bytes")
