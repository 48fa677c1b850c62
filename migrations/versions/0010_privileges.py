"""access: personal data and administration are roles of their own, and administration is written down

Keys and clients that could read before may read all they could. Events remember who sent them.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
CODE = sa.String(64, collation="pg_c_utf8")
KEPT = postgresql.JSON(none_as_null=True)
FURTHER = ("personal_data", "administration")
# As in 0006, and who vouches. That one stays: gateways of the version before call it until they are replaced.
ACCEPT_EVENTS = """
CREATE FUNCTION accept_events(
  groups bigint[], ends integer[], ids uuid[], projects bigint[], keys text[], types text[], trackers text[],
  received timestamptz[], occurred timestamptz[], bodies text[], vouched boolean[])
RETURNS TABLE (place bigint, id uuid)
LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
  first integer := 1;
  last integer;
  stored integer;
BEGIN
  FOR at IN 1 .. cardinality(groups) LOOP
    last := ends[at];
    EXECUTE format('SET LOCAL app.group_id = %L', groups[at]);
    INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, tracker_id, received_at, occurred_at,
                       updated_at, body, status, is_vouched)
    SELECT groups[at], given.id, given.project, 'tracker', given.key, given.type, given.tracker, given.received,
           given.occurred, given.received, given.body::json, 'pending', given.vouched
      FROM unnest(ids[first:last], projects[first:last], keys[first:last], types[first:last], trackers[first:last],
                  received[first:last], occurred[first:last], bodies[first:last], vouched[first:last])
        AS given (id, project, key, type, tracker, received, occurred, body, vouched)
    ON CONFLICT (group_id, source, dedup_key) DO NOTHING;
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF stored < last - first + 1 THEN
      RETURN QUERY
      SELECT given.place + first - 1, e.id
        FROM unnest(ids[first:last], keys[first:last]) WITH ORDINALITY AS given (id, key, place)
        JOIN event e ON e.group_id = groups[at] AND e.source = 'tracker' AND e.dedup_key = given.key
       WHERE e.id <> given.id;
    END IF;
    first := last + 1;
  END LOOP;
END
$body$
"""

SIGNATURE = (
    "accept_events(bigint[], int[], uuid[], bigint[], text[], text[], text[], timestamptz[], timestamptz[], text[],"
    " boolean[])"
)


def upgrade() -> None:
    for column in FURTHER:
        op.add_column("api_key", sa.Column(column, sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute("UPDATE api_key SET personal_data = true, administration = true")
    # The roles of people, marketing and the others, include what they need of this.
    op.execute(
        "UPDATE oauth_client SET roles = roles || ARRAY['personal_data', 'administration']"
        " WHERE roles && ARRAY['read', 'write']"
    )
    for name, kind in (
        ("store_id", sa.BigInteger()), ("last_used_at", INSTANT), ("rotated_at", INSTANT),
        ("previous_hash", sa.LargeBinary()), ("previous_until", INSTANT),
    ):  # fmt: skip
        op.add_column("api_key", sa.Column(name, kind, nullable=True))
        if kind is INSTANT:
            op.create_check_constraint(op.f(f"ck_api_key_{name}_years"), "api_key", YEARS.format(name))
    op.create_check_constraint(
        op.f("ck_api_key_previous_has_an_end"), "api_key", "(previous_hash IS NULL) = (previous_until IS NULL)"
    )
    op.create_index(
        "uq_api_key_previous_hash", "api_key", ["previous_hash"], unique=True,
        postgresql_where=sa.text("previous_hash IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "revoked_token",
        sa.Column("jti", sa.String(64, collation="pg_c_utf8"), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(YEARS.format("expires_at"), name=op.f("ck_revoked_token_expires_at_years")),
        sa.CheckConstraint(YEARS.format("revoked_at"), name=op.f("ck_revoked_token_revoked_at_years")),
        sa.PrimaryKeyConstraint("jti", "group_id", name=op.f("pk_revoked_token")),
    )
    op.create_index(op.f("ix_revoked_token_expires_at_jti"), "revoked_token", ["expires_at", "jti"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON revoked_token TO gateway_app")
    for role in ("gateway_reader", "gateway_guarded_reader"):
        op.execute(f"GRANT SELECT ON revoked_token TO {role}")
    op.add_column("audit_entry", sa.Column("address", CODE))
    op.add_column("audit_entry", sa.Column("subject", CODE))
    op.add_column("audit_entry", sa.Column("before", KEPT))
    op.add_column("audit_entry", sa.Column("after", KEPT))
    # Of what is there nobody knows any more who sent it.
    op.add_column("event", sa.Column("is_vouched", sa.Boolean(), server_default="false", nullable=False))
    op.add_column(
        "event_type", sa.Column("trigger_by_strangers", sa.Boolean(), server_default="false", nullable=False)
    )
    op.execute(ACCEPT_EVENTS)


def downgrade() -> None:
    for name in ("after", "before", "subject", "address"):
        op.drop_column("audit_entry", name)
    op.drop_table("revoked_token")
    op.drop_index("uq_api_key_previous_hash", table_name="api_key")
    for name in ("previous_until", "previous_hash", "rotated_at", "last_used_at", "store_id"):
        op.drop_column("api_key", name)
    op.execute(f"DROP FUNCTION {SIGNATURE}")
    op.drop_column("event_type", "trigger_by_strangers")
    op.drop_column("event", "is_vouched")
    op.execute(
        "UPDATE oauth_client SET roles = array_remove(array_remove(roles, 'personal_data'), 'administration')"
    )
    for column in reversed(FURTHER):
        op.drop_column("api_key", column)
