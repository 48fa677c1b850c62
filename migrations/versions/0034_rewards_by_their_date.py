"""rewards: campaigns' statuses by date, evaluations judged again

Revision ID: 0034
Revises: 0030
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0034"
down_revision = "0030"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
INSTANT = postgresql.TIMESTAMP(timezone=True)
LONG = sa.BigInteger()
KEPT_JSON = postgresql.JSON(none_as_null=True)
MAX_SAFE = 9007199254740991
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
STATUSES = "status IN ('draft', 'scheduled', 'active', 'paused', 'completed')"
READ = ("campaign", "campaign_status_change")
# What is known of statuses so far: when a campaign was made, first became active, ended or last changed.
HISTORY = """
INSERT INTO campaign_status_change (group_id, campaign_id, status, at, created_at)
SELECT c.group_id, c.id, past.status, past.at, now()
  FROM campaign c
 CROSS JOIN LATERAL (
   SELECT 1 AS place, 'draft' AS status, c.created_at AS at
    WHERE c.status IN ('draft', 'scheduled') OR c.activated_at > c.created_at
   UNION ALL
   SELECT 2, 'active', least(c.activated_at, greatest(c.starts_at, c.created_at)) WHERE c.activated_at IS NOT NULL
   UNION ALL
   SELECT 3, c.status,
          CASE c.status WHEN 'completed' THEN least(greatest(c.ends_at, c.activated_at), now())
                        WHEN 'scheduled' THEN c.created_at ELSE c.updated_at END
    WHERE c.status NOT IN ('active', 'draft') OR c.status = 'draft' AND c.activated_at IS NOT NULL
   UNION ALL
   SELECT 4, 'active', coalesce(c.starts_at, c.created_at) WHERE c.status = 'active' AND c.activated_at IS NULL) past
 WHERE past.at IS NOT NULL
 ORDER BY c.group_id, c.id, past.place
"""


def upgrade() -> None:
    op.add_column("campaign", sa.Column("reward_late_days", sa.Integer(), server_default="30", nullable=False))
    _rule("campaign", "reward_late_days_within", "reward_late_days BETWEEN 0 AND 3650")
    op.create_table(
        "campaign_status_change",
        *_tenant_row("campaign_status_change"),
        sa.Column("campaign_id", LONG, nullable=False),
        sa.Column("status", CODE, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        _check("campaign_status_change", "status_known", STATUSES),
        _check("campaign_status_change", "at_years", YEARS.format("at")),
        _to("campaign_status_change", "campaign_id", "campaign"),
    )
    _index("campaign_status_change", "campaign_id", "at")
    protect(op.execute, "campaign_status_change")
    _unforced(HISTORY)


def downgrade() -> None:
    unprotect(op.execute, "campaign_status_change")
    op.drop_table("campaign_status_change")
    op.drop_column("campaign", "reward_late_days")


def _unforced(*statements: str) -> None:
    # The owner sees rows only where its own policies do not bind it.
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    for statement in statements:
        op.execute(statement)
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _tenant_row(table: str) -> list[Any]:
    return [
        sa.Column("group_id", LONG, nullable=False),
        sa.Column("id", LONG, sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        _check(table, "created_at_years", YEARS.format("created_at")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f(f"fk_{table}_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f(f"pk_{table}")),
    ]


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _rule(table: str, name: str, rule: str) -> None:
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_{name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({rule})")


def _to(table: str, column: str, target: str, *, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["group_id", column],
        [f"{target}.group_id", f"{target}.id"],
        name=op.f(f"fk_{table}_group_id_{column}"),
        ondelete=ondelete,
    )


def _index(table: str, *columns: str) -> None:
    names = ["group_id", *columns, "id"]
    op.create_index(op.f(f"ix_{table}_{'_'.join(names)}"), table, names, unique=False)
