"""spend limits: what takes effect with the next period; features a store is without; zones the database knows

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
KNOWN_ZONE = "(timestamptz '2000-01-01 00:00:00+00' AT TIME ZONE time_zone) > '1999-01-01'"
FEATURES = "spend_limits,daily_limits,monthly_limits,lifetime_limits"
LIMIT_CHECKS = {
    "pending_renewal_known": "pending_renewal IN ('daily', 'monthly')",
    "pending_amount_positive": "pending_amount > 0",
    "pending_whole": "num_nonnulls(pending_amount, pending_renewal, effective_from) IN (0, 3)",
    "pending_amount_finite": "pending_amount NOT IN ('NaN', 'Infinity', '-Infinity')",
    "effective_from_years": (
        "effective_from >= '0001-01-01 00:00:00+00' AND effective_from < '10000-01-01 00:00:00+00'"
    ),
}
STORE_CHECKS = {
    "unavailable_features_known": f"unavailable_features <@ '{{{FEATURES}}}'::text[]",
    "unavailable_features_whole": "array_position(unavailable_features, NULL) IS NULL",
}


def upgrade() -> None:
    op.add_column("spend_limit", sa.Column("pending_amount", sa.Numeric(precision=18, scale=4), nullable=True))
    op.add_column("spend_limit", sa.Column("pending_renewal", CODE, nullable=True))
    op.add_column("spend_limit", sa.Column("effective_from", postgresql.TIMESTAMP(timezone=True), nullable=True))
    for name, rule in LIMIT_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_spend_limit_{name}"), "spend_limit", rule)
    op.create_index(
        "ix_spend_limit_due",
        "spend_limit",
        ["group_id", "effective_from"],
        postgresql_where=sa.text("effective_from IS NOT NULL"),
    )
    op.add_column(
        "store",
        sa.Column("unavailable_features", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    for name, rule in STORE_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_store_{name}"), "store", rule)
    for table in ("customer_group", "store"):
        op.create_check_constraint(op.f(f"ck_{table}_time_zone_known"), table, KNOWN_ZONE)


def downgrade() -> None:
    for table in ("customer_group", "store"):
        op.drop_constraint(op.f(f"ck_{table}_time_zone_known"), table, type_="check")
    for name in STORE_CHECKS:
        op.drop_constraint(op.f(f"ck_store_{name}"), "store", type_="check")
    op.drop_column("store", "unavailable_features")
    op.drop_index("ix_spend_limit_due", table_name="spend_limit")
    for name in LIMIT_CHECKS:
        op.drop_constraint(op.f(f"ck_spend_limit_{name}"), "spend_limit", type_="check")
    for column in ("effective_from", "pending_renewal", "pending_amount"):
        op.drop_column("spend_limit", column)
