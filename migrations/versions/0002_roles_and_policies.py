"""roles and row-level policies

gateway_app writes behind the policies; gateway_reader reads past them (its statements carry their own
predicates); gateway_guarded_reader is the reader behind the policies (READ_RLS=1, and the tests' oracle).

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLES = ("gateway_app", "gateway_reader", "gateway_guarded_reader")
TENANT_TABLES = (
    "audit_entry idempotent_answer partner segment store customer metric_rollup partnership project event"
    " integration campaign asset campaign_metric flow goal outlay promo spend_entry spend_limit flow_action"
    " flow_condition flow_multiplier"
).split()
OWN_GROUP = "group_id = nullif(current_setting('app.group_id', true), '')::bigint"
OWN_GROUPS = "id = ANY (string_to_array(nullif(current_setting('app.group_ids', true), ''), ',')::bigint[])"


def protect(table: str, rule: str) -> None:
    """Turn the policies on: the group's own rows for all, everything for the unguarded reader."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_group ON {table} TO gateway_app, gateway_guarded_reader USING ({rule}) WITH CHECK ({rule})"
    )
    op.execute(f"CREATE POLICY planned_reads ON {table} FOR SELECT TO gateway_reader USING (true)")


def upgrade() -> None:
    for role in ROLES:
        op.execute(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN NOBYPASSRLS;"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        op.execute(f"GRANT {role} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE")
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO gateway_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gateway_app")
    op.execute("REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM gateway_app")
    op.execute("REVOKE UPDATE, DELETE ON audit_entry FROM gateway_app")
    for role in ROLES[1:]:
        op.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    for table in TENANT_TABLES:
        protect(table, OWN_GROUP)
    protect("customer_group", OWN_GROUPS)


def downgrade() -> None:
    for table in (*TENANT_TABLES, "customer_group"):
        op.execute(f"DROP POLICY own_group ON {table}")
        op.execute(f"DROP POLICY planned_reads ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for role in ROLES:
        op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
        op.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role}")
        op.execute(f"REVOKE USAGE ON SCHEMA public FROM {role}")
