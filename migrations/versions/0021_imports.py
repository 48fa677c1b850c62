"""imports: files that were sent over HTTP, and how far bringing them in is

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
INSTANT = postgresql.TIMESTAMP(timezone=True)
COUNTED = ("rows", "refused", "made", "changed", "same", "lost")
INSTANTS = ("created_at", "held_until", "started_at", "finished_at", "cancel_at")
# Which groups have an import to be begun, or taken up again; whoever was served longest ago comes first. A look per
# group, behind its own policy.
WAITING_IMPORT_GROUPS = """
CREATE FUNCTION waiting_import_groups() RETURNS TABLE (waiting bigint, served timestamptz) LANGUAGE plpgsql AS $body$
BEGIN
  FOR waiting IN SELECT id FROM tenant ORDER BY id LOOP
    EXECUTE format('SET LOCAL app.group_id = %L', waiting);
    IF EXISTS (SELECT FROM import_run WHERE group_id = waiting AND state IN ('queued', 'running'))
       AND NOT EXISTS (SELECT FROM import_run
                        WHERE group_id = waiting AND state = 'running' AND held_until > clock_timestamp()) THEN
      served := (SELECT max(started_at) FROM import_run WHERE group_id = waiting);
      RETURN NEXT;
    END IF;
  END LOOP;
END
$body$
"""


def upgrade() -> None:
    op.create_table(
        "import_run",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("what", WORDS, nullable=False),
        sa.Column("told", postgresql.JSON(none_as_null=True), nullable=False),
        sa.Column("system", CODE, nullable=True),
        sa.Column("is_dry", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", CODE, server_default="queued", nullable=False),
        sa.Column("asked_by", WORDS, nullable=False),
        sa.Column("file_name", WORDS, nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=True),
        sa.Column("refused_name", WORDS, nullable=True),
        sa.Column("refused_key", sa.Text(), nullable=True),
        sa.Column("refused_size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reasons_key", sa.Text(), nullable=True),
        sa.Column("reasons_size", sa.BigInteger(), server_default="0", nullable=False),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in COUNTED[:2]),
        sa.Column("total", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in COUNTED[2:]),
        sa.Column("report", postgresql.JSON(none_as_null=True), nullable=True),
        sa.Column("failure_code", WORDS, nullable=True),
        sa.Column("failure_message", WORDS, nullable=True),
        sa.Column("begun", sa.Integer(), server_default="0", nullable=False),
        sa.Column("holder", CODE, nullable=True),
        *(sa.Column(name, INSTANT, nullable=True) for name in INSTANTS[1:]),
        *(
            sa.CheckConstraint(
                f"{name} >= '0001-01-01 00:00:00+00' AND {name} < '10000-01-01 00:00:00+00'",
                name=op.f(f"ck_import_run_{name}_years"),
            )
            for name in INSTANTS
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_import_run_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'running') = (holder IS NOT NULL)", name=op.f("ck_import_run_running_is_held")
        ),
        sa.CheckConstraint(
            "(holder IS NULL) = (held_until IS NULL)", name=op.f("ck_import_run_held_until_then")
        ),
        sa.CheckConstraint(
            "(state IN ('queued', 'running')) = (finished_at IS NULL)", name=op.f("ck_import_run_over_or_not")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("fk_import_run_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_import_run")),
    )
    op.create_index(
        op.f("ix_import_run_group_id_created_at_id"), "import_run", ["group_id", "created_at", "id"]
    )
    op.create_index(
        "ix_import_run_open",
        "import_run",
        ["group_id", "id"],
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index(
        "uq_import_run_running",
        "import_run",
        ["group_id"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    protect(op.execute, "import_run")
    op.execute(WAITING_IMPORT_GROUPS)


def downgrade() -> None:
    op.execute("DROP FUNCTION waiting_import_groups")
    unprotect(op.execute, "import_run")
    op.drop_table("import_run")
